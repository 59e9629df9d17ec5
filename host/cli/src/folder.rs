//! Where the host keeps its data, and where its client finds the token that the host left there.

use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The file in the data folder with the first token.
pub(crate) const TOKEN_FILE: &str = "token";

/// The data folder where nothing else is said: `$SANDGLASS_DATA`, else `$XDG_DATA_HOME/sandglass`, else
/// `~/.local/share/sandglass`.
pub(crate) fn default_data() -> Result<PathBuf> {
    data_from(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
        .context("where is the data folder? Neither SANDGLASS_DATA nor HOME is set")
}

fn data_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(folder) = variable("SANDGLASS_DATA") {
        return Some(folder);
    }
    // The specification has relative paths ignored: https://specifications.freedesktop.org/basedir-spec
    let base = variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute());
    let base = base.or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("sandglass"))
}

/// A token, or none.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) value: Option<String>,
    /// For people: where it came from; where there is none, a sentence that says so.
    pub(crate) source: String,
}

impl Token {
    /// From the file that was named, else from the environment, else from the data folder. The last only for
    /// a host on this machine: this host's token is nobody else's business.
    pub(crate) fn find(named: Option<&Path>, local: bool) -> Result<Token> {
        if let Some(path) = named {
            let value = read(path).with_context(|| format!("the token file {}", path.display()))?;
            return Ok(Token { value: Some(value), source: format!("the file {}", path.display()) });
        }
        if let Some(value) = env::var("SANDGLASS_TOKEN").ok().filter(|value| !value.trim().is_empty()) {
            let value = value.trim().to_owned();
            check(&value).context("SANDGLASS_TOKEN")?;
            return Ok(Token { value: Some(value), source: "SANDGLASS_TOKEN".into() });
        }
        if !local {
            let source = "There was no token to send: SANDGLASS_TOKEN is not set, and this machine's own is for its own host".into();
            return Ok(Token { value: None, source });
        }
        let path = default_data()?.join(TOKEN_FILE);
        Ok(match read(&path) {
            Ok(value) => Token { value: Some(value), source: format!("the file {}", path.display()) },
            Err(error) => {
                let source = format!(
                    "There was no token to send: SANDGLASS_TOKEN is not set, and the file {} gives none ({error:#})",
                    path.display()
                );
                Token { value: None, source }
            }
        })
    }
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => anyhow::anyhow!("there is no such file"),
        _ => error.into(),
    })?;
    let value = text.trim();
    check(value)?;
    Ok(value.to_owned())
}

/// Whether it can stand in a header.
fn check(value: &str) -> Result<()> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("this is not a token: it is one line of letters, digits, - and _");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_the_first_that_is_named() {
        let found = |set: &[(&str, &str)]| {
            data_from(|name| set.iter().find(|(other, _)| *other == name).map(|(_, value)| value.into()))
        };
        for (set, expected) in [
            (&[("SANDGLASS_DATA", "d"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")][..], Some("d")),
            (&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], Some("/x/sandglass")),
            (&[("XDG_DATA_HOME", "x"), ("HOME", "/h")], Some("/h/.local/share/sandglass")),
            (&[("HOME", "/h")], Some("/h/.local/share/sandglass")),
            (&[], None),
        ] {
            assert_eq!(found(set), expected.map(PathBuf::from), "{set:?}");
        }
    }

    #[test]
    fn a_token_file_has_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(read(&path).unwrap_err().to_string(), "there is no such file");
        for (content, good) in [("sgl_abc\n", true), ("", false), ("a b", false), ("a\nb", false)] {
            fs::write(&path, content).unwrap();
            assert_eq!(read(&path).is_ok(), good, "{content:?}");
        }
        let token = Token::find(Some(&folder.path().join("none")), true).unwrap_err();
        assert!(format!("{token:#}").ends_with("/none: there is no such file"));
    }
}
