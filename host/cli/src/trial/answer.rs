//! The answers to a job's requests, as a file has them: nothing is sent to anybody.

use anyhow::{Context as _, Result};
use sandglass_outbound::Canned;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One answer of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Any, where there is none.
    method: Option<String>,
    url: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text as it is, anything else as JSON.
    #[serde(default)]
    body: Option<Value>,
}

fn ok() -> u16 {
    200
}

/// Reads a JSON list of answers.
pub(crate) fn answers(text: &str) -> Result<Vec<Canned>> {
    let answers: Vec<Answer> = serde_json::from_str(text).context("this is no list of answers")?;
    let canned = answers.into_iter().enumerate().map(|(number, answer)| {
        canned(answer).map_err(|message| anyhow::anyhow!("answer {}: {message}", number + 1))
    });
    canned.collect()
}

fn canned(answer: Answer) -> Result<Canned, String> {
    let Answer { method, url, status, headers, body } = answer;
    let mut headers: Vec<(String, String)> = headers.into_iter().collect();
    let body = match body {
        None => String::new(),
        Some(Value::String(text)) => text,
        Some(value) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".into(), "application/json".into()));
            }
            value.to_string()
        }
    };
    Canned::new(method.as_deref(), &url, status, &headers, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_answers_is_read_and_what_is_wrong_with_one_is_said() {
        let text = r#"[
            {"url": "https://a.example/"},
            {"method": "POST", "url": "http://a.example/x", "status": 503, "headers": {"a": "b"}, "body": {"n": 1}}
        ]"#;
        assert_eq!(answers(text).unwrap().len(), 2);
        for (text, words) in [
            ("{}", "no list of answers"),
            (r#"[{"url": "https://a.example/", "code": 5}]"#, "unknown field `code`"),
            (r#"[{"url": "https://a.example/"}, {"url": "a.example"}]"#, "answer 2: "),
        ] {
            let told = format!("{:#}", answers(text).unwrap_err());
            assert!(told.contains(words), "{told}");
        }
    }
}
