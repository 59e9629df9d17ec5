//! The fields of a cron expression, from text to sets of numbers.
//!
//! The grammar is that of crontab(5) (Vixie's, which extends that of POSIX crontab by steps, names and
//! nicknames), with a field for seconds before it if there are six. Where implementations differ:
//! - names may stand in ranges and lists, and `fri-sun` ends on Sunday;
//! - `5/15` is `5-59/15`, as in cronie;
//! - a step may not be longer than its field: `*/90` minutes would be every hour, and hardly meant so.

use crate::time::brief;

pub(super) struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// The first three letters of the names, in the order of their numbers from `least` on.
    names: &'static [&'static str],
}

pub(super) const FIELDS: [Field; 6] = [
    Field { name: "second", least: 0, most: 59, names: &[] },
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day-of-month", least: 1, most: 31, names: &[] },
    Field { name: "month", least: 1, most: 12, names: &MONTHS },
    Field { name: "day-of-week", least: 0, most: 7, names: &WEEKDAYS },
];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What crontab(5) calls nicknames, but for `@reboot`.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// More than a list of every second and of every minute needs.
const BYTES_MAX: usize = 1024;

/// The six fields of an expression, seconds first.
pub(super) fn split(text: &str) -> Result<[&str; 6], String> {
    if text.len() > BYTES_MAX {
        return Err(format!("the expression is longer than {BYTES_MAX} bytes"));
    }
    let mut text = text.trim_ascii();
    if text.starts_with('@') {
        let known = NICKNAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
        text = known.ok_or_else(|| unknown_nickname(text))?.1;
    }
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    match fields[..] {
        [minute, hour, day, month, weekday] => Ok(["0", minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => Ok([second, minute, hour, day, month, weekday]),
        _ => Err(format!(
            "`{}` has {} fields: write five (minute, hour, day of month, month, day of week), or six with \
             seconds first",
            brief(text),
            fields.len()
        )),
    }
}

fn unknown_nickname(text: &str) -> String {
    let names: Vec<_> = NICKNAMES.iter().map(|(name, _)| *name).collect();
    let hint = match text {
        "@reboot" => ". A schedule is a set of instants; a job does not start because the host does",
        _ if text.starts_with("@every") => ". For a period use `every` instead of `cron`",
        _ => "",
    };
    format!("`{}` is not known: there are {}{hint}", brief(text), names.join(", "))
}

impl Field {
    /// The numbers that a field's text stands for, as bits. Sunday is 0 alone.
    pub(super) fn read(&self, text: &str) -> Result<u64, String> {
        let mut bits = 0;
        for item in text.split(',') {
            let (first, last, step) = self.item(item)?;
            bits |= (first..=last).step_by(step).fold(0, |bits, number| bits | 1 << number);
        }
        if self.is_weekday() {
            bits = (bits | bits >> 7) & 0x7f;
        }
        Ok(bits)
    }

    /// Whether the bits are all that the field can have.
    pub(super) fn is_full(&self, bits: u64) -> bool {
        let size = self.most - self.least + u32::from(!self.is_weekday());
        bits.count_ones() == size
    }

    /// One item of the list: the first and last of its range, and its step.
    fn item(&self, item: &str) -> Result<(u32, u32, usize), String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None => {
                let number = self.number(range)?;
                (number, if step.is_some() { self.most } else { number })
            }
        };
        // A week that is named may end on its Sunday.
        let last = if self.is_weekday() && first > 0 && range.to_ascii_lowercase().ends_with("-sun") {
            7
        } else {
            last
        };
        if first > last {
            let (item, name) = (brief(item), self.name);
            return Err(format!(
                "`{item}` in the {name} field runs backwards: write two ranges, with a comma between"
            ));
        }
        Ok((first, last, self.step(step)?))
    }

    fn step(&self, text: Option<&str>) -> Result<usize, String> {
        let Some(text) = text else { return Ok(1) };
        let most = if self.is_weekday() { 7 } else { self.most - self.least + 1 };
        digits(text).filter(|step| (1..=most).contains(step)).map(|step| step as usize).ok_or_else(|| {
            format!("`{}` in the {} field is not a step: a step is 1 to {most}", brief(text), self.name)
        })
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let place = self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let number = place.map(|place| place as u32 + self.least).or_else(|| digits(text));
        number.filter(|number| (self.least..=self.most).contains(number)).ok_or_else(|| {
            let or_names = match self.names {
                [] => String::new(),
                names => format!(" or {}", names.join(", ")),
            };
            let (least, most, name) = (self.least, self.most, self.name);
            let hint = if text == "?" { "; write * for any" } else { "" };
            format!(
                "`{}` in the {name} field is not a value: they are {least} to {most}{or_names}, with lists (1,2), \
                 ranges (1-5), steps (*/2) and *{hint}",
                brief(text)
            )
        })
    }

    pub(super) fn is_weekday(&self) -> bool {
        self.most == 7
    }
}

/// A short number in plain digits.
fn digits(text: &str) -> Option<u32> {
    let plain = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(field: usize, text: &str) -> Vec<u32> {
        let bits = FIELDS[field].read(text).unwrap();
        (0..64).filter(|number| bits >> number & 1 == 1).collect()
    }

    #[test]
    fn fields_are_sets_of_numbers() {
        let all: Vec<u32> = (0..60).collect();
        for (field, text, expected) in [
            (1, "*", &all[..]),
            (1, "*/15", &[0, 15, 30, 45]),
            (1, "5/15", &[5, 20, 35, 50]),
            (1, "5-40/15", &[5, 20, 35]),
            (1, "*/60", &[0]),
            (1, "3,1,2,1-2", &[1, 2, 3]),
            (2, "22-23,0", &[0, 22, 23]),
            (3, "*/10", &[1, 11, 21, 31]),
            (3, "007", &[7]),
            (4, "jan,NOV-Dec", &[1, 11, 12]),
            (5, "*", &[0, 1, 2, 3, 4, 5, 6]),
            (5, "0", &[0]),
            (5, "7", &[0]),
            (5, "5-7", &[0, 5, 6]),
            (5, "1-7/2", &[0, 1, 3, 5]),
            (5, "*/2", &[0, 2, 4, 6]),
            (5, "mon-fri", &[1, 2, 3, 4, 5]),
            (5, "FRI-Sun", &[0, 5, 6]),
            (5, "sun-tue", &[0, 1, 2]),
            (5, "sun-sun", &[0]),
        ] {
            assert_eq!(numbers(field, text), expected, "{text}");
        }
        assert!(
            FIELDS[5].is_full(0x7f) && FIELDS[1].is_full((1 << 60) - 1) && FIELDS[3].is_full(0xffff_fffe)
        );
        assert!(!FIELDS[5].is_full(0x3f) && !FIELDS[3].is_full(0x7fff_fffe));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        for (field, text, message) in [
            (1, "60", "`60` in the minute field is not a value: they are 0 to 59"),
            (2, "24", "`24` in the hour field"),
            (3, "0", "`0` in the day-of-month field is not a value: they are 1 to 31"),
            (3, "L", "`L` in the day-of-month field"),
            (3, "15W", "`15W` in the day-of-month field"),
            (3, "?", "write * for any"),
            (4, "13", "`13` in the month field is not a value: they are 1 to 12 or jan, feb"),
            (4, "january", "`january` in the month field"),
            (5, "8", "`8` in the day-of-week field is not a value: they are 0 to 7 or sun, mon"),
            (5, "mon#2", "`mon#2` in the day-of-week field"),
            (5, "sat-mon", "`sat-mon` in the day-of-week field runs backwards"),
            (1, "10-5", "`10-5` in the minute field runs backwards"),
            (1, "*/0", "`0` in the minute field is not a step: a step is 1 to 60"),
            (1, "*/90", "`90` in the minute field is not a step"),
            (5, "*/8", "a step is 1 to 7"),
            (1, "*/", "`` in the minute field is not a step"),
            (1, "1,,2", "`` in the minute field"),
            (1, "1-2-3", "`2-3` in the minute field"),
            (1, "**", "`**` in the minute field"),
            (1, "+1", "`+1` in the minute field"),
            (1, "-1", "`` in the minute field"),
            (1, "1.5", "`1.5` in the minute field"),
            (1, "99999999999", "`99999999999` in the minute field"),
        ] {
            let found = FIELDS[field].read(text).unwrap_err();
            assert!(found.contains(message), "{text}: {found}");
        }
    }

    #[test]
    fn expressions_have_five_or_six_fields() {
        assert_eq!(split(" 1 2\t3 4  5 "), Ok(["0", "1", "2", "3", "4", "5"]));
        assert_eq!(split("0 1 2 3 4 5"), Ok(["0", "1", "2", "3", "4", "5"]));
        assert_eq!(split("@Hourly"), Ok(["0", "0", "*", "*", "*", "*"]));
        let long = "0,".repeat(600);
        for (text, message) in [
            ("", "has 0 fields: write five"),
            ("* * * *", "has 4 fields"),
            ("* * * * * * *", "has 7 fields"),
            ("@reboot", "a job does not start because the host does"),
            ("@every 5m", "use `every`"),
            ("@fortnightly", "there are @yearly, @annually, @monthly"),
            (long.as_str(), "longer than 1024 bytes"),
        ] {
            let found = split(text).unwrap_err();
            assert!(found.contains(message), "{text}: {found}");
        }
    }
}
