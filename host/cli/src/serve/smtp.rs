//! How mail leaves this host: the table `[smtp]` of the configuration, and the variables `SANDGLASS_SMTP_...`.

use super::config::read;
use anyhow::{Context, Result, anyhow, bail, ensure};
use sandglass_core::delivery::Patience;
use sandglass_core::email::{Mailbox, is_address};
use sandglass_core::limit::fixed;
use sandglass_core::{SecretName, SecretValue, Span};
use sandglass_mail::{Mailer, Server, Tls};
use sandglass_scheduler::{MailRoute, Password};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What one source says.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Smtp {
    /// The mail server. Without it mail stays in the outbox.
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    /// `starttls`, `implicit` or `none`.
    pub(crate) tls: Option<String>,
    pub(crate) user: Option<String>,
    /// A file with the password. In the configuration, relative to its own folder.
    pub(crate) password_file: Option<PathBuf>,
    /// The name of a secret of the host with the password.
    pub(crate) password_secret: Option<String>,
    /// From the environment only.
    #[serde(skip)]
    pub(crate) password: Option<SecretValue>,
    /// What somebody may try: a password is not to stand among what is shown.
    #[serde(rename = "password")]
    refused: Option<Refused>,
    /// Whom mail comes from: `someone@example.com` or `Some One <someone@example.com>`.
    pub(crate) from: Option<String>,
    /// Whom this host says it is; the machine's own name if none is given.
    pub(crate) hello: Option<String>,
    /// Certificates of authorities, beside those of the web, as PEM.
    pub(crate) authorities: Option<PathBuf>,
    /// Emails that leave within a minute.
    pub(crate) per_minute: Option<u32>,
    /// Before the second attempt, about; each wait is twice as long as the one before, up to `retry_max`.
    pub(crate) retry_initial: Option<Span>,
    pub(crate) retry_max: Option<Span>,
    /// What is older is given up.
    pub(crate) expire: Option<Span>,
}

/// Something that was there, and nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "IgnoredAny")]
struct Refused;

impl From<IgnoredAny> for Refused {
    fn from(_: IgnoredAny) -> Refused {
        Refused
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Smtp {
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<OsString> + Copy) -> Result<Smtp> {
        let password = variable("SANDGLASS_SMTP_PASSWORD").map(|value| {
            // What is no text is no password either, and the error must not show it.
            SecretValue::new(value.into_string().unwrap_or_default())
        });
        Ok(Smtp {
            host: read("SANDGLASS_SMTP_HOST", variable)?,
            port: read("SANDGLASS_SMTP_PORT", variable)?,
            tls: read("SANDGLASS_SMTP_TLS", variable)?,
            user: read("SANDGLASS_SMTP_USER", variable)?,
            password_file: variable("SANDGLASS_SMTP_PASSWORD_FILE").map(PathBuf::from),
            password_secret: read("SANDGLASS_SMTP_PASSWORD_SECRET", variable)?,
            password: password.transpose().map_err(|error| anyhow!("SANDGLASS_SMTP_PASSWORD: {error}"))?,
            from: read("SANDGLASS_SMTP_FROM", variable)?,
            ..Smtp::default()
        })
    }

    /// What is given must be something.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(
            self.refused.is_none(),
            "`smtp.password` does not belong here: name a file with `smtp.password_file`, or a secret of the host \
             with `smtp.password_secret`, or set SANDGLASS_SMTP_PASSWORD"
        );
        ensure!(
            usize::from(self.password_file.is_some())
                + usize::from(self.password_secret.is_some())
                + usize::from(self.password.is_some())
                <= 1,
            "the password of `smtp` is given in two ways: keep one"
        );
        if let Some(tls) = &self.tls {
            tls.parse::<Tls>().map_err(|error| anyhow!("`smtp.tls` is `{tls}`: {error}"))?;
        }
        if let Some(from) = &self.from {
            from.parse::<Mailbox>().map_err(|error| anyhow!("`smtp.from`: {error}"))?;
        }
        if let Some(name) = &self.password_secret {
            name.parse::<SecretName>().map_err(|error| anyhow!("`smtp.password_secret`: {error}"))?;
        }
        ensure!(self.per_minute != Some(0), "`smtp.per_minute` is 0, and must be at least 1");
        for (name, span) in
            [("retry_initial", self.retry_initial), ("retry_max", self.retry_max), ("expire", self.expire)]
        {
            ensure!(span != Some(Span::ZERO), "`smtp.{name}` is 0, and must be more");
        }
        if let Some(hello) = &self.hello {
            ensure!(
                is_address(&format!("a@{hello}")),
                "`smtp.hello` is `{hello}`, which is not a domain name"
            );
        }
        Ok(())
    }

    /// With its files where the configuration's are.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Smtp {
        self.password_file = self.password_file.map(|path| folder.join(path));
        self.authorities = self.authorities.map(|path| folder.join(path));
        self
    }

    /// What this says, and where it says nothing, what `other` says.
    pub(crate) fn or(self, other: Smtp) -> Smtp {
        // The password is one setting, whichever way it is given.
        let is_given =
            self.password_file.is_some() || self.password_secret.is_some() || self.password.is_some();
        let (password_file, password_secret, password) = if is_given {
            (self.password_file, self.password_secret, self.password)
        } else {
            (other.password_file, other.password_secret, other.password)
        };
        Smtp {
            host: self.host.or(other.host),
            port: self.port.or(other.port),
            tls: self.tls.or(other.tls),
            user: self.user.or(other.user),
            password_file,
            password_secret,
            password,
            refused: self.refused.or(other.refused),
            from: self.from.or(other.from),
            hello: self.hello.or(other.hello),
            authorities: self.authorities.or(other.authorities),
            per_minute: self.per_minute.or(other.per_minute),
            retry_initial: self.retry_initial.or(other.retry_initial),
            retry_max: self.retry_max.or(other.retry_max),
            expire: self.expire.or(other.expire),
        }
    }

    /// The way out that all of it together describes; none where there is no server.
    pub(crate) fn route(&self) -> Result<Option<MailRoute>> {
        let Some(host) = &self.host else {
            ensure!(*self == Smtp::default(), "`smtp.host` is missing: the mail server's name or address");
            return Ok(None);
        };
        let from = self.from.as_deref().context("`smtp.from` is missing: whom mail comes from")?;
        let from: Mailbox = from.parse().map_err(|error| anyhow!("`smtp.from`: {error}"))?;
        let tls = self.tls.as_deref().map(str::parse).transpose();
        let tls: Tls = tls.map_err(|error: String| anyhow!("`smtp.tls`: {error}"))?.unwrap_or_default();
        let password = self.password()?;
        match (&self.user, &password) {
            (Some(_), Password::None) => bail!("`smtp.user` is given, and no password"),
            (None, Password::Given(_) | Password::Secret(_)) => {
                bail!("a password of `smtp` is given, and no `smtp.user`")
            }
            _ => {}
        }
        let authorities = self.authorities.as_deref().map(|path| {
            fs::read(path).with_context(|| format!("`smtp.authorities`, the file {}", path.display()))
        });
        let server = Server {
            host: host.clone(),
            port: self.port.unwrap_or_else(|| tls.port()),
            tls,
            user: self.user.clone(),
            hello: self.hello.clone().unwrap_or_else(machine),
            authorities: authorities.transpose()?.unwrap_or_default(),
        };
        let default = Patience::default();
        let patience = Patience {
            initial: self.retry_initial.unwrap_or(default.initial),
            max: self.retry_max.unwrap_or(default.max),
            expire: self.expire.unwrap_or(default.expire),
        };
        let mailer = Mailer::new(server, from).map_err(|error| anyhow!("`smtp`: {error}"))?;
        let per_minute = self.per_minute.unwrap_or(fixed::EMAILS_PER_MINUTE);
        Ok(Some(MailRoute { mailer, password, patience, per_minute }))
    }

    fn password(&self) -> Result<Password> {
        if let Some(value) = &self.password {
            return Ok(Password::Given(value.clone()));
        }
        if let Some(name) = &self.password_secret {
            let name = name.parse().map_err(|error| anyhow!("`smtp.password_secret`: {error}"))?;
            return Ok(Password::Secret(name));
        }
        let Some(path) = &self.password_file else {
            return Ok(Password::None);
        };
        let named = || format!("`smtp.password_file`, the file {}", path.display());
        let mut text = fs::read_to_string(path).with_context(named)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        let value = SecretValue::new(text).map_err(|error| anyhow!("{error}")).with_context(named)?;
        Ok(Password::Given(value))
    }
}

/// What the machine calls itself, where that is a name that a server takes.
fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    if is_address(&format!("a@{name}")) { name } else { "localhost".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(text: &str) -> Result<Option<MailRoute>> {
        let smtp: Smtp = toml::from_str(text)?;
        smtp.check()?;
        smtp.route()
    }

    #[test]
    fn a_server_and_a_sender_are_enough() {
        assert!(smtp("").unwrap().is_none());
        let route = smtp("host = 'mail.example.com'\nfrom = 'Sandglass <s@example.com>'").unwrap().unwrap();
        let server = route.mailer.server();
        assert_eq!((server.port, server.tls), (587, Tls::Start));
        assert_eq!((route.per_minute, route.patience), (fixed::EMAILS_PER_MINUTE, Patience::default()));
        assert!(matches!(route.password, Password::None));
        let route = smtp("host = 'm'\nfrom = 's@x.y'\ntls = 'implicit'\nexpire = '2d'").unwrap().unwrap();
        assert_eq!((route.mailer.server().port, route.patience.expire), (465, Span::from_secs(2 * 86_400)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = "host = 'm'\nfrom = 's@x.y'\n";
        for (text, expected) in [
            ("from = 's@x.y'", "`smtp.host` is missing"),
            ("host = 'm'", "`smtp.from` is missing"),
            (&format!("{good}user = 'u'"), "`smtp.user` is given, and no password"),
            (&format!("{good}password_secret = 'P'"), "and no `smtp.user`"),
            (&format!("{good}user = 'u'\npassword_secret = 'P'\npassword_file = 'p'"), "in two ways"),
            (&format!("{good}user = 'u'\npassword_file = '/nowhere'"), "`smtp.password_file`"),
            (&format!("{good}authorities = '/nowhere'"), "`smtp.authorities`"),
            (&format!("{good}tls = 'ssl'"), "`smtp.tls` is `ssl`: write `starttls`"),
            (&format!("{good}per_minute = 0"), "`smtp.per_minute` is 0"),
            (&format!("{good}expire = '0s'"), "`smtp.expire` is 0"),
            (&format!("{good}hello = 'a b'"), "`smtp.hello`"),
            ("host = 'm'\nfrom = 'nobody'", "`smtp.from`: `nobody` is not an address"),
            (&format!("{good}server = 'x'"), "unknown field `server`"),
        ] {
            let message = format!("{:#}", smtp(text).unwrap_err());
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn passwords_are_shown_nowhere() {
        let message = format!("{:#}", smtp("password = 'hunter2'").unwrap_err());
        assert!(
            message.contains("`smtp.password` does not belong here") && !message.contains("hunter2"),
            "{message}"
        );
        let environment = |name: &str| (name == "SANDGLASS_SMTP_PASSWORD").then(|| OsString::from("hunter2"));
        let layer = Smtp::from_environment(environment).unwrap();
        assert!(!format!("{layer:?}").contains("hunter2"));
        // It goes before the file's, in whichever way that one is given.
        let file: Smtp =
            toml::from_str("host = 'm'\nfrom = 's@x.y'\nuser = 'u'\npassword_secret = 'P'").unwrap();
        let route = layer.or(file).route().unwrap().unwrap();
        assert!(matches!(&route.password, Password::Given(value) if value.expose() == "hunter2"));
        assert!(!format!("{route:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_in_a_file_is_its_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("p"), "hunter2\n").unwrap();
        let file: Smtp =
            toml::from_str("host = 'm'\nfrom = 's@x.y'\nuser = 'u'\npassword_file = 'p'").unwrap();
        let route = file.in_folder(folder.path()).route().unwrap().unwrap();
        assert!(matches!(&route.password, Password::Given(value) if value.expose() == "hunter2"));
    }
}
