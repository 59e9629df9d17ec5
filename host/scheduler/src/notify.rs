//! Delivers webhooks' messages: signed, at least once each, again later where nobody takes them.

use crate::host::Host;
use crate::metric;
use bytes::Bytes;
use sandglass_core::grant::{HttpGrant, Reach};
use sandglass_core::limit;
use sandglass_core::notify::Notice;
use sandglass_core::target::Target;
use sandglass_core::webhook::{self, Secret};
use sandglass_core::{SecretName, Span};
use sandglass_outbound::{Client, Limits, Request};
use sandglass_store::key::NoticeKey;
use sandglass_store::op::notice;
use sandglass_store::{StoreError, StoreExt};
use std::sync::Arc;

/// A message that is due is noticed within this time.
const LOOK_EVERY: Span = Span::from_secs(1);
/// After storage refused.
const PAUSE_AFTER_ERROR: Span = Span::from_secs(5);
/// Deliveries at one time.
const AT_ONCE: usize = 16;

/// What one delivery may take: an answer tells nothing but its status.
const LIMITS: Limits = Limits {
    request: limit::Bytes::mib(1),
    response: limit::Bytes::kib(64),
    time: Span::from_secs(15),
    asked: None,
    asked_for_head: None,
};

pub(crate) async fn run(host: Arc<Host>) {
    let Some(client) = host.options.outbound.clone() else {
        return;
    };
    loop {
        let pause = match deliver_due(&host, &client).await {
            Ok(0) => LOOK_EVERY,
            Ok(_) => continue,
            Err(StoreError::Closed) => return,
            Err(error) => {
                metric::store_error("notify");
                tracing::warn!(%error, "notifications cannot be delivered yet");
                PAUSE_AFTER_ERROR
            }
        };
        tokio::select! {
            biased;
            () = host.closing.cancelled() => return,
            () = tokio::time::sleep(pause.to_std()) => {}
        }
    }
}

/// Delivers what is due, some at one time, and says how many there were.
async fn deliver_due(host: &Arc<Host>, client: &Arc<Client>) -> Result<usize, StoreError> {
    let due = host.store.read(|read| notice::due(read, host.now(), AT_ONCE))?;
    // What is not on disk yet must not be told.
    host.store.settled().await?;
    let mut deliveries = tokio::task::JoinSet::new();
    let count = due.len();
    for (key, notice) in due {
        let (host, client) = (host.clone(), client.clone());
        deliveries.spawn(async move { deliver(&host, &client, key, notice).await });
    }
    while let Some(delivered) = deliveries.join_next().await {
        delivered.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))?;
    }
    Ok(count)
}

async fn deliver(host: &Host, client: &Client, key: NoticeKey, notice: Notice) -> Result<(), StoreError> {
    let (job, id) = (notice.job.clone(), notice.id.clone());
    match send(host, client, notice).await {
        Ok(()) => {
            metric::delivery("taken");
            host.store
                .write(move |write| {
                    notice::delivered(write, key);
                    Ok(())
                })
                .await
        }
        Err(reason) => {
            let clock = host.clock.clone();
            let told = reason.clone();
            let next = host.store.write(move |write| notice::failed(write, key, &told, clock())).await?;
            if let Some(next) = next {
                metric::delivery("failed");
                tracing::debug!(%job, id, reason, %next, "a notification was not taken; trying again");
            } else {
                metric::delivery("given-up");
                tracing::warn!(%job, id, reason, "a notification was given up");
            }
            Ok(())
        }
    }
}

/// Sends a message once. The reason why it was not taken has nothing of the secret in it.
async fn send(host: &Host, client: &Client, notice: Notice) -> Result<(), String> {
    let name: SecretName = notice.secret.parse()?;
    let value = host.secret(&name).map_err(|error| error.to_string())?;
    let value = value.ok_or_else(|| format!("there is no secret `{name}` to sign it with"))?;
    let secret: Secret = value
        .expose()
        .parse()
        .map_err(|error| format!("the secret `{name}` does not sign webhooks: {error}"))?;
    let headers = webhook::sign(&[secret], &notice.id, host.now(), notice.body.as_bytes())?;
    let request = Request::new("POST", &notice.url)
        .and_then(|request| request.header("content-type", b"application/json"))
        .and_then(|request| request.header(webhook::ID, headers.id.as_bytes()))
        .and_then(|request| request.header(webhook::TIMESTAMP, headers.timestamp.as_bytes()))
        .and_then(|request| request.header(webhook::SIGNATURE, headers.signature.as_bytes()))
        .map_err(|error| error.to_string())?;
    let target: Target = notice.url.parse()?;
    let reach = if notice.private { Reach::Private } else { Reach::Public };
    let grant = HttpGrant::of(&target, reach);
    let request = request.body(Bytes::from(notice.body));
    let response = client.send(&[grant], LIMITS, request).await.map_err(|failure| failure.to_string())?;
    match response.status {
        200..=299 => Ok(()),
        status => Err(format!("the webhook answered {status}")),
    }
}
