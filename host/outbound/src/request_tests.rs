use super::*;

fn get() -> Request {
    Request::new("GET", "https://example.com/").unwrap()
}

fn invalid<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Invalid(_)))
}

#[test]
fn methods_are_tokens_and_make_no_tunnels() {
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "get", "connects",
    ] {
        assert!(Request::new(method, "https://example.com/").is_ok(), "{method}");
    }
    let long = "A".repeat(33);
    for method in [
        "",
        " ",
        "GET ",
        " GET",
        "GE T",
        "GET\r\n",
        "GET /x HTTP/1.1\r\nx:",
        "GÉT",
        "G\0T",
        "G:T",
        "CONNECT",
        "TRACE",
        &long,
    ] {
        assert!(invalid(&Request::new(method, "https://example.com/")), "{method:?}");
    }
}

#[test]
fn what_speaks_about_the_connection_is_not_the_callers() {
    for name in [
        "Connection",
        "HOST",
        "host",
        "Keep-Alive",
        "Proxy-Connection",
        "proxy-authorization",
        "proxy-authenticate",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
    ] {
        assert!(invalid(&get().header(name, b"x")), "{name}");
    }
    for name in
        ["authorization", "Accept", "cookie", "user-agent", "x-forwarded-for", "content-encoding", "range"]
    {
        assert!(get().header(name, b"x").is_ok(), "{name}");
    }
}

#[test]
fn no_header_breaks_its_line() {
    for name in ["", " ", "a b", "a:", "a\r\nb", "a\0", "ä", "a\t", "(a)", ":path"] {
        assert!(invalid(&get().header(name, b"x")), "{name:?}");
    }
    for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\x7f", "a\x1b[0m"] {
        assert!(invalid(&get().header("x-a", value.as_bytes())), "{value:?}");
    }
    for value in ["", "a", "a b", "a\tb", "ü", "\u{a0}"] {
        assert!(get().header("x-a", value.as_bytes()).is_ok(), "{value:?}");
    }
}

#[test]
fn a_length_is_one_number() {
    let given = |values: &[&str]| {
        values.iter().try_fold(get(), |request, value| request.header("Content-Length", value.as_bytes()))
    };
    for (values, length) in [(&["0"][..], 0), (&["12"], 12), (&["12", "12"], 12), (&["012"], 12)] {
        let request = given(values).unwrap();
        assert_eq!(request.length, Some(length), "{values:?}");
        assert!(request.headers.is_empty());
    }
    for values in [
        &[""][..],
        &["-1"],
        &["+1"],
        &["1.0"],
        &["0x1"],
        &["1, 1"],
        &[" 1"],
        &["18446744073709551616"],
        &["1", "2"],
    ] {
        assert!(invalid(&given(values)), "{values:?}");
    }
}

#[test]
fn headers_are_bounded_in_number_and_bytes() {
    let many = (0..fixed::HTTP_HEADERS).try_fold(get(), |request, _| request.header("x-a", b"1")).unwrap();
    let error = many.header("x-a", b"1").unwrap_err();
    assert_eq!(
        error,
        Error::Quota {
            limit: "HTTP_HEADERS",
            message: "101 headers in a request, and at most 100 are allowed".into()
        }
    );
    let most = fixed::HTTP_HEADER_BYTES.0 as usize;
    let long = vec![b'a'; most - "x-a".len()];
    let full = get().header("x-a", &long).unwrap();
    let error = full.header("b", b"").unwrap_err();
    assert_eq!(
        error,
        Error::Quota {
            limit: "HTTP_HEADER_BYTES",
            message: "65537 bytes of headers in a request, and at most 64KiB are allowed".into()
        }
    );
}

#[test]
fn paths_that_a_request_line_cannot_hold_are_invalid_and_never_broken() {
    for path in [
        "/",
        "/a b",
        "/%00",
        "/{x}",
        "/\"x\"",
        "/<x>",
        "/ü",
        "/?a=b|c^d`e",
        "/;p",
        "/a//b",
        "/?<>\"'",
        "/~!$&'()*+,=:@",
    ] {
        match Request::new("GET", &format!("https://example.com{path}")) {
            Ok(request) => assert_eq!(request.path.to_string(), request.target.path, "{path}"),
            Err(error) => assert!(matches!(error, Error::Invalid(_)), "{path}: {error}"),
        }
    }
    for url in ["", "example.com", "ftp://example.com/", "https://user@example.com/", "https://exa mple.com/"]
    {
        assert!(invalid(&Request::new("GET", url)), "{url}");
    }
}
