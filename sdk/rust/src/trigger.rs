//! What asked for a run.

use std::fmt;

/// What asked for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// Its time had come.
    Schedule,
    /// Its time had come while the host was down or asleep.
    CatchUp,
    /// Somebody asked for the occurrences of a time that is over.
    Backfill,
    /// Somebody asked for it now.
    Manual,
    /// A signed request from outside.
    Webhook,
    /// `sandglass test`: nothing of it is kept.
    Try,
    /// One that this version of the crate does not know.
    Other(String),
}

impl Trigger {
    pub(crate) fn from_host(name: String) -> Self {
        match name.as_str() {
            "schedule" => Self::Schedule,
            "catch-up" => Self::CatchUp,
            "backfill" => Self::Backfill,
            "manual" => Self::Manual,
            "webhook" => Self::Webhook,
            "try" => Self::Try,
            _ => Self::Other(name),
        }
    }
}

/// As the API spells it: `schedule`, `catch-up`, ...
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schedule => "schedule",
            Self::CatchUp => "catch-up",
            Self::Backfill => "backfill",
            Self::Manual => "manual",
            Self::Webhook => "webhook",
            Self::Try => "try",
            Self::Other(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_as_it_was() {
        for name in ["schedule", "catch-up", "backfill", "manual", "webhook", "try", "tomorrow's"] {
            assert_eq!(Trigger::from_host(name.to_string()).to_string(), name);
        }
        assert_eq!(Trigger::from_host("catch-up".to_string()), Trigger::CatchUp);
    }
}
