//! Numbers for people. Whoever needs all digits asks for `--json`.

/// `999`, `12.3 k`, `1.23 M`, `45.6 G`: three digits that count.
pub(crate) fn count(number: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    if number < 10_000 {
        return number.to_string();
    }
    let (size, unit) = UNITS.into_iter().find(|(size, _)| number >= *size).unwrap_or((1, ""));
    let value = number as f64 / size as f64;
    let digits = match value {
        _ if value < 10.0 => 2,
        _ if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// `63.4 KiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| number >= *size) {
        Some((size, unit)) => {
            let value = number as f64 / size as f64;
            let digits = usize::from(value < 100.0 && value.fract() != 0.0);
            format!("{value:.digits$} {unit}")
        }
        None => format!("{number} B"),
    }
}

/// `1 row`, `20000 rows`.
pub(crate) fn many(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_count() {
        for (number, expected) in [
            (0, "0"),
            (9_999, "9999"),
            (12_345, "12.3 k"),
            (1_234_567, "1.23 M"),
            (10_000_000_000, "10.0 G"),
            (123_456_789_000, "123 G"),
        ] {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn sizes() {
        for (number, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (64_921, "63.4 KiB"),
            (64 << 20, "64 MiB"),
            (200 << 20, "200 MiB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
        assert_eq!((many(1, "row").as_str(), many(20_000, "row").as_str()), ("1 row", "20000 rows"));
    }
}
