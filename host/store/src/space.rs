//! The kinds of records, each in a space of its own.

/// Where a record lies. The number is the first byte of its key on disk: it never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Space {
    Meta = 0,
    Component = 1,
    /// A component's bytes, in pieces of at most 64 KiB.
    Chunk = 2,
    Artifact = 3,
    Job = 4,
    JobName = 5,
    Revision = 6,
    Status = 7,
    /// What is to be done, by the instant when it is.
    Due = 8,
    /// Runs that go on: that execute, or wait between two attempts.
    Live = 9,
    Skip = 10,
    Table = 11,
    Row = 12,
    Email = 13,
    Token = 14,
    /// Runs that have not begun.
    Waiting = 15,
    Secret = 16,
    /// Webhooks' messages that wait to be delivered, by the instant when they are tried next.
    Notice = 17,
    /// What was answered to requests that carried an idempotency key.
    Once = 18,
    /// Browsers that are signed in.
    Session = 24,
    /// Who changed what.
    Audit = 40,
    /// Entries of tables' indexes.
    Index = 25,
    /// What is to be done for indexes: built, or dropped.
    IndexTask = 26,
    /// How far each message of the outbox has come.
    Delivery = 28,
    /// Messages that are to be delivered, by the instant when they are tried next.
    Post = 29,
    /// Ended runs. In history: see [`Space::is_history`].
    Ended = 128,
    /// Pieces of runs' logs. In history too.
    Log = 129,
}

impl Space {
    /// In the order of their numbers: the keys of one space end where those of the next one begin.
    pub const ALL: [Space; 27] = [
        Space::Meta,
        Space::Component,
        Space::Chunk,
        Space::Artifact,
        Space::Job,
        Space::JobName,
        Space::Revision,
        Space::Status,
        Space::Due,
        Space::Live,
        Space::Skip,
        Space::Table,
        Space::Row,
        Space::Email,
        Space::Token,
        Space::Waiting,
        Space::Secret,
        Space::Notice,
        Space::Once,
        Space::Session,
        Space::Index,
        Space::IndexTask,
        Space::Delivery,
        Space::Post,
        Space::Audit,
        Space::Ended,
        Space::Log,
    ];

    /// Whether records of this space age out. Their keys begin with a run's id, so with an instant, and a
    /// backend keeps them apart by the day of it, to drop a day as a whole.
    ///
    /// Within one commit they become durable before those of the other spaces do. So an ended run may be
    /// found in history that a crash kept from being committed: while a run is among those that have not ended, what
    /// history says of it is not true yet.
    pub fn is_history(self) -> bool {
        self as u8 >= 128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_stand_in_their_order() {
        assert!(Space::ALL.is_sorted(), "{:?}", Space::ALL);
    }
}
