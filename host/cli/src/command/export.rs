//! `sandglass export`: a table as NDJSON or CSV, streamed.

use crate::cli::{Context, note};
use crate::client::{LONG, Request};
use crate::command::import::is_csv;
use crate::render::{amount, progress};
use crate::stop::Stop;
use anyhow::{Context as _, Result};
use sandglass_core::Name;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Write a table's rows as NDJSON, or as CSV, to a file or to standard output
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    table: Name,
    /// Replaced when all rows are there; standard output when none is given
    file: Option<PathBuf>,
    /// Write CSV, as for a file whose name ends with .csv
    #[arg(long)]
    csv: bool,
}

impl Export {
    pub(crate) fn run(self, context: &mut Context) -> Result<()> {
        let mut request = Request::get(format!("tables/{}/export", self.table)).patience(LONG);
        if self.csv || self.file.as_deref().is_some_and(is_csv) {
            request = request.header("accept", "text/csv");
        }
        let response = context.client()?.call(request)?;
        let mut rows = response.into_body().into_reader();
        let Some(path) = self.file else {
            copy(&mut rows, &mut BufWriter::new(io::stdout().lock()))?;
            return Ok(());
        };
        let bar = progress::bytes("exporting", None);
        let mut rows = progress::Watched::new(rows, bar.clone(), "exporting");
        let written = write_file(&path, |file| copy(&mut rows, file));
        bar.finish_and_clear();
        note(&format!("{} of {} in {}", amount::bytes(written?), self.table, path.display()));
        Ok(())
    }
}

/// Writes a file beside `path`, and puts it there when it is whole.
fn write_file(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<u64>) -> Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file =
        BufWriter::new(File::create(&part).with_context(|| format!("{} cannot be written", part.display()))?);
    let written = write(&mut file).and_then(|bytes| {
        file.flush()?;
        fs::rename(&part, path).with_context(|| format!("{} cannot be replaced", path.display()))?;
        Ok(bytes)
    });
    if written.is_err() {
        // It is of no use, and its trouble is not what is told.
        let _ = fs::remove_file(&part);
    }
    written
}

/// Keeps apart which side failed: a reader of ours that left, or the host.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<u64> {
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let count = from.read(&mut buffer).map_err(|error| {
            Stop::Unreachable(format!("the export broke off after {}: {error}", amount::bytes(bytes)))
        })?;
        if count == 0 {
            to.flush()?;
            return Ok(bytes);
        }
        to.write_all(&buffer[..count])?;
        bytes += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.ndjson");
        fs::write(&path, "old").unwrap();
        let failed = write_file(&path, |file| {
            file.write_all(b"half")?;
            anyhow::bail!("broke off")
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(write_file(&path, |file| copy(&mut &b"new"[..], file)).unwrap(), 3);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
