use super::*;
use crate::target::Target;
use proptest::prelude::*;

#[test]
fn patterns_have_one_normal_form_or_are_refused() {
    for (text, normal) in [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("api.example.com:443", "api.example.com:443"),
        ("*.example.org:8443", "*.example.org:8443"),
        ("localhost:3000", "localhost:3000"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:8080", "192.0.2.7:8080"),
        ("[2001:DB8::0001]", "[2001:db8::1]"),
        ("[2001:db8::1]:8080", "[2001:db8::1]:8080"),
        ("a--b.example", "a--b.example"),
    ] {
        assert_eq!(
            text.parse::<Pattern>().map(|pattern| pattern.to_string()).as_deref(),
            Ok(normal),
            "{text}"
        );
    }
    let long_label = format!("{}.org", "a".repeat(64));
    let long_name = format!("{}org", "abcdefgh.".repeat(28));
    for text in [
        "",
        "*",
        "*.",
        "*.*.example.org",
        "a.*.org",
        "*example.org",
        "*.127.0.0.1",
        "*.[::1]",
        "*.1",
        ".example.org",
        "a..b",
        "a.org..",
        "-a.org",
        "a-.org",
        "a_b.org",
        "http://a.org",
        "a.org/",
        "a.org/path",
        "user@a.org",
        "a.org?x",
        "a.org#x",
        "a b.org",
        " a.org",
        "a.org ",
        "a.org\n",
        "a.org\0",
        "a\\b.org",
        "a.org:",
        "a.org:0",
        "a.org:65536",
        "a.org:+80",
        "a.org:80:80",
        "a.org:http",
        ":80",
        "%61.org",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "1.2.3.4.5",
        "256.0.0.1",
        "::1",
        "[::1",
        "::1]",
        "[::1]x",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[1.2.3.4]",
        "[::ffff:192.0.2.7]",
        "xn--a.example",
        "xn--.example",
        &long_label,
        &long_name,
    ] {
        assert!(text.parse::<Pattern>().is_err(), "{text:?}: {:?}", text.parse::<Pattern>());
    }
    let error = "0x7f.1".parse::<Pattern>().unwrap_err();
    assert_eq!(error, "`0x7f.1` is the address 127.0.0.1: write it so");
}

#[test]
fn patterns_cover_the_hosts_and_ports_that_they_say() {
    let host = |text: &str| format!("http://{text}/").parse::<Target>().unwrap().host;
    for (pattern, text, port, default, covered) in [
        ("a.org", "a.org", 443, 443, true),
        ("a.org", "a.org", 80, 80, true),
        ("a.org", "a.org", 80, 443, false),
        ("a.org", "a.org", 443, 80, false),
        ("a.org", "a.org", 8080, 80, false),
        ("a.org", "www.a.org", 443, 443, false),
        ("a.org", "ba.org", 443, 443, false),
        ("a.org", "a.org.evil.net", 443, 443, false),
        ("a.org:443", "a.org", 443, 80, true),
        ("a.org:8443", "a.org", 8443, 443, true),
        ("a.org:8443", "a.org", 443, 443, false),
        ("*.a.org", "www.a.org", 443, 443, true),
        ("*.a.org", "x.www.a.org", 443, 443, true),
        ("*.a.org", "a.org", 443, 443, false),
        ("*.a.org", "ba.org", 443, 443, false),
        ("*.a.org", "a.org.evil.net", 443, 443, false),
        ("*.a.org:81", "b.a.org", 81, 80, true),
        ("*.a.org:81", "b.a.org", 80, 80, false),
        ("192.0.2.1", "192.0.2.1", 80, 80, true),
        ("192.0.2.1", "[::ffff:192.0.2.1]", 80, 80, true),
        ("192.0.2.1", "192.0.2.10", 80, 80, false),
        ("[2001:db8::1]", "[2001:db8:0::1]", 80, 80, true),
        ("[2001:db8::1]", "[2001:db8::2]", 80, 80, false),
    ] {
        let found = pattern.parse::<Pattern>().unwrap().covers(&host(text), port, default);
        assert_eq!(found, covered, "{pattern} {text}:{port}");
    }
}

proptest! {
    #[test]
    fn a_pattern_reads_back_as_it_was_written(text in "\\PC{0,40}|[a-zA-Z0-9.*:\\[\\]-]{0,20}|(\\*\\.)?[a-zü.-]{1,12}(:[0-9]{1,5})?") {
        if let Ok(pattern) = text.parse::<Pattern>() {
            let written = pattern.to_string();
            prop_assert!(written.is_ascii());
            prop_assert_eq!(written.parse::<Pattern>(), Ok(pattern), "{}", written);
        }
    }
}
