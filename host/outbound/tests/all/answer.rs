//! Answers that are not what they say, or not HTTP.

use crate::server::Server;
use crate::{client, generous, private};
use sandglass_outbound::{Cause, Error, Request, Resolver};

async fn ask(answer: &[u8]) -> Result<(u16, String), Error> {
    let server = Server::answering(answer).await;
    let request = Request::new("GET", &server.url("/")).unwrap();
    let grants = private(&server.address.to_string());
    let response = client(Resolver::system()).send(&grants, generous(), request).await;
    response
        .map(|response| (response.status, String::from_utf8_lossy(&response.body).into_owned()))
        .map_err(|failure| failure.error)
}

#[tokio::test]
async fn what_is_not_whole_or_not_http_is_unavailable() {
    for answer in [
        "",
        "\r\n",
        "garbage",
        "<html>no head</html>\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.example.com ESMTP\r\n",
        "\u{0}\u{0}\u{12}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nx: y",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname : space\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\u{0}b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx\u{1}: a\r\n\r\n",
        // Lies about the length.
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: +4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 0x4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 4.0\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: four\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nbody!",
        "HTTP/1.1 200 OK\r\ncontent-length: 4, 5\r\n\r\nbody!",
        // Chunks.
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        // What nobody asked for.
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 199 Almost\r\n\r\n",
    ] {
        let told = ask(answer.as_bytes()).await;
        assert!(
            matches!(told, Err(Error::Unavailable { cause: Cause::Protocol, .. })),
            "{answer:?}: {told:?}"
        );
    }
}

#[tokio::test]
async fn what_is_whole_is_taken_as_far_as_it_says() {
    for (answer, status, body) in [
        ("HTTP/1.1 200 OK\r\n\r\nto the end", 200, "to the end"),
        ("HTTP/1.0 200 OK\r\n\r\nold", 200, "old"),
        ("HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", 200, "a"),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello", 204, ""),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, ""),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabHTTP/1.1 500 Second\r\n\r\n", 200, "ab"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab", 200, "ab"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n", 200, "ab"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 50\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            200,
            "ab",
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 0\r\n\r\n",
            201,
            "",
        ),
        ("HTTP/1.1 599 Odd\r\ncontent-length: 0\r\n\r\n", 599, ""),
    ] {
        assert_eq!(ask(answer.as_bytes()).await, Ok((status, body.to_owned())), "{answer:?}");
    }
}

#[tokio::test]
async fn every_byte_of_an_answer_may_be_wrong() {
    let answer =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: y\r\n\r\n2;a\r\nab\r\n0\r\nz: 1\r\n\r\n";
    for at in 0..answer.len() {
        for byte in [b'\0', b'\r', b'\n', b' ', b':', b'9', b'f', 0xff] {
            let mut changed = answer.to_vec();
            changed[at] = byte;
            match ask(&changed).await {
                Ok((status, body)) => assert!(status >= 200 && body.len() <= answer.len(), "{at} {byte}"),
                Err(Error::Unavailable { cause: Cause::Protocol, .. } | Error::Quota { .. }) => {}
                Err(other) => panic!("{at} {byte}: {other}"),
            }
        }
    }
}
