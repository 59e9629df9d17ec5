//! `/secrets`.

use super::Site;
use serde_json::{Value, json};

#[tokio::test]
async fn a_secret_is_set_listed_and_deleted_and_never_shown() {
    let site = Site::new().await;
    let made = site.call("PUT", "/v1/secrets/API_KEY", json!({"value": "correct horse"})).await.is(201);
    assert_eq!(made.header("location"), "/v1/secrets/API_KEY");
    let tag = made.header("etag").to_owned();
    assert_eq!(made.json()["name"], "API_KEY");
    let again = site.call("PUT", "/v1/secrets/API_KEY", json!({"value": "battery staple"})).await.is(200);
    assert_ne!(again.header("etag"), tag);
    site.call("PUT", "/v1/secrets/B", json!({"value": "third"})).await.is(201);

    let listed = site.get("/v1/secrets?limit=1").await;
    for answer in [&made, &again, &listed] {
        for word in ["correct", "battery", "value"] {
            assert!(!answer.text().contains(word), "{answer:?}");
        }
    }
    let listed = listed.json_of(200);
    let members: Vec<&String> = listed["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["created_at", "name", "updated_at", "version"]);
    let path = format!("/v1/secrets?cursor={}", listed["next"].as_str().unwrap());
    let rest = site.get(&path).await.json_of(200);
    assert_eq!((&rest["items"][0]["name"], &rest["next"]), (&json!("B"), &Value::Null));
    site.get("/v1/secrets/API_KEY").await.problem(405, "method-not-allowed");

    let headers = [("if-match", tag.as_str())];
    let stale = site.call_if("PUT", "/v1/secrets/API_KEY", &headers, json!({"value": "late"}));
    stale.await.problem(412, "precondition-failed");
    let only_new = [("if-none-match", "*")];
    let there = site.call_if("PUT", "/v1/secrets/API_KEY", &only_new, json!({"value": "late"}));
    there.await.problem(412, "precondition-failed");
    site.call("DELETE", "/v1/secrets/API_KEY", Value::Null).await.is(204);
    site.call("DELETE", "/v1/secrets/API_KEY", Value::Null).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_wrong_is_told_without_a_word_of_it() {
    let site = Site::new().await;
    let whole = "hunter2".repeat(10_000);
    for (path, body, pointer) in [
        ("/v1/secrets/A", json!({"value": "xyz"}), "/value"),
        ("/v1/secrets/A", json!({"value": whole}), "/value"),
        ("/v1/secrets/A", json!({"value": 7_777_777}), ""),
        ("/v1/secrets/A", json!({"hunter2": "hunter2"}), ""),
        ("/v1/secrets/A", json!("hunter2"), ""),
        ("/v1/secrets/A", json!({}), ""),
        ("/v1/secrets/no.name", json!({"value": "hunter2"}), ""),
    ] {
        let answer = site.call("PUT", path, body).await;
        for word in ["hunter2", "xyz", "7777777"] {
            assert!(!answer.text().contains(word), "{}", answer.text());
        }
        assert_eq!(answer.pointers(), [pointer]);
    }
    let broken = site.send(site.request("PUT", "/v1/secrets/A", &[], "{\"value\": hunter2}")).await;
    assert!(!broken.text().contains("hunter2"), "{}", broken.text());
    broken.problem(400, "bad-request");
    assert_eq!(site.get("/v1/secrets").await.json_of(200)["items"], json!([]));
}

#[tokio::test]
async fn a_job_that_names_a_secret_that_was_never_set_is_warned() {
    let site = Site::new().await;
    let component = site.component(&[]).await;
    let spec = json!({"component": component, "grants": {"secrets": ["A", "B"]}, "hook": {"secret": "B"}});
    let warned = site.call("PUT", "/v1/jobs/job", spec).await.json_of(201)["warnings"].clone();
    let expected = ["A", "B"]
        .map(|name| format!("the secret `{name}` was never set: `sandglass secrets set {name}` sets it"));
    assert_eq!(warned, json!(expected));
    site.call("PUT", "/v1/secrets/A", json!({"value": "hunter2"})).await.is(201);
    assert_eq!(site.get("/v1/jobs/job").await.json_of(200)["warnings"], json!(expected[1..]));
}

#[tokio::test]
async fn the_key_is_changed() {
    let site = Site::new().await;
    site.call("POST", "/v1/secret-key/rotate", Value::Null).await.problem(409, "conflict");
    site.call("PUT", "/v1/secrets/A", json!({"value": "hunter2"})).await.is(201);
    let before = site.get("/v1/secrets").await.json_of(200);
    let first = site.call("POST", "/v1/secret-key/rotate", Value::Null).await.json_of(200);
    let second = site.call("POST", "/v1/secret-key/rotate", Value::Null).await.json_of(200);
    assert_eq!((&first["secrets"], &second["secrets"]), (&json!(1), &json!(1)));
    assert_ne!(first["key"], second["key"]);
    assert_eq!(site.get("/v1/secrets").await.json_of(200), before);
}
