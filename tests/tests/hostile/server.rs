//! Another host, which the guests may ask: it answers by the path that it is asked for, and not always as it should.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;

/// Where it listens, from the first time that this is asked until the tests are over.
pub fn address() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || answer(stream));
            }
        });
        address
    })
}

/// Until the client has enough of it: what is written to one that has gone fails, and is over.
fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut stream = reader.get_ref();
    let path = line.split(' ').nth(1).unwrap_or_default();
    let piece = [b'x'; 8192];
    let _ = match path {
        "/short" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"),
        "/garbage" => stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
        "/flood" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            while stream.write_all(&piece).is_ok() {}
            Ok(())
        }
        "/head" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ");
            while stream.write_all(&piece).is_ok() {}
            Ok(())
        }
        // It waits for the client to go.
        _ => stream.read_to_end(&mut Vec::new()).map(drop),
    };
}
