//! Keys as bytes, whose order is the order that scans want.

use sandglass_core::row::RowId;
use sandglass_core::{Digest, Instant, JobId, Name, RunId, SecretName};
use std::ops::Bound;

/// A key that is written as bytes and read back from them.
pub trait Key: Sized {
    fn encode(&self, out: &mut Vec<u8>);
    /// None where the bytes are not such a key.
    fn decode(bytes: &[u8]) -> Option<Self>;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        self.encode(&mut bytes);
        bytes
    }
}

/// A range of keys of one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub from: Bound<Vec<u8>>,
    pub to: Bound<Vec<u8>>,
}

impl KeyRange {
    pub fn all() -> KeyRange {
        KeyRange { from: Bound::Unbounded, to: Bound::Unbounded }
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> KeyRange {
        let mut end = prefix.clone();
        while end.last() == Some(&u8::MAX) {
            end.pop();
        }
        let to = match end.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(end)
            }
            None => Bound::Unbounded,
        };
        KeyRange { from: Bound::Included(prefix), to }
    }

    /// The keys of `prefix` that come after `key`, which is one of them.
    pub fn prefix_after(prefix: Vec<u8>, key: Vec<u8>) -> KeyRange {
        KeyRange { from: Bound::Excluded(key), to: KeyRange::prefix(prefix).to }
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        let after = match &self.from {
            Bound::Included(from) => key >= from.as_slice(),
            Bound::Excluded(from) => key > from.as_slice(),
            Bound::Unbounded => true,
        };
        let before = match &self.to {
            Bound::Included(to) => key <= to.as_slice(),
            Bound::Excluded(to) => key < to.as_slice(),
            Bound::Unbounded => true,
        };
        after && before
    }
}

/// Takes a part of fixed length off the front.
pub(crate) fn split<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (front, rest) = bytes.split_first_chunk::<N>()?;
    Some((*front, rest))
}

impl Key for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(bytes: &[u8]) -> Option<()> {
        bytes.is_empty().then_some(())
    }
}

impl Key for Digest {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Digest> {
        bytes.try_into().ok().map(Digest)
    }
}

impl Key for JobId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<JobId> {
        bytes.try_into().ok().map(|bytes| JobId(u32::from_be_bytes(bytes)))
    }
}

impl Key for Name {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Name> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl Key for SecretName {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<SecretName> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

impl Key for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<u64> {
        bytes.try_into().ok().map(u64::from_be_bytes)
    }
}

impl Key for RunId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(*self).to_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<RunId> {
        bytes.try_into().ok().map(RunId::from_bytes)
    }
}

/// Before and after 1970 in one order.
impl Key for Instant {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&((self.millis() as u64) ^ (1 << 63)).to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Instant> {
        let millis = (u64::decode(bytes)? ^ (1 << 63)) as i64;
        // Of what lies beyond all instants, none was ever written.
        Some(Instant::from_millis(millis)).filter(|instant| instant.millis() == millis)
    }
}

/// A part of a job, by number: a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionKey {
    pub job: JobId,
    pub number: u32,
}

impl Key for RevisionKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.job.encode(out);
        out.extend_from_slice(&self.number.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<RevisionKey> {
        let (job, rest) = split::<4>(bytes)?;
        let number = u32::from_be_bytes(rest.try_into().ok()?);
        Some(RevisionKey { job: JobId(u32::from_be_bytes(job)), number })
    }
}

/// A run that has not ended: those of one job lie together, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveKey(pub RunId);

impl Key for LiveKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.job().encode(out);
        self.0.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<LiveKey> {
        let (job, run) = split::<4>(bytes)?;
        // The job's number stands twice: the run's id ends with it.
        RunId::decode(run).filter(|run| run.job().0.to_be_bytes() == job).map(LiveKey)
    }
}

/// A job's skips, by their first instant. Two that begin at one instant (after a clock stepped back) are told
/// apart by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkipKey {
    pub job: JobId,
    pub from: Instant,
    pub number: u32,
}

impl Key for SkipKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.job.encode(out);
        self.from.encode(out);
        out.extend_from_slice(&self.number.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<SkipKey> {
        let (job, rest) = split::<4>(bytes)?;
        let (from, number) = split::<8>(rest)?;
        Some(SkipKey {
            job: JobId(u32::from_be_bytes(job)),
            from: Instant::decode(&from)?,
            number: u32::from_be_bytes(number.try_into().ok()?),
        })
    }
}

/// What is to be done at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueKey {
    pub at: Instant,
    pub what: Due,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The next occurrence of the job's schedule, as the revision of this number first set it.
    Occurrence { job: JobId, revision: u32 },
    /// The run's next attempt.
    Attempt(RunId),
    /// A look at whether a run that waits is late, or has waited too long.
    Check(RunId),
}

impl Due {
    // The kinds lie apart, so that attempts which wait for a free slot never stand before an occurrence
    // that must be accounted for.
    const OCCURRENCE: u8 = 0;
    const ATTEMPT: u8 = 1;
    const CHECK: u8 = 2;

    /// Every occurrence due up to `until`.
    pub fn occurrences(until: Instant) -> KeyRange {
        Due::up_to(Due::OCCURRENCE, until)
    }

    /// Every attempt due up to `until`.
    pub fn attempts(until: Instant) -> KeyRange {
        Due::up_to(Due::ATTEMPT, until)
    }

    /// Every check due up to `until`.
    pub fn checks(until: Instant) -> KeyRange {
        Due::up_to(Due::CHECK, until)
    }

    fn up_to(kind: u8, until: Instant) -> KeyRange {
        let mut end = vec![kind];
        Instant::from_millis(until.millis().saturating_add(1)).encode(&mut end);
        KeyRange { from: Bound::Included(vec![kind]), to: Bound::Excluded(end) }
    }
}

impl Key for DueKey {
    fn encode(&self, out: &mut Vec<u8>) {
        match self.what {
            Due::Occurrence { job, revision } => {
                out.push(Due::OCCURRENCE);
                self.at.encode(out);
                RevisionKey { job, number: revision }.encode(out);
            }
            Due::Attempt(run) => {
                out.push(Due::ATTEMPT);
                self.at.encode(out);
                run.encode(out);
            }
            Due::Check(run) => {
                out.push(Due::CHECK);
                self.at.encode(out);
                run.encode(out);
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<DueKey> {
        let (kind, rest) = split::<1>(bytes)?;
        let (at, rest) = split::<8>(rest)?;
        let what = match kind[0] {
            Due::OCCURRENCE => {
                RevisionKey::decode(rest).map(|key| Due::Occurrence { job: key.job, revision: key.number })?
            }
            Due::ATTEMPT => Due::Attempt(RunId::decode(rest)?),
            Due::CHECK => Due::Check(RunId::decode(rest)?),
            _ => return None,
        };
        Some(DueKey { at: Instant::decode(&at)?, what })
    }
}

/// A webhook's message, by the instant of its next delivery; told apart by the commit that made it and its
/// number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeKey {
    pub at: Instant,
    pub commit: u64,
    pub number: u32,
}

impl NoticeKey {
    /// Every message due up to `until`.
    pub fn up_to(until: Instant) -> KeyRange {
        let end = Instant::from_millis(until.millis().saturating_add(1)).to_bytes();
        KeyRange { from: Bound::Unbounded, to: Bound::Excluded(end) }
    }
}

impl Key for NoticeKey {
    fn encode(&self, out: &mut Vec<u8>) {
        self.at.encode(out);
        self.commit.encode(out);
        out.extend_from_slice(&self.number.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<NoticeKey> {
        let (at, rest) = split::<8>(bytes)?;
        let (commit, number) = split::<8>(rest)?;
        Some(NoticeKey {
            at: Instant::decode(&at)?,
            commit: u64::from_be_bytes(commit),
            number: u32::from_be_bytes(number.try_into().ok()?),
        })
    }
}

/// A request that is done once: the hour of it, so that old ones lie together, and the digest of who asked
/// for what under which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceKey {
    /// Since 1970, at least 0.
    pub hour: u32,
    pub request: Digest,
}

impl Key for OnceKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hour.to_be_bytes());
        self.request.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<OnceKey> {
        let (hour, request) = split::<4>(bytes)?;
        Some(OnceKey { hour: u32::from_be_bytes(hour), request: Digest::decode(request)? })
    }
}

/// A piece of a component's bytes, or of a run's log, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PieceKey<K> {
    pub of: K,
    pub number: u32,
}

impl<K: Key> Key for PieceKey<K> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.of.encode(out);
        out.extend_from_slice(&self.number.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<PieceKey<K>> {
        let (of, number) = bytes.split_last_chunk::<4>()?;
        Some(PieceKey { of: K::decode(of)?, number: u32::from_be_bytes(*number) })
    }
}

/// A row of a table. Names hold no NUL, so it ends them: no table's rows lie among another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    pub table: Name,
    pub id: RowId,
}

impl RowPlace {
    /// What the keys of all rows of `table` begin with.
    pub fn prefix(table: &Name) -> Vec<u8> {
        let mut bytes = table.to_bytes();
        bytes.push(0);
        bytes
    }
}

impl Key for RowPlace {
    fn encode(&self, out: &mut Vec<u8>) {
        self.table.encode(out);
        out.push(0);
        out.extend_from_slice(self.id.as_str().as_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<RowPlace> {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let id = std::str::from_utf8(&bytes[end + 1..]).ok()?.parse().ok()?;
        Some(RowPlace { table: Name::decode(&bytes[..end])?, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_end_where_the_next_one_begins() {
        let range = KeyRange::prefix(vec![1, 255]);
        assert_eq!(range.to, Bound::Excluded(vec![2]));
        assert!(range.contains(&[1, 255, 255, 255]) && !range.contains(&[2]) && !range.contains(&[1, 254]));
        assert_eq!(KeyRange::prefix(vec![255]).to, Bound::Unbounded);
    }

    #[test]
    fn no_tables_rows_lie_among_anothers() {
        let place =
            |table: &str, id: &str| RowPlace { table: table.parse().unwrap(), id: id.parse().unwrap() };
        let range = KeyRange::prefix(RowPlace::prefix(&"a".parse().unwrap()));
        assert!(range.contains(&place("a", "x").to_bytes()));
        assert!(!range.contains(&place("ab", "x").to_bytes()));
        assert!(!range.contains(&place("a-b", "x").to_bytes()));
    }

    proptest! {
        #[test]
        fn instants_sort_as_they_follow(a in -70_000_000_000_000i64..250_000_000_000_000, b: i32) {
            let (first, second) = (Instant::from_millis(a), Instant::from_millis(a + i64::from(b)));
            prop_assert_eq!(first.cmp(&second), first.to_bytes().cmp(&second.to_bytes()));
            prop_assert_eq!(Instant::decode(&first.to_bytes()), Some(first));
        }

        #[test]
        fn bytes_are_one_instant_or_none(bytes: [u8; 8]) {
            prop_assert!(Instant::decode(&bytes).is_none_or(|instant| instant.to_bytes() == bytes));
        }

        #[test]
        fn bytes_are_one_live_run_or_none(bytes: [u8; 20]) {
            prop_assert!(LiveKey::decode(&bytes).is_none_or(|key| key.to_bytes() == bytes));
        }

        #[test]
        fn keys_read_back(job: u32, number: u32, millis in 0i64..1 << 46, random: u64) {
            let run = RunId::new(JobId(job), Instant::from_millis(millis), random);
            let at = Instant::from_millis(millis);
            for what in
                [Due::Occurrence { job: JobId(job), revision: number }, Due::Attempt(run), Due::Check(run)]
            {
                let key = DueKey { at, what };
                prop_assert_eq!(DueKey::decode(&key.to_bytes()), Some(key));
            }
            prop_assert_eq!(LiveKey::decode(&LiveKey(run).to_bytes()), Some(LiveKey(run)));
            let skip = SkipKey { job: JobId(job), from: at, number };
            prop_assert_eq!(SkipKey::decode(&skip.to_bytes()), Some(skip));
            let piece = PieceKey { of: run, number };
            prop_assert_eq!(PieceKey::decode(&piece.to_bytes()), Some(piece));
            let notice = NoticeKey { at, commit: random, number };
            prop_assert_eq!(NoticeKey::decode(&notice.to_bytes()), Some(notice));
            let once = OnceKey { hour: number, request: Digest::of(&random.to_be_bytes()) };
            prop_assert_eq!(OnceKey::decode(&once.to_bytes()), Some(once));
        }

        #[test]
        fn no_bytes_make_a_key_panic(bytes: Vec<u8>) {
            let _ = (DueKey::decode(&bytes), LiveKey::decode(&bytes), SkipKey::decode(&bytes));
            let _ = (NoticeKey::decode(&bytes), OnceKey::decode(&bytes));
            let _ = (RowPlace::decode(&bytes), PieceKey::<RunId>::decode(&bytes), Name::decode(&bytes));
        }
    }
}
