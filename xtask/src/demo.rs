//! `cargo xtask demo`: a host, a public data set, and a job at work on it. After the host has started,
//! everything goes through the command line, as a user's would.

mod dataset;
mod folder;
mod host;

use crate::process::{build_program, output, run as run_command, step};
use crate::{guests, portal, root};
use anyhow::{Context, Result, bail};
use dataset::DataSet;
use host::Host;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const JOB: &str = "cleanup_tables";

/// What was asked for.
#[derive(Debug, PartialEq)]
struct Options {
    /// Stop when everything was shown.
    once: bool,
    data: PathBuf,
    listen: String,
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    guests::build()?;
    if portal::can_build() {
        portal::build()?;
    } else {
        println!("Node 20 with npm is not installed: the host has no portal");
    }
    let binary = build_program("sandglass")?;
    host::check_is_free(&options.listen)?;
    folder::prepare(&options.data)?;
    // The host and its client are started in the repository's folder, wherever this was.
    let data = options.data.canonicalize()?;
    let set = dataset::fetch()?;
    let host = Host::start(&binary, &data, &options.listen)?;
    let client = Client { binary: &binary, url: host.url(), token: token(&data)? };

    show(&client, &data, &set)?;
    client.farewell();
    if let Some(link) = host.link() {
        println!("\nThe portal, with a link that signs in once within an hour:\n\n  {link}");
    }
    if options.once {
        return host.stop();
    }
    println!("\nThe host runs until Ctrl-C.");
    host.wait()
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options =
        Options { once: false, data: root().join(".sandglass-demo"), listen: "127.0.0.1:8420".to_string() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--once" => options.once = true,
            "--data" => options.data = value()?.into(),
            "--listen" => options.listen.clone_from(value()?),
            _ => bail!("the demo knows no `{argument}`, only --once, --data DIR and --listen ADDR"),
        }
    }
    Ok(options)
}

/// The one that the host made for whoever started it first.
fn token(data: &Path) -> Result<String> {
    let path = data.join("token");
    let token = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(token.trim().to_string())
}

/// The demo itself.
fn show(client: &Client, data: &Path, set: &DataSet) -> Result<()> {
    let folder = data.join("demo");
    let rows = folder.join("rows.ndjson");
    fs::create_dir_all(folder.join(JOB))?;
    fs::write(&rows, &set.rows)?;
    fs::write(folder.join(JOB).join("sandglass.toml"), manifest(set)?)?;

    println!("\n{}", set.description);
    client.show(&["import", set.table, path_text(&rows)?])?;
    client.show(&["rows", set.table, "--limit", "3"])?;
    let before = client.count(set.table)?;
    println!("{before} rows before the run");
    client.show(&["deploy", path_text(&folder.join(JOB))?, "--every", "1h"])?;
    client.show(&["run", JOB])?;
    let after = client.count(set.table)?;
    println!("{after} rows after the run, {} fewer", before.saturating_sub(after));
    client.show(&["show", JOB])?;
    client.show(&["emails"])?;
    client.show(&["next", JOB, "-n", "3"])
}

/// The example's specification, for this data set. The job is built already, so it says nothing of that.
fn manifest(set: &DataSet) -> Result<String> {
    Ok(format!(
        "name = {job:?}\n\
         component = {component:?}\n\n\
         [policy]\n\
         timeout = \"5m\"\n\n\
         [grants]\n\
         tables = {{ {table} = \"read-write\" }}\n\
         email = {{ to = [\"ops@example.com\"], per_run = 1, per_day = 100 }}\n\n\
         [env]\n\
         TABLE = {table:?}\n\
         FIELD = {field:?}\n\
         KEEP_DAYS = \"{keep_days}\"\n\
         REPORT_TO = \"ops@example.com\"\n",
        job = JOB,
        component = path_text(&guests::path(JOB))?,
        table = set.table,
        field = set.field,
        keep_days = set.keep_days,
    ))
}

/// The command line as a client of the host.
struct Client<'a> {
    binary: &'a Path,
    url: &'a str,
    token: String,
}

impl Client<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        command.args(arguments).current_dir(root());
        command.env("SANDGLASS_URL", self.url).env("SANDGLASS_TOKEN", &self.token);
        command
    }

    /// Runs a command before the user's eyes.
    fn show(&self, arguments: &[&str]) -> Result<()> {
        println!("\n$ sandglass {}", arguments.join(" "));
        run_command(&mut self.command(arguments))
    }

    fn count(&self, table: &str) -> Result<usize> {
        let what = format!("\ncounting what `sandglass export {table}` gives");
        step(&what, || Ok(output(&mut self.command(&["export", table]))?.lines().count()))
    }

    fn farewell(&self) {
        let Self { url, token, .. } = self;
        let binary = self.binary.display();
        println!(
            "\nTo go on with, in another terminal:\n\n  \
             export SANDGLASS_URL={url} SANDGLASS_TOKEN={token}\n  \
             {binary} runs {JOB}\n  \
             {binary} logs {JOB}\n  \
             {binary} run {JOB}\n  \
             curl -H \"Authorization: Bearer $SANDGLASS_TOKEN\" $SANDGLASS_URL/v1/jobs/{JOB}\n  \
             curl -H \"Authorization: Bearer $SANDGLASS_TOKEN\" \"$SANDGLASS_URL/v1/upcoming\""
        );
    }
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Options> {
        parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_have_their_values() {
        let options = parsed(&["--data", "/tmp/d", "--once", "--listen", "127.0.0.1:0"]).expect("options");
        let expected = Options { once: true, data: "/tmp/d".into(), listen: "127.0.0.1:0".to_string() };
        assert_eq!(options, expected);
        assert!(!parsed(&[]).expect("defaults").once);
        assert!(parsed(&["--data"]).is_err());
        assert!(parsed(&["--twice"]).is_err());
    }
}
