use super::*;
use proptest::prelude::*;

#[test]
fn urls_have_one_normal_form() {
    for (text, normal) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/", "https://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("http://example.com:0080/", "http://example.com/"),
        ("https://example.com./", "https://example.com/"),
        ("https://example.com/a/../b?x=1&y#part", "https://example.com/b?x=1&y"),
        ("https://example.com/ä b?ü=%zz", "https://example.com/%C3%A4%20b?%C3%BC=%zz"),
        ("https://example.com?q", "https://example.com/?q"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://example。com/", "https://example.com/"),
        ("https://ex%61mple.com/", "https://example.com/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0x7f000001/", "http://127.0.0.1/"),
        ("http://0177.0.0.01/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
        ("http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"),
        ("http://[::ffff:7f00:1]/", "http://127.0.0.1/"),
        ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1/"),
    ] {
        let target: Target = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(target.to_string(), normal, "{text}");
        assert_eq!(normal.parse::<Target>().as_ref(), Ok(&target), "{text}");
    }
    let target: Target = "http://[2001:db8::1]:8080/x".parse().unwrap();
    assert_eq!(target.authority(), "[2001:db8::1]:8080");
}

#[test]
fn urls_that_readers_disagree_about_are_refused() {
    let long = format!("https://example.com/{}", "a".repeat(8192));
    for text in [
        "",
        "/relative",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "unix:/run/docker.sock",
        "ws://example.com/",
        "http:",
        "http://",
        "http:///",
        "http:///example.com/",
        "http:/example.com/",
        "http:example.com/",
        "http:\\\\example.com/",
        "http://example.com\\@evil.net/",
        "http://example.com\\.evil.net/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://@example.com/",
        "http://:@example.com/",
        "http://a@b@example.com/",
        "http://exam\tple.com/",
        "http://exam\nple.com/",
        "http://exam\rple.com/",
        "http://example.com/a\r\nhost: evil",
        " http://example.com/",
        "http://example.com/ ",
        "\0http://example.com/",
        "http://exam ple.com/",
        "http://exa%00mple.com/",
        "http://exa%0d%0ample.com/",
        "http://exa%2fmple.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:-1/",
        "http://example.com:80:80/",
        "http://example.com:8o/",
        "http://example..com/",
        "http://.example.com/",
        "http://example.com../",
        "http://-example.com/",
        "http://exa_mple.com/",
        "http://exa*mple.com/",
        "http://*.example.com/",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://example.1/",
        "http://0xffffffff1/",
        "http://[::1/",
        "http://::1/",
        "http://[::1]x/",
        "http://[::g]/",
        "http://[fe80::1%eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[::127.0.0.1.]/",
        "http://[v1.x]/",
        "http://xn--a.example/",
        "http://\u{200d}.example/",
        &long,
    ] {
        assert!(text.parse::<Target>().is_err(), "{text:?}: {:?}", text.parse::<Target>());
    }
}

#[test]
fn errors_keep_what_may_be_secret() {
    for text in [
        "http://user:hunter2@example.com/",
        "http://exa mple/hunter2",
        "ftp://x/hunter2",
        "http:\\\\x/?k=hunter2",
    ] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(!error.contains("hunter2"), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn a_target_is_what_its_normal_form_says(
        text in "https?://\\PC{0,30}|https?://[a-z0-9.:@%\\\\/\\[\\]_-]{0,20}/\\PC{0,20}"
    ) {
        if let Ok(target) = text.parse::<Target>() {
            let normal = target.to_string();
            prop_assert!(normal.bytes().all(|byte| byte.is_ascii_graphic()), "{normal}");
            prop_assert!(target.path.starts_with('/') && !target.path.contains('#'), "{normal}");
            prop_assert_eq!(normal.parse::<Target>(), Ok(target), "{}", normal);
        }
    }
}
