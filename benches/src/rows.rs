//! Importing and exporting rows over HTTP, beside what the store alone does with the same records.

use crate::host::{Booted, boot};
use anyhow::{Context, Result, ensure};
use sandglass_api::{Backend, hash, new_token, serve};
use sandglass_core::{Instant, Name};
use sandglass_store::key::RowPlace;
use sandglass_store::record::{Token, encode_row};
use sandglass_store::{Key, KeyRange, Space, Store, StoreError, StoreExt};
use sandglass_store_sled::SledStore;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant as Moment;
use tokio_util::sync::CancellationToken;

/// Rows a second, each way.
pub struct Figures {
    /// The records of these rows put into the store, a thousand in a transaction, one transaction after the other.
    pub raw_insert: f64,
    pub import: f64,
    /// The records read from the store again, a thousand in a look.
    pub raw_read: f64,
    pub export: f64,
}

/// Rows in a transaction, and in a look, as the host has them.
const AT_ONCE: usize = 1_000;

pub fn measure(rows: usize) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (raw_insert, raw_read) = runtime.block_on(raw(rows))?;
    let (import, export) = runtime.block_on(over_http(rows))?;
    Ok(Figures { raw_insert, import, raw_read, export })
}

/// Such as a table of flights has: some 150 bytes of JSON.
fn row(number: usize) -> Value {
    let (origins, destinations) = (["ZRH", "GVA", "BSL", "LHR"], ["JFK", "SFO", "NRT", "GRU"]);
    json!({
        "date": format!("2026-{:02}-{:02}T{:02}:15:00Z", number % 12 + 1, number % 28 + 1, number % 24),
        "origin": origins.get(number % 4),
        "destination": destinations.get(number / 4 % 4),
        "distance": number % 9_000,
        "delay": (number % 120) as i64 - 20,
        "cancelled": number.is_multiple_of(50),
    })
}

fn id(number: usize) -> String {
    format!("{number:08}")
}

fn table() -> Result<Name> {
    "flights".parse().map_err(anyhow::Error::msg)
}

async fn raw(rows: usize) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let store =
        Arc::new(SledStore::open(&folder.path().join("store"), &sandglass_store_sled::Options::default())?);
    let table = table()?;
    let mut inserted = 0.0;
    for begin in (0..rows).step_by(AT_ONCE) {
        let mut records = Vec::with_capacity(AT_ONCE);
        for number in begin..(begin + AT_ONCE).min(rows) {
            let id = id(number).parse().map_err(anyhow::Error::msg)?;
            let fields = row(number).as_object().cloned().unwrap_or_default();
            let record = encode_row(&id, 1, Instant::EPOCH, Instant::EPOCH, &fields);
            records.push((RowPlace { table: table.clone(), id }.to_bytes(), record));
        }
        let began = Moment::now();
        let put = store.write::<_, StoreError, _>(move |write| {
            for (key, record) in records {
                write.put(Space::Row, key, record);
            }
            Ok(())
        });
        put.await?;
        inserted += began.elapsed().as_secs_f64();
    }
    let began = Moment::now();
    let mut read = 0;
    let mut from = Bound::Unbounded;
    loop {
        let range = KeyRange { from: from.clone(), to: Bound::Unbounded };
        let (mut count, mut last) = (0, Vec::new());
        let look = |read: &dyn sandglass_store::Read| {
            read.scan(Space::Row, &range, false, &mut |key, _| {
                count += 1;
                last = key.to_vec();
                if count < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
        };
        store.read(look)?;
        read += count;
        if count < AT_ONCE {
            break;
        }
        from = Bound::Excluded(last);
    }
    ensure!(read == rows, "{read} rows were read again");
    Ok((rows as f64 / inserted, rows as f64 / began.elapsed().as_secs_f64()))
}

async fn over_http(rows: usize) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let Booted { sled, components, host } = boot(folder.path(), &Arc::new(AtomicI64::new(0))).await?;
    let token = new_token();
    let digest = hash(&token);
    let store: Arc<dyn Store> = sled;
    let known = Token::admin("bench".parse().map_err(anyhow::Error::msg)?, Instant::EPOCH);
    store
        .write::<_, StoreError, _>(move |write| {
            sandglass_store::op::token::put(write, digest, &known);
            Ok(())
        })
        .await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let closing = CancellationToken::new();
    let backend = Backend { host: host.clone(), components, metrics: Arc::new(String::new) };
    let api = tokio::spawn(serve(listener, backend, sandglass_api::Options::default(), closing.clone()));

    let mut body = String::with_capacity(rows * 160);
    for number in 0..rows {
        let mut row = row(number);
        row["id"] = json!(id(number));
        writeln!(body, "{row}")?;
    }
    let client = Client { address, token };
    let figures = tokio::task::spawn_blocking(move || -> Result<(f64, f64)> {
        let began = Moment::now();
        let answer = client.exchange("POST", "import", body.as_bytes())?;
        let import = began.elapsed().as_secs_f64();
        ensure!(answer.ends_with(format!("{{\"imported\":{rows}}}").as_bytes()), "the import was refused");
        drop(body);
        let began = Moment::now();
        let exported = client.exchange("GET", "export", b"")?;
        let export = began.elapsed().as_secs_f64();
        let lines = exported.windows(2).filter(|pair| *pair == b"}\n").count();
        ensure!(lines == rows, "{lines} rows were exported");
        Ok((rows as f64 / import, rows as f64 / export))
    });
    let figures = figures.await??;
    closing.cancel();
    api.await??;
    host.stop(sandglass_core::Span::from_secs(5)).await;
    Ok(figures)
}

/// As little of a client as there can be: what it takes is taken from the host.
struct Client {
    address: SocketAddr,
    token: String,
}

impl Client {
    /// What comes back after the head, as it comes.
    fn exchange(&self, method: &str, what: &str, body: &[u8]) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "{method} /v1/tables/flights/{what} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        )?;
        stream.write_all(body)?;
        let mut reader = BufReader::with_capacity(1 << 20, stream);
        let mut status = String::new();
        reader.read_line(&mut status)?;
        ensure!(status.starts_with("HTTP/1.1 200"), "the host answers {status}");
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).context("an answer that is whole")?;
        Ok(answer)
    }
}
