//! `http`: requests to other hosts.

use crate::bindings::sandglass::job::http;
use crate::state::{Answer, Code, State, Stop};

impl http::Host for State {
    fn send(&mut self, request: http::Request) -> Answer<http::Response> {
        let body = request.body.as_ref().map_or(0, Vec::len);
        self.call(request.url.len() + body, |_| {
            let message = "this host does not offer http to jobs yet; no grant can change that";
            Err(Stop::Tell(Code::Denied, message.into()))
        })
    }
}
