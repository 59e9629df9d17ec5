//! `/components`: uploads, and what is known of them.

use crate::app::{App, to_the_end};
use crate::body::{self, Incoming, Size};
use crate::condition;
use crate::page::{List, Paging};
use crate::parameter::{NoParameters, Parameters};
use crate::path::At;
use crate::problem::{Code, Refusal};
use crate::stream::{self, Stop};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sandglass_core::{Digest, Instant};
use sandglass_scheduler::Upload;
use sandglass_store::key::PieceKey;
use sandglass_store::record::{Chunk, Component};
use sandglass_store::{Read, op};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A component, as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    digest: Digest,
    size: u64,
    kind: String,
    language: Option<String>,
    tools: Vec<String>,
    source_lines: bool,
    adapted: Vec<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    warnings: Vec<String>,
    uploaded_at: Instant,
}

impl From<Component> for View {
    fn from(component: Component) -> View {
        let Component {
            digest,
            size,
            uploaded_at,
            kind,
            language,
            tools,
            source_lines,
            adapted,
            imports,
            exports,
            warnings,
        } = component;
        View {
            digest,
            size,
            kind,
            language,
            tools,
            source_lines,
            adapted,
            imports,
            exports,
            warnings,
            uploaded_at,
        }
    }
}

/// What an upload may be called. `curl -T` calls it nothing.
const TYPES: [&str; 2] = ["application/wasm", "application/octet-stream"];

/// Refuses what need not be read to be refused.
fn check(app: &App, headers: &HeaderMap) -> Result<Size, Refusal> {
    body::check_type(headers, &TYPES)?;
    let size = Size { bytes_max: app.options.upload_bytes_max, of: "an upload" };
    size.announced(headers)?;
    Ok(size)
}

/// Takes the component in a request's body: reads and hashes it, and hands it to the host. Nothing here looks
/// at what the bytes are.
pub(crate) async fn take(app: &App, request: Request) -> Result<Upload, Refusal> {
    let (parts, body) = request.into_parts();
    let size = check(app, &parts.headers)?;
    let turn = app.upload_turn().await?;
    let body = Incoming::new(app, body, app.options.upload_time_max);
    let mut hasher = Sha256::new();
    let bytes = body::read(body, &parts.headers, size, |part| hasher.update(part)).await?;
    if bytes.is_empty() {
        return Err(Refusal::new(Code::BadRequest, "there is no body: send the bytes of a component"));
    }
    let (components, digest) = (app.components.clone(), Digest(hasher.finalize().into()));
    let upload = to_the_end(async move {
        let _turn = turn;
        components.upload(digest, bytes).await
    });
    Ok(upload.await??)
}

pub(crate) async fn upload(
    State(app): State<App>,
    _: NoParameters,
    request: Request,
) -> Result<Response, Refusal> {
    let Upload { component, new } = take(&app, request).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/components/{}", component.digest);
    Ok((status, [(LOCATION, location)], Json(View::from(component))).into_response())
}

pub(crate) async fn list(State(app): State<App>, mut parameters: Parameters) -> Result<Json<List>, Refusal> {
    let paging = Paging::<Digest>::read(&mut parameters);
    parameters.finish()?;
    let (after, most) = (paging.after, paging.and_one());
    let found = app.scan(move |read| op::component::list(read, after, most)).await?;
    let items = found.into_iter().map(|component| (component.digest, View::from(component)));
    List::of(items, paging.limit).map(Json)
}

fn find(app: &App, digest: Digest) -> Result<Component, Refusal> {
    let found = app.look(|read| op::component::get(read, digest))?;
    found.ok_or_else(|| Refusal::not_found(format!("there is no component {digest}")))
}

pub(crate) async fn get(
    State(app): State<App>,
    At(digest): At<Digest>,
    _: NoParameters,
) -> Result<Json<View>, Refusal> {
    find(&app, digest).map(|component| Json(component.into()))
}

/// Chunks that one look reads: 1 MiB.
const CHUNKS_AT_ONCE: u32 = 16;

/// The bytes as they were uploaded.
pub(crate) async fn bytes(
    State(app): State<App>,
    At(digest): At<Digest>,
    _: NoParameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let component = find(&app, digest)?;
    let tag = condition::tag(&digest.to_string());
    if condition::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let size = component.size;
    let reading = app.clone();
    let mut response = stream::respond(&app, TYPES[0], |parts| async move {
        let mut sent = 0;
        let mut number = 0;
        while sent < size {
            let part = reading.look(|read| chunks(read, digest, number))?;
            if part.is_empty() {
                return Err(Stop::Failed(format!("component {digest} lacks chunk {number}")));
            }
            sent += part.len() as u64;
            number += CHUNKS_AT_ONCE;
            parts.send(part).await?;
        }
        Ok(())
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(ETAG, tag);
    Ok(response)
}

/// Some chunks in a row, each of which its checksum vouches for.
fn chunks(read: &dyn Read, digest: Digest, first: u32) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    for number in first..first.saturating_add(CHUNKS_AT_ONCE) {
        match read.load::<Chunk>(&PieceKey { of: digest, number })? {
            Some(chunk) => bytes.extend_from_slice(&chunk.bytes()?),
            None => break,
        }
    }
    Ok(bytes)
}
