//! The floor of storage: sled alone, with the records that the host wrote.

use crate::host::Figures;
use crate::measure::Watch;
use anyhow::Result;

pub struct Raw {
    pub cpu_micros: f64,
    pub per_second: f64,
}

/// As many records of the same size, in batches of as many, each flushed and synced as the host must.
pub fn measure(host: &Figures) -> Result<Raw> {
    const KEY_BYTES: usize = 24;
    let folder = tempfile::tempdir()?;
    let database =
        sled::Config::new().path(folder.path()).cache_capacity(64 << 20).flush_every_ms(None).open()?;
    let file = std::fs::File::open(folder.path().join("db"))?;
    let records = (host.records_per_run * host.runs as f64) as u64;
    let batch_records = (host.records_per_sync as u64).max(1);
    let value = vec![7_u8; (host.bytes_per_record as usize).saturating_sub(KEY_BYTES)];
    let watch = Watch::start();
    let mut number = 0_u64;
    while number < records {
        let mut batch = sled::Batch::default();
        for _ in 0..batch_records.min(records - number) {
            // Keys of one kind come in order, those of different kinds far apart.
            let mut key = [0; KEY_BYTES];
            key[0] = (number % 6) as u8;
            key[1..9].copy_from_slice(&number.to_be_bytes());
            batch.insert(&key[..], value.as_slice());
            number += 1;
        }
        database.apply_batch(batch)?;
        database.flush()?;
        file.sync_data()?;
    }
    let (cpu, wall) = watch.read();
    Ok(Raw {
        cpu_micros: cpu.as_secs_f64() * 1e6 / host.runs as f64,
        per_second: host.runs as f64 / wall.as_secs_f64(),
    })
}
