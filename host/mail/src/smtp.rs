//! The conversation with a mail server.
//!
//! A server's no is of two kinds. Until it has taken the sender it is about this host: its address, its password,
//! its certificate; then nobody can be reached ([`Unreachable`]), and no message is to blame. From then on it is
//! about the message and its recipients, each by itself.

use crate::message::address;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use sandglass_core::delivery::{Answer, Taken};
use sandglass_core::email::Mailbox;
use sandglass_core::limit::fixed;
use std::str::FromStr;

/// Where the server is, and how one talks to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Whom it knows this host as; none where it asks for nobody.
    pub user: Option<String>,
    /// Whom this host says it is.
    pub hello: String,
    /// Certificates of authorities that are believed beside those of the web, as PEM.
    pub authorities: Vec<u8>,
}

/// How a connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// It begins in the clear, and goes no further without TLS (RFC 3207).
    #[default]
    Start,
    /// From its first byte (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}

impl Tls {
    /// The port that goes with it, where none is given.
    pub fn port(self) -> u16 {
        match self {
            Tls::Start => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        }
    }
}

impl FromStr for Tls {
    type Err = String;

    fn from_str(text: &str) -> Result<Tls, String> {
        match text {
            "starttls" => Ok(Tls::Start),
            "implicit" => Ok(Tls::Implicit),
            "none" => Ok(Tls::None),
            _ => Err("write `starttls`, `implicit` or `none`".into()),
        }
    }
}

/// Why no message can leave at the moment. Never with the password in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable(pub String);

/// Hands messages over to a server.
pub struct Mailer {
    server: Server,
    from: Mailbox,
    tls: Option<TlsParameters>,
}

impl Mailer {
    /// # Errors
    /// What is wrong with the sender's address or the authorities.
    pub fn new(server: Server, from: Mailbox) -> Result<Mailer, String> {
        address(&from.address)?;
        let tls = match server.tls {
            Tls::None => None,
            Tls::Start | Tls::Implicit => Some(tls_parameters(&server)?),
        };
        Ok(Mailer { server, from, tls })
    }

    pub fn from(&self) -> &Mailbox {
        &self.from
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Begins a conversation, which may carry many messages. Waits up to [`fixed::EMAIL_STEP`] for each step.
    pub fn connect(&self, password: Option<&str>) -> Result<Session, Unreachable> {
        let Server { host, port, user, .. } = &self.server;
        self.begin(password).map_err(|error| {
            let reason = format!("{host}:{port}: {}", reason(&error));
            Unreachable(conceal(&reason, user.as_deref(), password))
        })
    }

    fn begin(&self, password: Option<&str>) -> Result<Session, Error> {
        let Server { host, port, hello, .. } = &self.server;
        let hello = ClientId::Domain(hello.clone());
        let at_once = self.tls.as_ref().filter(|_| self.server.tls == Tls::Implicit);
        let step = Some(fixed::EMAIL_STEP.to_std());
        let mut connection = SmtpConnection::connect((host.as_str(), *port), step, &hello, at_once, None)?;
        if let (Tls::Start, Some(tls)) = (self.server.tls, &self.tls) {
            connection.starttls(tls, &hello)?;
        }
        if let (Some(user), Some(password)) = (&self.server.user, password) {
            let credentials = Credentials::new(user.clone(), password.to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)?;
        }
        Ok(Session { connection, sender: self.from.address.clone(), is_broken: false })
    }
}

fn tls_parameters(server: &Server) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if !server.authorities.is_empty() {
        let certificate = Certificate::from_pem(&server.authorities);
        let certificate = certificate.map_err(|error| format!("the certificates do not read: {error}"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| format!("TLS cannot be set up: {error}"))
}

/// A conversation that has begun. It ends when it is dropped, in good order with [`Session::quit`].
pub struct Session {
    connection: SmtpConnection,
    sender: String,
    is_broken: bool,
}

impl Session {
    /// Hands a message over to those of `recipients` whom the server takes, and gives its answer for each of them.
    /// Those whom it gives none for have not got it.
    ///
    /// # Errors
    /// Where the server does not take the sender, whatever the message.
    pub fn send(&mut self, recipients: &[String], message: &[u8]) -> Result<Vec<Answer>, Unreachable> {
        self.sender_is_taken()?;
        let mut answers: Vec<Answer> = Vec::new();
        let mut takers = Vec::new();
        for to in recipients {
            if self.is_broken {
                break;
            }
            let answer = match address(to) {
                Ok(address) => self.connection.command(Rcpt::new(address, vec![])).map(drop),
                Err(wrong) => {
                    answers.push(Answer { address: to.clone(), state: Taken::Refused, reply: wrong });
                    continue;
                }
            };
            match answer {
                Ok(()) => takers.push(to.clone()),
                Err(error) => answers.push(self.no(to, &error)),
            }
        }
        if takers.is_empty() {
            self.reset();
        } else {
            answers.extend(self.hand_over(takers, message));
        }
        Ok(answers)
    }

    fn sender_is_taken(&mut self) -> Result<(), Unreachable> {
        let sender = address(&self.sender).map_err(Unreachable)?;
        self.connection.command(Mail::new(Some(sender), vec![])).map(drop).map_err(|error| {
            self.is_broken = true;
            Unreachable(format!("mail from {}: {}", self.sender, reason(&error)))
        })
    }

    fn hand_over(&mut self, takers: Vec<String>, message: &[u8]) -> Vec<Answer> {
        if self.is_broken {
            return Vec::new();
        }
        let said = self.connection.command(Data).and_then(|_| self.connection.message(message));
        match said {
            Ok(response) => {
                let reply = words(&response);
                let yes = |address| Answer { address, state: Taken::Accepted, reply: reply.clone() };
                takers.into_iter().map(yes).collect()
            }
            Err(error) => {
                let answers = takers.iter().map(|to| self.no(to, &error)).collect();
                self.reset();
                answers
            }
        }
    }

    /// What an error says of a recipient. Where it is no answer, nothing more comes of this conversation.
    fn no(&mut self, to: &str, error: &Error) -> Answer {
        const CLOSING: u16 = 421;
        let state = if error.is_permanent() { Taken::Refused } else { Taken::Deferred };
        let is_answer = error.is_permanent() || error.is_transient();
        self.is_broken |= !is_answer || error.status().is_some_and(|code| u16::from(code) == CLOSING);
        Answer { address: to.to_owned(), state, reply: reason(error) }
    }

    fn reset(&mut self) {
        self.is_broken = self.is_broken || self.connection.command(Rset).is_err();
    }

    /// Whether it can carry another message.
    pub fn is_usable(&self) -> bool {
        !self.is_broken
    }

    /// Takes leave.
    pub fn quit(mut self) {
        if self.is_broken {
            self.connection.abort();
        } else {
            // Everything that matters was said.
            let _ = self.connection.quit();
        }
    }
}

/// As the server wrote it: its code and its words.
fn words(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
}

fn reason(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    match (error.status(), source) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        (None, Some(text)) if error.is_timeout() => format!("no answer in time ({text})"),
        (None, Some(text)) => text,
        (_, None) => error.to_string(),
    }
}

/// Without the password, which a server may have sent back, plain or as one authenticates with it.
fn conceal(reason: &str, user: Option<&str>, password: Option<&str>) -> String {
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return reason.to_owned();
    };
    let plain = format!("\0{}\0{password}", user.unwrap_or_default());
    let forms = [STANDARD.encode(plain), STANDARD.encode(password), password.to_owned()];
    forms.iter().fold(reason.to_owned(), |reason, form| reason.replace(form, "[password]"))
}
