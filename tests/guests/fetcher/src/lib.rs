//! Sends the request that its input describes over `wasi:http`, streams both bodies, and returns
//! `{"status": 200, "body": "..."}`, or the error as `{"error": "..."}`.

use sandglass::serde_json::{json, Value};
use sandglass::{Context, Failure};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

#[sandglass::job]
fn run(ctx: Context) -> Result<String, Failure> {
    let input = ctx.input::<Value>()?.unwrap_or_default();
    // A secret that it was handed must not be found where its requests are recorded.
    let secret = match input["secret"].as_str() {
        Some(name) => ctx.secret(name)?,
        None => String::new(),
    };
    let text = |name: &str| input[name].as_str().map(|text| text.replace("{secret}", &secret));
    let scheme = if text("scheme").as_deref() == Some("https") { Scheme::Https } else { Scheme::Http };
    let authority = text("authority").unwrap_or_default();
    let path = text("path").unwrap_or_else(|| "/".into());
    let answer = match exchange(scheme, &authority, &path, text("body").as_deref()) {
        Ok((status, body)) => json!({ "status": status, "body": String::from_utf8_lossy(&body) }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    };
    Ok(answer.to_string())
}

fn exchange(
    scheme: Scheme,
    authority: &str,
    path: &str,
    body: Option<&str>,
) -> Result<(u16, Vec<u8>), ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    let method = if body.is_some() { Method::Post } else { Method::Get };
    let said = request
        .set_method(&method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some(path)));
    said.map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    let outgoing = request.body().expect("asked for once");
    let answer = handle(request, None)?;
    if let Some(body) = body {
        let stream = outgoing.write().expect("asked for once");
        for piece in body.as_bytes().chunks(4096) {
            stream.blocking_write_and_flush(piece).map_err(|_| ErrorCode::ConnectionWriteTimeout)?;
        }
    }
    OutgoingBody::finish(outgoing, None)?;
    answer.subscribe().block();
    let response = answer.get().expect("it is there").expect("asked for once")?;
    let incoming = response.consume().expect("asked for once");
    Ok((response.status(), read(&incoming)))
}

fn read(incoming: &IncomingBody) -> Vec<u8> {
    let stream = incoming.stream().expect("asked for once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => return bytes,
            Err(StreamError::LastOperationFailed(error)) => {
                bytes.extend(format!("[{}]", error.to_debug_string()).bytes());
                return bytes;
            }
        }
    }
}
