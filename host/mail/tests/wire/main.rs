//! What goes over the wire: messages as bytes, and conversations with servers that follow a script.

mod message;
mod smtp;
