//! What the host counts, as Prometheus reads it.

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sandglass_core::Span;

/// From a millisecond to a day, about three to a decade.
const BUCKETS_SECONDS: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
    3_600.0, 14_400.0, 86_400.0,
];

/// What was recorded is put together at least so often, or it would pile up while nobody asks.
pub(super) const UPKEEP_EVERY: Span = Span::from_secs(5);

/// Installs the recorder of this process.
pub(super) fn install() -> Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS_SECONDS).context("the metrics' buckets")?;
    let handle = builder.install_recorder().context("the metrics cannot be recorded")?;
    sandglass_scheduler::metric::describe();
    Ok(handle)
}
