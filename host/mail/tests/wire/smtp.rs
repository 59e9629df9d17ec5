use sandglass_core::delivery::Taken;
use sandglass_core::email::Mailbox;
use sandglass_mail::{Mailer, Server, Tls, Unreachable};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;

/// A server that says its lines, one for each line that it is told (and one for a whole message), and gives back
/// what it was told.
fn server(script: &'static [&'static str]) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut told = Vec::new();
        let mut is_data = false;
        for (at, say) in script.iter().enumerate() {
            if at > 0 {
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap() == 0 {
                        return told;
                    }
                    let line = line.trim_end_matches("\r\n").to_owned();
                    told.push(line.clone());
                    if !is_data || line == "." {
                        break;
                    }
                }
                is_data = say.starts_with("354");
            }
            stream.write_all(format!("{say}\r\n").as_bytes()).unwrap();
        }
        told
    });
    (port, serving)
}

fn mailer(port: u16, user: Option<&str>) -> Mailer {
    let server = Server {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        user: user.map(str::to_owned),
        hello: "host.example".into(),
        authorities: vec![],
    };
    Mailer::new(server, "from@example.com".parse().unwrap()).unwrap()
}

fn send(script: &'static [&'static str], to: &[&str]) -> (Vec<(Taken, String)>, bool, Vec<String>) {
    let (port, serving) = server(script);
    let mut session = mailer(port, None).connect(None).unwrap();
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    let answers = session.send(&to, b"Subject: x\r\n\r\n.dot\r\n").unwrap();
    let answers = to.iter().map(|to| {
        let answer = answers.iter().find(|answer| answer.address == *to).expect("an answer for each");
        (answer.state, answer.reply.clone())
    });
    let answers = answers.collect();
    let is_usable = session.is_usable();
    drop(session);
    (answers, is_usable, serving.join().unwrap())
}

#[test]
fn each_recipient_has_an_answer_of_its_own() {
    let (answers, is_usable, told) = send(
        &[
            "220 hi",
            "250 hi",
            "250 ok",
            "250 ok",
            "451 4.7.1 later",
            "550-5.1.1 no\r\n550 such user",
            "354 go",
            "250 2.0.0 queued as 7",
        ],
        &["a@x.y", "b@x.y", "c@x.y"],
    );
    assert_eq!(
        answers,
        [
            (Taken::Accepted, "250 2.0.0 queued as 7".to_owned()),
            (Taken::Deferred, "451 4.7.1 later".to_owned()),
            (Taken::Refused, "550 5.1.1 no such user".to_owned()),
        ]
    );
    assert!(is_usable);
    let expected = [
        "EHLO host.example",
        "MAIL FROM:<from@example.com>",
        "RCPT TO:<a@x.y>",
        "RCPT TO:<b@x.y>",
        "RCPT TO:<c@x.y>",
        "DATA",
        "Subject: x",
        "",
        "..dot",
        "",
        ".",
    ];
    assert_eq!(
        told.iter().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        expected.iter().filter(|line| !line.is_empty()).collect::<Vec<_>>()
    );
}

#[test]
fn where_nobody_takes_it_the_message_does_not_leave() {
    let (answers, is_usable, told) = send(&["220 hi", "250 hi", "250 ok", "550 no", "250 reset"], &["a@x.y"]);
    assert_eq!((answers[0].0, is_usable), (Taken::Refused, true));
    assert_eq!(told.last().unwrap(), "RSET");
}

#[test]
fn an_answer_to_the_message_is_for_all_who_were_to_have_it() {
    for (said, state) in [("452 full", Taken::Deferred), ("554 5.7.1 spam", Taken::Refused)] {
        let script: &'static [&'static str] = Box::leak(Box::new([
            "220 hi",
            "250 hi",
            "250 ok",
            "250 ok",
            "250 ok",
            "354 go",
            said,
            "250 reset",
        ]));
        let (answers, is_usable, _) = send(script, &["a@x.y", "b@x.y"]);
        assert!(answers.iter().all(|(other, reply)| *other == state && reply == said), "{answers:?}");
        assert!(is_usable);
    }
}

#[test]
fn a_conversation_that_breaks_off_is_a_no_for_now_and_of_no_more_use() {
    for script in [
        &["220 hi", "250 hi", "250 ok", "421 closing"][..],
        &["220 hi", "250 hi", "250 ok", "250 ok", "354 go"][..],
        &["220 hi", "250 hi", "250 ok"][..],
        &["220 hi", "250 hi", "250 ok", "gibberish"][..],
    ] {
        let (answers, is_usable, _) = send(script, &["a@x.y"]);
        assert_eq!((answers[0].0, is_usable), (Taken::Deferred, false), "{script:?}");
    }
}

#[test]
fn a_server_that_does_not_take_the_sender_is_no_servers_fault_of_a_message() {
    let (port, serving) = server(&["220 hi", "250 hi", "530 5.7.0 sign in first"]);
    let mut session = mailer(port, None).connect(None).unwrap();
    let refused = session.send(&["a@x.y".into()], b"x").unwrap_err();
    assert_eq!(refused.0, "mail from from@example.com: 530 5.7.0 sign in first");
    assert!(!session.is_usable());
    serving.join().unwrap();
}

#[test]
fn a_wrong_password_is_told_without_it() {
    let (port, serving) = server(&[
        "220 hi",
        "250-hi\r\n250 AUTH PLAIN",
        "535 5.7.8 no: AG1lAGh1bnRlcjI= hunter2 aHVudGVyMg==",
    ]);
    let Unreachable(reason) = mailer(port, Some("me")).connect(Some("hunter2")).err().unwrap();
    assert_eq!(reason, format!("127.0.0.1:{port}: 535 5.7.8 no: [password] [password] [password]"));
    assert_eq!(serving.join().unwrap()[1], "AUTH PLAIN AG1lAGh1bnRlcjI=");
}

#[test]
fn without_a_server_or_its_tls_nobody_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let Unreachable(reason) = mailer(port, None).connect(None).err().unwrap();
    assert!(reason.contains("refused"), "{reason}");

    let (port, serving) = server(&["220 hi", "250 hi"]);
    let server = Server { tls: Tls::Start, ..mailer(port, None).server().clone() };
    let demanding = Mailer::new(server, "from@example.com".parse().unwrap()).unwrap();
    let Unreachable(reason) = demanding.connect(None).err().unwrap();
    assert!(reason.contains("STARTTLS is not supported"), "{reason}");
    // No message, no name and no password went over it.
    assert_eq!(serving.join().unwrap(), ["EHLO host.example"]);
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_at_once() {
    let server = mailer(25, None).server().clone();
    let from = |address: &str| Mailbox { name: String::new(), address: address.into() };
    assert!(Mailer::new(server.clone(), from("nobody")).is_err());
    let damaged =
        Server { tls: Tls::Implicit, authorities: b"-----BEGIN CERTIFICATE-----\n".to_vec(), ..server };
    assert!(Mailer::new(damaged, from("a@b.c")).is_err());
    assert_eq!(
        ("starttls".parse(), "implicit".parse(), "none".parse()),
        (Ok(Tls::Start), Ok(Tls::Implicit), Ok(Tls::None))
    );
    assert!("ssl".parse::<Tls>().is_err());
}
