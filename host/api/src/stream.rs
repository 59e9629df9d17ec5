//! Answers that are made while they are sent.

use crate::app::App;
use crate::problem::Refusal;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::future::Future;
use std::io;
use tokio::sync::mpsc;

/// Parts that are made before the client has taken them.
const AHEAD: usize = 2;

/// Where a producer puts what it has made.
pub(crate) struct Parts {
    app: App,
    /// None after the last part.
    sender: mpsc::Sender<Option<Bytes>>,
}

/// Why a producer ends early.
pub(crate) enum Stop {
    /// Nobody reads any more.
    Gone,
    /// The answer cannot be made to its end: the connection breaks, so that nobody takes it for whole.
    Failed(String),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Failed(format!("{refusal:?}"))
    }
}

impl Parts {
    /// Sends what was read from the store, once that is durable.
    pub(crate) async fn send(&self, part: impl Into<Bytes>) -> Result<(), Stop> {
        self.app.settled().await?;
        self.send_ahead(part).await
    }

    /// Sends what may run ahead of what is durable.
    pub(crate) async fn send_ahead(&self, part: impl Into<Bytes>) -> Result<(), Stop> {
        self.sender.send(Some(part.into())).await.map_err(|_| Stop::Gone)
    }

    /// Ends when nobody reads any more.
    pub(crate) async fn gone(&self) {
        self.sender.closed().await;
    }
}

/// An answer whose body `produce` makes, in a task of its own that ends when the client goes away.
pub(crate) fn respond<F, P>(app: &App, content_type: &'static str, produce: P) -> Response
where
    F: Future<Output = Result<(), Stop>> + Send + 'static,
    P: FnOnce(Parts) -> F,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let end = sender.clone();
    let producing = produce(Parts { app: app.clone(), sender });
    tokio::spawn(async move {
        match producing.await {
            // Nobody may read any more.
            Ok(()) => drop(end.send(None).await),
            Err(Stop::Gone) => {}
            Err(Stop::Failed(cause)) => tracing::error!(cause, "an answer was broken off"),
        }
    });
    let body = stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(part)) => Some((Ok(part), Some(receiver))),
            Some(None) => None,
            // The producer failed, or panicked.
            None => Some((Err(io::Error::other("the answer was broken off")), None)),
        }
    });
    ([(CONTENT_TYPE, content_type)], Body::from_stream(body)).into_response()
}
