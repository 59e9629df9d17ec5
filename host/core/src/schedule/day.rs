//! The days that a cron expression stands for, as sets of bits that are worked on a month at a time.

use jiff::civil::{Date, date};

/// Which days an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    /// Bits 1 to 12.
    pub(super) months: u16,
    /// Days of the month: bits 1 to 31.
    pub(super) dates: u32,
    /// Days of the week: bits 0 to 6, Sunday first.
    pub(super) weekdays: u8,
    /// Either field will do. Only when both are restricted: by crontab(5) a field that begins with a star is
    /// not, and then a day has to match both (`*/2 * mon` is every Monday with an odd date).
    pub(super) either: bool,
}

impl Days {
    /// Whether there is such a day in any year.
    pub(super) fn exist(self) -> bool {
        // In a leap year. Any date of a month is any day of the week once in a while.
        let has_date = |month| self.dates & calendar_bits(2000, month) != 0;
        self.either || (1..=12).any(|month| self.months >> month & 1 == 1 && has_date(month))
    }

    /// The most days that any of the months has.
    pub(super) fn longest_month(self) -> u32 {
        let months = (1..=12).filter(|month| self.months >> month & 1 == 1);
        months.map(|month| calendar_bits(2000, month).ilog2()).max().unwrap_or(0)
    }

    pub(super) fn has(self, day: Date) -> bool {
        self.of_month(day.year(), day.month()) >> day.day() & 1 == 1
    }

    /// The first that is not before `from`, within the calendar.
    pub(super) fn next_from(self, from: Date) -> Option<Date> {
        let (mut year, mut month) = (from.year(), from.month());
        let mut days = self.of_month(year, month) >> from.day() << from.day();
        // Forty years at most: 29 February is any day of the week within them.
        while days == 0 {
            (year, month) = month_after(year, month);
            if year > Date::MAX.year() {
                return None;
            }
            days = self.of_month(year, month);
        }
        Some(date(year, month, days.trailing_zeros() as i8))
    }

    /// The last that is not after `until`, within the calendar.
    pub(super) fn last_until(self, until: Date) -> Option<Date> {
        let (mut year, mut month) = (until.year(), until.month());
        let above = 31 - until.day();
        let mut days = self.of_month(year, month) << above >> above;
        while days == 0 {
            (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
            if year < Date::MIN.year() {
                return None;
            }
            days = self.of_month(year, month);
        }
        Some(date(year, month, days.ilog2() as i8))
    }

    /// How many are in `from..to`.
    pub(super) fn count(self, from: Date, to: Date) -> u64 {
        let before = |day: Date| self.of_month(day.year(), day.month()) & ((1 << day.day()) - 1);
        let mut count = u64::from(before(to).count_ones());
        let (mut year, mut month) = (from.year(), from.month());
        while (year, month) < (to.year(), to.month()) {
            count += u64::from(self.of_month(year, month).count_ones());
            (year, month) = month_after(year, month);
        }
        count - u64::from(before(from).count_ones())
    }

    /// Those of one month, as bits 1 to 31.
    fn of_month(self, year: i16, month: i8) -> u32 {
        if self.months >> month & 1 == 0 {
            return 0;
        }
        // The week, turned so that its first bit is the month's first day, and repeated.
        let first = date(year, month, 1).weekday().to_sunday_zero_offset();
        let week = u64::from(self.weekdays);
        let week = (week >> first | week << (7 - first)) & 0x7f;
        let weekdays = ((week * 0x1020_4081) << 1) as u32;
        let days = if self.either { self.dates | weekdays } else { self.dates & weekdays };
        days & calendar_bits(year, month)
    }
}

fn month_after(year: i16, month: i8) -> (i16, i8) {
    if month == 12 { (year + 1, 1) } else { (year, month + 1) }
}

/// The days that a month has, as bits 1 to 31.
fn calendar_bits(year: i16, month: i8) -> u32 {
    let days = date(year, month, 1).days_in_month();
    u32::MAX >> (31 - days) & !1
}
