use super::*;
use proptest::prelude::*;

/// Secret, id, timestamp, body and signature, as the reference implementations of the standard publish them in
/// their tests.
const PUBLISHED: [(&str, &str, i64, &str, &str); 2] = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        r#"{"test": 2432232314}"#,
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1_649_367_553,
        r#"{"email":"test@example.com","username":"test_user"}"#,
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
];

const NOW: i64 = 1_760_000_000_000;

fn secret(seed: u8) -> Secret {
    Secret::new(&[seed; 32]).unwrap()
}

fn now() -> Instant {
    Instant::from_millis(NOW)
}

#[test]
fn published_messages_sign_and_verify() {
    for (text, id, timestamp, body, signature) in PUBLISHED {
        let secret: Secret = text.parse().unwrap();
        let at = Instant::from_millis(timestamp * 1000 + 999);
        let headers = sign(std::slice::from_ref(&secret), id, at, body.as_bytes()).unwrap();
        assert_eq!(
            headers,
            Headers { id: id.into(), timestamp: timestamp.to_string(), signature: signature.into() }
        );
        assert_eq!(verify(&[secret], &headers, at, body.as_bytes()), Ok(()));
    }
}

#[test]
fn secrets_have_one_form_and_never_show() {
    let bytes = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
    for (text, valid) in [
        (bytes(24), true),
        (bytes(64), true),
        (bytes(32).trim_end_matches('=').to_owned(), true),
        (bytes(23), false),
        (bytes(65), false),
        (bytes(0), false),
        (STANDARD.encode([7; 32]), false),
        (format!("whsk_{}", STANDARD.encode([7; 32])), false),
        ("whsec_not base64 at all, though long enough".into(), false),
        (format!(" {}", bytes(32)), false),
    ] {
        let read = text.parse::<Secret>();
        assert_eq!(read.is_ok(), valid, "{text}");
        match read {
            Ok(secret) => {
                assert_eq!(format!("{secret:?}"), "Secret(..)");
                assert_eq!(secret.expose().trim_end_matches('='), text.trim_end_matches('='));
            }
            Err(message) => assert!(!message.contains("BwcH") && !message.contains("base64 at"), "{message}"),
        }
    }
}

#[test]
fn several_signatures_and_secrets_meet_in_any_order() {
    let (old, new, other) = (secret(1), secret(2), secret(3));
    let headers = sign(&[new.clone(), old.clone()], "msg_1", now(), b"body").unwrap();
    assert_eq!(headers.signature.split(' ').count(), 2);
    let told = |secrets: &[Secret]| verify(secrets, &headers, now(), b"body");
    assert_eq!(told(std::slice::from_ref(&old)), Ok(()));
    assert_eq!(told(&[other.clone(), new]), Ok(()));
    assert_eq!(told(&[other]), Err(Rejection::Forged));
    assert_eq!(told(&[]), Err(Rejection::Forged));
}

#[test]
fn only_a_whole_signature_of_our_scheme_counts() {
    let signed = sign(&[secret(1)], "msg_1", now(), b"body").unwrap();
    let code = signed.signature.strip_prefix("v1,").unwrap();
    for (signature, valid) in [
        (format!("v1,{code}"), true),
        (format!("v1a,AAAA v1,{} v1,{code}", STANDARD.encode([0; 32])), true),
        (format!("  v1,{code}  "), true),
        (String::new(), false),
        ("v1,".into(), false),
        (format!("v1,{}", &code[..8]), false),
        (format!("v1,{code}{code}"), false),
        (format!("v1a,{code}"), false),
        (format!("V1,{code}"), false),
        (format!("v1 ,{code}"), false),
        (code.into(), false),
        (format!("v1={code}"), false),
        (format!("v1,{}", code.to_lowercase()), false),
        (format!("v1,{}", code.trim_end_matches('=')), false),
    ] {
        let headers = Headers { signature: signature.clone(), ..signed.clone() };
        assert_eq!(verify(&[secret(1)], &headers, now(), b"body").is_ok(), valid, "{signature}");
    }
}

#[test]
fn the_clock_may_differ_by_the_tolerance_and_no_more() {
    let headers = sign(&[secret(1)], "msg_1", now(), b"").unwrap();
    for (millis, expected) in [
        (0, Ok(())),
        (300_000, Ok(())),
        (-300_000, Ok(())),
        (300_001, Err(Rejection::Untimely { by: Span::from_millis(300_001), ahead: false })),
        (-300_001, Err(Rejection::Untimely { by: Span::from_millis(300_001), ahead: true })),
    ] {
        let at = Instant::from_millis(NOW + millis);
        assert_eq!(verify(&[secret(1)], &headers, at, b""), expected, "{millis}");
    }
    let late = verify(&[secret(1)], &headers, now().plus(Span::from_secs(301)), b"").unwrap_err();
    assert_eq!(
        late.to_string(),
        "webhook-timestamp is 301s behind this host's clock, and at most 5m are allowed"
    );
}

#[test]
fn ids_and_timestamps_have_one_reading() {
    let signed = sign(&[secret(1)], "msg_1", now(), b"").unwrap();
    let malformed =
        |headers: Headers| matches!(verify(&[secret(1)], &headers, now(), b""), Err(Rejection::Malformed(_)));
    for id in ["", "a.b", "a b", "a\nb", "ü", &"a".repeat(256)] {
        assert!(malformed(Headers { id: id.into(), ..signed.clone() }), "{id:?}");
        assert!(sign(&[secret(1)], id, now(), b"").is_err(), "{id:?}");
    }
    for timestamp in ["", "+1760000000", "-1", "1.5", "1e9", " 1760000000", "99999999999999999999", "١"] {
        assert!(malformed(Headers { timestamp: timestamp.into(), ..signed.clone() }), "{timestamp:?}");
    }
    let far = Headers { timestamp: i64::MAX.to_string(), ..signed };
    assert!(matches!(verify(&[secret(1)], &far, now(), b""), Err(Rejection::Untimely { ahead: true, .. })));
}

proptest! {
    #[test]
    fn what_was_signed_verifies_and_nothing_else_does(
        key in proptest::collection::vec(any::<u8>(), 24..=64),
        id in "[!-\\-/-~]{1,40}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        flip in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let secret = Secret::new(&key).unwrap();
        let secrets = [secret.expose().parse::<Secret>().unwrap()];
        let headers = sign(&[secret], &id, now(), &body).unwrap();
        prop_assert_eq!(verify(&secrets, &headers, now(), &body), Ok(()));

        let mut longer = body.clone();
        longer.push(b'.');
        prop_assert_eq!(verify(&secrets, &headers, now(), &longer), Err(Rejection::Forged));
        if !body.is_empty() {
            let mut changed = body.clone();
            changed[flip.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(verify(&secrets, &headers, now(), &changed), Err(Rejection::Forged));
        }
        let moved = Headers { timestamp: (NOW / 1000 + 1).to_string(), ..headers.clone() };
        prop_assert_eq!(verify(&secrets, &moved, now(), &body), Err(Rejection::Forged));
        let renamed = Headers { id: format!("{id}x"), ..headers };
        prop_assert_eq!(verify(&secrets, &renamed, now(), &body), Err(Rejection::Forged));
    }

    #[test]
    fn no_header_makes_it_panic(id in ".*", timestamp in ".*", signature in "(v1,)?.*") {
        let headers = Headers { id, timestamp, signature };
        prop_assert!(verify(&[secret(1)], &headers, now(), b"").is_err());
    }
}
