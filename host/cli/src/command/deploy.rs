//! `sandglass deploy`: from a folder or a file to a job with a new revision.

use crate::cli::{Context, understand, warn};
use crate::client::{Client, LONG, Request};
use crate::manifest::{Manifest, name_of, read_component, with_component};
use crate::render::table::Facts;
use crate::render::{self, amount, progress, text};
use crate::schedule::ScheduleOptions;
use crate::shape::{Component, Job};
use crate::stop::Stop;
use anyhow::{Context as _, Result};
use sandglass_core::{Digest, Instant, Name};
use serde_json::{Map, Value};
use std::path::PathBuf;
use ureq::http::Method;

/// Build a job, upload it, and set its schedule
///
/// A folder is deployed as its sandglass.toml says; a job that is there gets a new revision with that whole
/// specification. A file alone (.wasm) keeps all else that the job's newest revision says.
#[derive(Debug, clap::Args)]
pub(crate) struct Deploy {
    /// The job's folder, its manifest, or a component's file
    #[arg(value_name = "DIR|FILE.wasm", default_value = ".")]
    source: PathBuf,
    /// The job's name, instead of the manifest's or the file's
    #[arg(long)]
    name: Option<Name>,
    /// Deploy what was built before
    #[arg(long)]
    no_build: bool,
    /// Pause the job with it: its schedule starts nothing until the job is resumed
    #[arg(long)]
    paused: bool,
    /// Print the job as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    schedule: ScheduleOptions,
}

/// What is to be deployed.
struct Work {
    name: Name,
    bytes: Vec<u8>,
    /// None: what the job has already, or the defaults.
    specification: Option<Map<String, Value>>,
}

impl Deploy {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let client = context.client()?;
        let work = self.work(context.now)?;
        let digest = Digest::of(&work.bytes).to_string();
        let (component, uploaded) = upload(&client, &digest, &work.bytes)?;
        // What the host calls it: it may have made a component of a core module.
        let document = self.commit(&client, &work, &component.digest)?;
        let job: Job = understand(document.clone())?;
        let of_component = component.warnings.iter().filter(|warning| !is_told(warning, &job.warnings));
        of_component.chain(&job.warnings).for_each(|warning| warn(warning));
        if self.json {
            return context.print_json(&document);
        }
        context.print(&told(&job, &component, uploaded, context.now))
    }

    /// Reads and builds it. Nothing is built, and nothing sent, of what the host would not take.
    fn work(&self, now: Instant) -> Result<Work> {
        let is_manifest =
            self.source.is_dir() || self.source.extension().is_some_and(|extension| extension == "toml");
        if !is_manifest {
            let bytes = read_component(&self.source)?;
            let name = self.name.clone().map_or_else(|| name_of(&self.source), Ok)?;
            return Ok(Work { name, bytes, specification: None });
        }
        let mut manifest = Manifest::read(&self.source)?;
        self.schedule.override_in(&mut manifest.specification);
        manifest.check(now)?;
        let bytes = manifest.build(!self.no_build)?;
        let name = self.name.clone().unwrap_or(manifest.name);
        Ok(Work { name, bytes, specification: Some(manifest.specification) })
    }

    /// Makes the revision.
    fn commit(&self, client: &Client, work: &Work, digest: &str) -> Result<Value> {
        let path = format!("jobs/{}", work.name);
        let request = Request::new(Method::PUT, path.clone());
        let request = request.query_some("paused", self.paused.then_some("true"));
        if let Some(specification) = &work.specification {
            return client.json(request.json(&with_component(specification.clone(), digest)));
        }
        // A file alone changes the component and perhaps the schedule; the rest stays as it was read just now.
        let (mut specification, request) = match client.call_maybe(Request::get(path))? {
            Some(response) => {
                let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
                let mut job: Value = client.document(response)?;
                let Some(Value::Object(specification)) = job.get_mut("specification").map(Value::take) else {
                    return Err(
                        Stop::Unreachable("the host shows a job without its specification".into()).into()
                    );
                };
                (specification, if let Some(tag) = tag { request.header("if-match", tag) } else { request })
            }
            None => (Map::new(), request.header("if-none-match", "*")),
        };
        self.schedule.override_in(&mut specification);
        client.json(request.json(&with_component(specification, digest)))
    }
}

/// Sends the component, unless the host has it. Says whether it was sent.
fn upload(client: &Client, digest: &str, bytes: &[u8]) -> Result<(Component, bool)> {
    if let Some(response) = client.call_maybe(Request::get(format!("components/{digest}")))? {
        return Ok((client.document(response)?, false));
    }
    let length = bytes.len() as u64;
    let bar = progress::bytes("uploading", Some(length));
    let mut reader = progress::Watched::new(bytes, bar.clone(), "compiling on the host");
    let request =
        Request::post("components").stream(&mut reader, Some(length), "application/wasm").patience(LONG);
    let component = client.json::<Component>(request).context("the component");
    bar.finish_and_clear();
    let component = component?;
    Ok((component, true))
}

/// Whether a component's warning is about nothing but imports that its job warns of too.
fn is_told(warning: &str, others: &[String]) -> bool {
    let packages =
        warning.split([' ', '/', ',', '`']).filter(|word| word.contains(':') && !word.ends_with(':'));
    let mut packages = packages.peekable();
    packages.peek().is_some() && packages.all(|package| others.iter().any(|other| other.contains(package)))
}

fn told(job: &Job, component: &Component, uploaded: bool, now: Instant) -> String {
    let mut facts = Facts::default();
    let state = if job.state == "active" { String::new() } else { format!(", {}", text::plain(&job.state)) };
    facts.add("job", format!("{}, revision {}{state}", text::plain(&job.name), job.revision));
    let there = if uploaded { "uploaded" } else { "was there already" };
    let digest = text::brief(&component.digest, 13);
    facts.add("component", format!("{digest}, {}, {there}", amount::bytes(component.size)));
    if let Some(language) = &component.language {
        facts.add("language", text::plain(language));
    }
    component.adapted.iter().for_each(|what| facts.add("", text::plain(what)));
    render::job::schedule(job, now, &mut facts);
    if job.state == "paused" {
        facts.add(
            "",
            format!("Nothing starts by itself until `sandglass resume {}`.", text::plain(&job.name)),
        );
    } else if job.next.is_empty() {
        facts.add("", format!("Start it with `sandglass run {}`.", text::plain(&job.name)));
    }
    facts.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_warned_of_twice() {
        let job = ["the component imports wasi:sockets, which jobs are not given".to_owned()];
        for (warning, told) in [
            ("it imports wasi:sockets/tcp@0.2.6, wasi:sockets/udp@0.2.6, which jobs are not given", true),
            ("it imports wasi:sockets/tcp@0.2.6, wasi:http/types@0.2.6, which jobs are not given", false),
            ("it begins with 65MiB of memory: set the limit memory to more than that", false),
        ] {
            assert_eq!(is_told(warning, &job), told, "{warning}");
        }
    }
}
