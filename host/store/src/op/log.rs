//! Runs' logs, in pieces of many lines.

use crate::key::{Key, KeyRange, PieceKey};
use crate::record::LogPiece;
use crate::store::{Read, StoreError, Write};
use sandglass_core::RunId;
use sandglass_core::log::Line;
use std::ops::{Bound, ControlFlow};

/// Adds a piece to a run's log. Pieces are numbered by who writes them; a number written twice keeps what
/// was written last.
pub fn add(write: &mut dyn Write, run: RunId, number: u32, lines: &[Line]) -> Result<(), StoreError> {
    let bytes = postcard::to_stdvec(lines).map_err(|error| StoreError::Failed(error.to_string()))?;
    write.save(&PieceKey { of: run, number }, &LogPiece(bytes));
    Ok(())
}

/// The number that the next piece of a run's log gets.
pub fn next_number(read: &dyn Read, run: RunId) -> Result<u32, StoreError> {
    let last = read.list::<LogPiece>(&KeyRange::prefix(Key::to_bytes(&run)), true, 1)?;
    Ok(last.first().map_or(0, |(key, _)| key.number + 1))
}

/// Shows the pieces of a run's log from number `from` on, until `visit` breaks.
pub fn each(
    read: &dyn Read,
    run: RunId,
    from: u32,
    mut visit: impl FnMut(u32, Vec<Line>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut range = KeyRange::prefix(Key::to_bytes(&run));
    range.from = Bound::Included(PieceKey { of: run, number: from }.to_bytes());
    let mut damaged = None;
    read.each::<LogPiece>(&range, false, |key, piece| match postcard::from_bytes::<Vec<Line>>(&piece.0) {
        Ok(lines) => visit(key.number, lines),
        Err(error) => {
            damaged = Some(StoreError::Damaged(format!("a piece of the log of run {run}: {error}")));
            ControlFlow::Break(())
        }
    })?;
    damaged.map_or(Ok(()), Err)
}
