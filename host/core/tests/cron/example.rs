//! One case for each rule, to read in docs/cron.md. They are compared like all others, before them.

use crate::case::Case;
use crate::expression::Expression;
use crate::zone::Zone;

/// The rule that the example is for, the zone, the expression, and the start.
pub(crate) const EXAMPLES: &[(&str, &str, &str, &str)] = &[
    ("croner-star", "UTC", "0 0 */2 * mon", "2026-06-01T00:00:00Z"),
    ("croner-star-in-list", "UTC", "0 0 *,15 * *", "2026-06-01T00:00:00Z"),
    ("croner-sun-sun", "UTC", "0 0 * * sun-sun", "2026-06-01T00:00:00Z"),
    ("croner-midnight", "UTC", "@midnight", "2026-06-01T00:00:00Z"),
    ("croner-impossible", "UTC", "30 2 30 2 *", "2026-06-01T00:00:00Z"),
    ("croner-fixed", "Europe/Zurich", "0,30 2 * * *", "2026-03-28T12:00:00Z"),
    ("croner-gap-day", "America/Nuuk", "30 23 28 3 *", "2026-03-01T00:00:00Z"),
    ("croner-gap-long", "Pacific/Apia", "0 3 * * *", "2011-12-29T00:00:00Z"),
    ("cronsim-to-sunday", "UTC", "0 0 * * fri-sun", "2026-06-01T00:00:00Z"),
    ("cronsim-one-step", "UTC", "0 9-9/6 * * *", "2026-06-01T00:00:00Z"),
    ("cronsim-fixed", "Europe/Zurich", "*/20 2 * * *", "2026-03-28T12:00:00Z"),
    ("cronsim-again", "Europe/Zurich", "30 2 * * *", "2026-10-25T01:00:00Z"),
    ("cronsim-gap-minute", "Africa/Monrovia", "30 0 * * *", "1972-01-06T12:00:00Z"),
    ("cronsim-nuuk", "America/Nuuk", "30 23 * * *", "2023-10-28T12:00:00Z"),
    ("cronsim-midnight", "America/Havana", "0 */6 8 * *", "2026-03-01T00:00:00Z"),
    ("cronsim-part-hour", "Australia/Lord_Howe", "*/15 3 * * *", "2026-10-03T12:00:00Z"),
];

pub(crate) fn case<'a>(
    zones: &'a [Zone],
    (_, zone, expression, start): (&str, &str, &str, &str),
) -> Case<'a> {
    let start: jiff::Timestamp = start.parse().expect("an instant");
    Case {
        zone: Zone::named(zones, zone),
        expression: Expression::parse(expression),
        start: start.as_second(),
    }
}
