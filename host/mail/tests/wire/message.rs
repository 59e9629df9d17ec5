use proptest::prelude::*;
use sandglass_core::Instant;
use sandglass_core::email::{self, Email, Mailbox, Message};
use sandglass_mail::build;

fn from() -> Mailbox {
    "Sandglass <sandglass@example.com>".parse().unwrap()
}

fn email(message: Message) -> Email {
    Email {
        message_id: "01a2.1@sandglass".into(),
        run: None,
        job: "j".parse().unwrap(),
        queued_at: "2026-01-31T08:30:00Z".parse().unwrap(),
        message,
    }
}

fn message() -> Message {
    Message {
        to: vec!["a@example.com".parse().unwrap()],
        cc: vec![],
        bcc: vec![],
        reply_to: None,
        subject: "hello".into(),
        text: Some("one\ntwo\n".into()),
        html: None,
        attachments: vec![],
    }
}

fn bytes(message: Message) -> String {
    String::from_utf8(build(&email(message), &from()).unwrap()).unwrap()
}

/// The names of the fields of a message's head.
fn fields(text: &str) -> Vec<&str> {
    let head = text.split("\r\n\r\n").next().unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split(':').next().unwrap()).collect()
}

#[test]
fn a_plain_message_is_what_one_would_write_by_hand() {
    let expected = [
        "Message-ID: <01a2.1@sandglass>",
        "Date: Sat, 31 Jan 2026 08:30:00 +0000",
        "From: Sandglass <sandglass@example.com>",
        "Auto-Submitted: auto-generated",
        "Subject: hello",
        "To: a@example.com",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "one",
        "two",
        "",
        "",
    ];
    assert_eq!(bytes(message()).split("\r\n").collect::<Vec<_>>(), expected);
}

#[test]
fn what_looks_encoded_is_what_its_author_wrote() {
    let text = bytes(Message { subject: "=?utf-8?q?=0D=0ABcc:_x?=".into(), ..message() });
    assert!(text.contains("\r\nSubject: =?utf-8?b?PT91dGYtOD9xPz0wRD0wQUJjYzpfeD89?=\r\n"), "{text}");
}

#[test]
fn hidden_recipients_stay_hidden() {
    let hidden: Mailbox = "secret@example.com".parse().unwrap();
    let text = bytes(Message { bcc: vec![hidden.clone()], ..message() });
    assert!(!text.contains("secret") && !text.contains("Bcc"), "{text}");
    // Nobody else: then there is no To at all.
    let text = bytes(Message { to: vec![], bcc: vec![hidden], ..message() });
    assert!(!text.contains("secret") && !fields(&text).contains(&"To"), "{text}");
}

#[test]
fn text_html_and_files_go_together() {
    let file = |name: &str, kind: &str| email::Attachment {
        file_name: name.into(),
        content_type: kind.into(),
        content: b"<svg/>".to_vec(),
    };
    let attachments =
        vec![file("a b.svg", "image/svg+xml"), file("\u{fc}\".txt", "x/y; z"), file("../c", "text/csv")];
    let text = bytes(Message { html: Some("<p>\u{fc}</p>".into()), attachments, ..message() });
    for part in [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "Content-Type: image/svg+xml",
        "Content-Disposition: attachment; filename=\"a b.svg\"",
        "PHN2Zy8+",
        "<p>=C3=BC</p>",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let boundary = text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(text.matches(&format!("\r\n--{boundary}\r\n")).count(), 4);
}

#[test]
fn the_same_message_gives_the_same_bytes_and_another_one_other_boundaries() {
    let with = |html: &str| bytes(Message { html: Some(html.into()), ..message() });
    assert_eq!(with("<p>"), with("<p>"));
    let boundary =
        |text: String| text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_ne!(boundary(with("<p>")), boundary(with("<b>")));
}

#[test]
fn what_was_not_checked_is_not_sent() {
    let address = |address: &str| Mailbox { name: String::new(), address: address.into() };
    for wrong in [
        Message { to: vec![address("a@b.c\r\nRCPT TO:<x@y.z>")], ..message() },
        Message { cc: vec![address("a@b.c>")], ..message() },
        Message { subject: "a\r\nBcc: x@y.z".into(), ..message() },
        Message { to: vec![], ..message() },
    ] {
        assert!(build(&email(wrong), &from()).is_err());
    }
    let good = email(message());
    assert!(build(&good, &address("nobody")).is_err());
    assert!(build(&Email { queued_at: Instant::MIN, ..good }, &from()).is_ok());
}

/// Texts that have broken mailers before, among any others.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = [
        "\r",
        "\n",
        "\r\n",
        "\0",
        "\r\n.\r\n",
        "\n.\n",
        "\u{85}",
        "\u{2028}",
        "\u{b}",
        "=?utf-8?q?=0D=0A?=",
        "=",
        "--sandglass",
        "\"",
        "\\",
        "<",
        ">",
        ",",
        ";",
        ":",
        "(",
        ")",
        "@",
        " ",
        "\t",
        "\u{202e}",
        "\u{feff}",
        "Bcc: x@y.z",
        "\u{1f4a9}",
        "\u{fc}",
        "a",
        "From ",
        ".",
        &"x".repeat(300),
    ];
    let piece = prop_oneof![
        prop::sample::select(pieces.map(str::to_owned).to_vec()),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_smuggles_a_field_or_breaks_a_line(
        subject in nasty(), text in nasty(), html in nasty(), file_name in nasty(),
        kind in nasty(), to in nasty(), name in nasty(), content: Vec<u8>,
    ) {
        let named = |name: &str| Mailbox { name: name.into(), address: "a@example.com".into() };
        // As a guest's words come in: a name that is refused is left out, an address too.
        let mut all: Vec<Mailbox> = [format!("{name} <b@example.com>"), to].iter().filter_map(|text| text.parse().ok()).collect();
        all.push(named(""));
        let mut whole = Message {
            to: all,
            subject,
            text: Some(text),
            html: Some(html),
            attachments: vec![email::Attachment { file_name, content_type: kind, content }],
            ..message()
        };
        for part in 0..3 {
            if whole.check().is_ok() {
                break;
            }
            match part {
                0 => whole.subject = "plain".into(),
                1 => whole.attachments[0].file_name = "plain".into(),
                _ => whole.attachments[0].content_type = "text/plain".into(),
            }
        }
        let text = bytes(whole);
        prop_assert_eq!(
            fields(&text),
            ["Message-ID", "Date", "From", "Auto-Submitted", "Subject", "To", "MIME-Version", "Content-Type"]
        );
        prop_assert!(text.is_ascii() && !text.contains('\0'));
        let without = text.replace("\r\n", "");
        prop_assert!(!without.contains(['\r', '\n']), "{:?}", text);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998), "{:?}", text);
    }
}
