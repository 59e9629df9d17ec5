//! Strangers' text on somebody's terminal: what a guest wrote must not move the cursor, recolour the screen, or
//! turn the reading direction around.

use std::borrow::Cow;
use std::fmt::Write as _;

/// On one line: every control character is written as its escape, line breaks too.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\t')
}

/// The same, but lines stay lines.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\t' || c == '\n')
}

/// On one line, and at most so many characters of it.
pub(crate) fn brief(text: &str, characters_max: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= characters_max {
        return text.into_owned();
    }
    text.chars().take(characters_max.saturating_sub(1)).chain(['…']).collect()
}

fn escape(text: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |c: char| (c.is_control() || turns(c)) && !allowed(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "{}", c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Characters that change the direction of what follows (<https://www.unicode.org/reports/tr9>, section 2).
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        for (text, expected) in [
            ("grün 🎉\tx", "grün 🎉\tx"),
            ("\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}fdp.exe", "\\u{202e}fdp.exe"),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert_eq!(plain_lines("a\nb\x1b"), "a\nb\\u{1b}");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(brief("12345", 5), "12345");
        assert_eq!(brief("123456", 5), "1234…");
        assert_eq!(brief("a\nb", 9), "a\\nb");
    }
}
