//! Mail on its way out: a message of the outbox as RFC 5322 has it ([`build`]), and the conversation with a mail
//! server that takes it (RFC 5321, [`Mailer`]).
//!
//! It knows nothing of the outbox: which message goes when, and what becomes of it, is for others to say. What it
//! does waits for the network, so it belongs on a thread that may wait.

mod message;
mod smtp;

pub use message::build;
pub use smtp::{Mailer, Server, Session, Tls, Unreachable};
