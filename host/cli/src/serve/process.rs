//! The host from its start to its end.

use super::config::Config;
use super::{data, memory, metrics, portal, secret, token};
use crate::client::DEFAULT_URL;
use crate::folder;
use anyhow::{Context, Result, anyhow, bail};
use sandglass_core::retention::Retention;
use sandglass_core::{Instant, Span};
use sandglass_outbound::{Client, Resolver};
use sandglass_runtime::{Clock, Compiler, Runtime, Settings};
use sandglass_scheduler::{Components, Host, system_random};
use sandglass_store::record::Token;
use sandglass_store::{Store, StoreError, StoreExt, op};
use sandglass_store_sled::SledStore;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Serves until a signal asks it to stop.
pub(crate) fn run(config: &Config) -> Result<()> {
    // Before there is anything to hide.
    secret::seclude();
    memory::give_back();
    data::prepare(&config.data)?;
    let store = open_store(&config.data)?;
    let runtime = Runtime::new(&settings(config))?;
    let threads = tokio::runtime::Runtime::new().context("the threads of the host cannot be started")?;
    let served = threads.block_on(serve(config, Arc::new(store), Arc::new(runtime)));
    // What is left of the tasks lets go of the store before the process ends, and the store finishes its work.
    threads.shutdown_timeout(Span::from_secs(1).to_std());
    served
}

fn open_store(data: &Path) -> Result<SledStore> {
    SledStore::open(&data.join("store"), &sandglass_store_sled::Options::default())
        .map_err(|error| anyhow!("{error}. The host does not start, and nothing was changed"))
}

fn settings(config: &Config) -> Settings {
    let mut settings = Settings::new(&config.data);
    settings.attempts_max = config.attempts_max.unwrap_or(settings.attempts_max);
    settings.guest_threads = config.guest_threads.unwrap_or(settings.guest_threads);
    settings.memory_max = config.memory_max.unwrap_or(settings.memory_max);
    settings
}

fn api_options(config: &Config) -> sandglass_api::Options {
    let mut options = sandglass_api::Options::default();
    options.connections_max = config.connections_max.unwrap_or(options.connections_max);
    options.connections_per_address_max =
        config.connections_per_address_max.unwrap_or(options.connections_per_address_max);
    options.upload_bytes_max = config.upload_max.map_or(options.upload_bytes_max, |most| most.0 as usize);
    options
}

async fn serve(config: &Config, store: Arc<dyn Store>, runtime: Arc<Runtime>) -> Result<()> {
    // Before anything runs: from here on a signal stops the host in good order.
    let signals = Signals::new().context("the host cannot listen for signals")?;
    // The port first: whoever shares it, not the jobs, should notice that there are two.
    let listener =
        TcpListener::bind(&config.listen).await.map_err(|error| cannot_listen(&config.listen, &error))?;
    let address = listener.local_addr().context("the port that was taken is not known")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "others can reach this port, and what goes over it is not encrypted: put a proxy with TLS before it");
    }
    let metrics = metrics::install()?;
    let clock: Clock = Arc::new(now);
    let compiler = Compiler::new(config.compile).context("the compiler's process cannot be started")?;
    let history = Retention { age: config.history, bytes: config.history_max };
    let mut options = sandglass_scheduler::Options { history, ..Default::default() };
    let bounds = settings(config);
    options.attempts_max = bounds.attempts_max;
    options.memory_max = bounds.memory_max;
    options.outbound = Some(Arc::new(outbound(config)?));
    options.mail = config.smtp.route()?.map(Arc::new);
    options.secret_key = secret::key_source(std::env::var_os(secret::VARIABLE), &config.data)?;
    let components = Components::new(store.clone(), runtime, compiler, clock.clone());
    let host =
        Host::start(store.clone(), components.clone(), clock, Arc::new(system_random), options).await?;
    let warming = AbortOnDropHandle::new(tokio::spawn({
        let components = components.clone();
        async move { components.warm().await }
    }));
    let warming = within(WARM_WITHIN, warming).await;
    say(&welcome(config, &*store, address).await?);
    let mut options = api_options(config);
    if let Some((link, words)) = portal::link(&config.data, address) {
        options.link = Some(link);
        say(&words);
    }
    say(&format!("listening on http://{address}\n"));
    tracing::info!(%address, data = %config.data.display(), "the host is ready");

    let closing = CancellationToken::new();
    let render = {
        let metrics = metrics.clone();
        Arc::new(move || metrics.render())
    };
    let backend = sandglass_api::Backend { host: host.clone(), components, metrics: render };
    let api = sandglass_api::serve(listener, backend, options, closing.clone());
    let mut api = tokio::spawn(api);
    let upkeep = async {
        loop {
            tokio::time::sleep(metrics::UPKEEP_EVERY.to_std()).await;
            metrics.run_upkeep();
        }
    };
    let broken = tokio::select! {
        () = upkeep => unreachable!("it never ends"),
        () = signals.stop_asked() => None,
        // It ends by itself only where it cannot go on.
        ended = &mut api => Some(ended),
        // A supervisor starts it again, and opening the store finds out what is on disk.
        () = host.broken() => bail!("a write to {} failed: start the host again", config.data.display()),
    };
    drop(warming);
    tracing::info!("stopping; what runs has {} to end", config.stop_grace);
    closing.cancel();
    host.stop(config.stop_grace).await;
    let ended = match broken {
        Some(ended) => ended,
        None => api.await,
    };
    ended.context("the API ended in a panic")?.context("the API cannot take connections any more")?;
    tracing::info!("stopped");
    Ok(())
}

/// How long the host waits for the components of its jobs before it says that it is ready. They go on becoming ready, and
/// a run that comes before its component waits for it.
const WARM_WITHIN: Duration = Duration::from_millis(500);

/// Waits until the task has ended, or for so long; gives it back where it goes on.
async fn within(time: Duration, mut task: AbortOnDropHandle<()>) -> Option<AbortOnDropHandle<()>> {
    match tokio::time::timeout(time, &mut task).await {
        // Where it panicked, runs load what they need.
        Ok(_) => None,
        Err(_) => Some(task),
    }
}

/// What makes requests to other hosts, those of jobs and webhooks. Certificates are checked against the authorities of
/// the web, and those that the operator adds.
fn outbound(config: &Config) -> Result<Client> {
    let pem = match &config.authorities {
        Some(path) => fs::read(path)
            .with_context(|| format!("the certificates of `authorities`, {}", path.display()))?,
        None => Vec::new(),
    };
    let roots = sandglass_outbound::roots(&pem).map_err(|error| anyhow!("`authorities`: {error}"))?;
    Client::new(Resolver::system(), roots).context("TLS cannot be set up")
}

fn now() -> Instant {
    Instant::from_jiff(jiff::Timestamp::now())
}

fn cannot_listen(listen: &str, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "another process listens on {listen} already: stop it, or choose another port with --listen (port 0 takes any)"
        ),
        io::ErrorKind::PermissionDenied => {
            anyhow!("this user may not listen on {listen}: choose a port above 1023 with --listen")
        }
        io::ErrorKind::AddrNotAvailable => anyhow!("{listen} is not an address of this machine"),
        _ => anyhow!("the host cannot listen on {listen}: {error}"),
    }
}

/// Makes the first token where there is none. Gives what is said on standard output of how to go on.
async fn welcome(config: &Config, store: &dyn Store, address: SocketAddr) -> Result<String> {
    let path = token::path(&config.data);
    if store.read(|read| op::token::any(read))? {
        let path = path.display();
        return Ok(if token::path(&config.data).exists() {
            format!("the token for clients is in {path}\n")
        } else {
            format!(
                "{path} is gone, and of tokens only hashes are kept: clients need the one that they were given\n"
            )
        });
    }
    let value = sandglass_api::new_token();
    // The file first: a token that nobody can read any more would lock everybody out.
    token::leave(&config.data, &value)?;
    let name = "first".parse().map_err(|error| anyhow!("{error}"))?;
    let (hash, record) = (sandglass_api::hash(&value), Token::admin(name, now()));
    let stored = store.write::<_, StoreError, _>(move |write| {
        op::token::put(write, hash, &record);
        Ok(())
    });
    stored.await?;
    Ok(first_words(&config.data, &value, &address.to_string()))
}

fn first_words(data: &Path, value: &str, address: &str) -> String {
    // Only what the client does not find by itself.
    let is_default = folder::default_data().is_ok_and(|default| default == data);
    let data_line =
        if is_default { String::new() } else { format!("    export SANDGLASS_DATA={}\n", quoted(data)) };
    let url = format!("http://{address}");
    let url_line =
        if url == DEFAULT_URL { String::new() } else { format!("    export SANDGLASS_URL={url}\n") };
    format!(
        "This host's first token, which is shown this once and kept in {}:\n\n    {value}\n\n\
         To go on, in another terminal:\n\n{data_line}{url_line}    sandglass deploy path/to/job\n    sandglass jobs\n\n",
        token::path(data).display()
    )
}

/// As a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Nobody may be reading; the host goes on.
fn say(words: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(words.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "standard output is closed");
    }
}

/// SIGTERM and SIGINT: the first asks, the second insists.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn stop_asked(mut self) {
        self.any().await;
        tokio::spawn(async move {
            self.any().await;
            tracing::warn!("stopped at once; what was running is tried again at the next start");
            std::process::exit(1);
        });
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_have_what_a_client_needs_to_be_told() {
        let words = first_words(Path::new("/srv/my data"), "sgl_x", "127.0.0.1:9");
        for line in [
            "    sgl_x",
            "    export SANDGLASS_DATA='/srv/my data'",
            "    export SANDGLASS_URL=http://127.0.0.1:9",
        ] {
            assert!(words.lines().any(|other| other == line), "{words}");
        }
        assert!(!first_words(Path::new("/srv"), "sgl_x", "127.0.0.1:8420").contains("SANDGLASS_URL"));
        assert_eq!(quoted(Path::new("it's")), "'it'\\''s'");
    }

    #[test]
    fn a_port_that_cannot_be_had_is_explained() {
        for (kind, expected) in [
            (io::ErrorKind::AddrInUse, "another process listens on a:1 already"),
            (io::ErrorKind::PermissionDenied, "this user may not listen on a:1"),
            (io::ErrorKind::AddrNotAvailable, "a:1 is not an address of this machine"),
            (io::ErrorKind::Other, "the host cannot listen on a:1"),
        ] {
            let message = cannot_listen("a:1", &kind.into()).to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
