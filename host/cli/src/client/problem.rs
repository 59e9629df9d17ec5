//! What the host says when it refuses (RFC 9457), as sentences: what is wrong, where, and what to do.

use crate::folder::Token;
use sandglass_core::Problem;
use serde::Deserialize;
use std::fmt;

/// A problem document, with the advice that this client adds to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) problems: Vec<Problem>,
    /// Paths of the API, to know what was asked for.
    pub(crate) instance: String,
    #[serde(skip)]
    pub(crate) advice: Option<String>,
}

impl Refusal {
    pub(crate) fn advise(&mut self, token: &Token) {
        self.advice = match self.code.as_str() {
            "unauthorized" => Some(format!(
                "{}. Set SANDGLASS_TOKEN, or name a file with --token-file; `sandglass serve` leaves a token in its \
                 data folder, as the file `token`.",
                if token.value.is_some() {
                    format!("The token came from {}", token.source)
                } else {
                    token.source.clone()
                }
            )),
            "forbidden" => {
                Some("Use a token that has this right: set SANDGLASS_TOKEN, or --token-file.".into())
            }
            "not-found" => self.listing().map(|command| format!("`{command}` shows what there is.")),
            "precondition-failed" => Some("Somebody changed it meanwhile: do it again.".into()),
            "too-many" => Some("Wait until some of them have ended, and do it again.".into()),
            "no-space" => Some(
                "Free space on the disk that holds the host's data folder; the work resumes by itself."
                    .into(),
            ),
            "unavailable" | "timeout" => Some("Do it again in a moment.".into()),
            "internal" => Some("The host's own log, on its standard error, says more.".into()),
            _ => None,
        };
    }

    /// What it says of all problems together.
    fn sentence(&self) -> &str {
        let first = self.problems.first().map(|first| format!("; the first: {first}"));
        first.and_then(|first| self.detail.strip_suffix(&first)).unwrap_or(&self.detail)
    }

    /// The command that lists what was not found.
    fn listing(&self) -> Option<String> {
        let path = self.instance.strip_prefix("/v1/")?;
        if let Some(job) = path.strip_prefix("jobs/").and_then(|path| path.strip_suffix("/rollback"))
            // It may be the job that is not there.
            && !self.detail.contains("no job")
        {
            return Some(format!("sandglass show {job} --revisions"));
        }
        let kind = path.split(['/', '?']).next()?;
        match kind {
            "jobs" | "runs" | "tables" | "emails" => Some(format!("sandglass {kind}")),
            "schedules" => Some("sandglass jobs".into()),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = [self.sentence(), &self.title, &self.code].into_iter().find(|text| !text.is_empty());
        let sentence = sentence.unwrap_or("the host refused");
        // Its full stop would stand before the parentheses; three dots belong to what it says.
        let stopped = sentence.strip_suffix('.').filter(|sentence| !sentence.ends_with('.'));
        f.write_str(stopped.unwrap_or(sentence))?;
        if self.code.is_empty() {
            write!(f, " (status {})", self.status)?;
        } else {
            write!(f, " ({}, {})", self.status, self.code)?;
        }
        for problem in &self.problems {
            // One that says no more than the sentence did is not said twice.
            if self.problems.len() > 1 || !self.detail.contains(&problem.message) {
                write!(f, "\n  {problem}")?;
            }
        }
        if let Some(advice) = &self.advice {
            write!(f, "\n{advice}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(document: serde_json::Value) -> String {
        let mut refusal: Refusal = serde_json::from_value(document).unwrap();
        refusal.advise(&Token { value: Some("sgl_x".into()), source: "SANDGLASS_TOKEN".into() });
        refusal.to_string()
    }

    #[test]
    fn every_problem_has_its_line() {
        let text = said(json!({
            "type": "urn:sandglass:error:invalid", "title": "Invalid", "status": 422, "code": "invalid",
            "detail": "2 problems; the first: /schedule/every: `1 fortnight` is not a period", "instance": "/v1/jobs/a",
            "problems": [
                {"pointer": "/schedule/every", "message": "`1 fortnight` is not a period"},
                {"pointer": "", "message": "a specification is a JSON object"},
            ],
        }));
        assert_eq!(
            text,
            "2 problems (422, invalid)\n  /schedule/every: `1 fortnight` is not a period\n  \
             a specification is a JSON object"
        );
    }

    #[test]
    fn what_to_do_follows() {
        for (code, instance, advice) in [
            ("not-found", "/v1/jobs/nightly", "`sandglass jobs` shows what there is."),
            ("not-found", "/v1/runs/0199", "`sandglass runs` shows"),
            ("not-found", "/v1/jobs/a/rollback", "`sandglass show a --revisions` shows"),
            ("unauthorized", "/v1/jobs", "The token came from SANDGLASS_TOKEN. Set"),
            ("precondition-failed", "/v1/jobs/a", "Somebody changed it"),
            ("no-space", "/v1/jobs/a", "Free space"),
        ] {
            let text = said(json!({"status": 400, "code": code, "detail": "no.", "instance": instance}));
            let second = text.lines().nth(1).unwrap_or_default();
            assert!(second.starts_with(advice), "{code}: {text}");
        }
    }

    #[test]
    fn a_poor_document_still_says_something() {
        assert_eq!(said(json!({"status": 502})), "the host refused (status 502)");
        assert_eq!(
            said(json!({"status": 400, "code": "x", "detail": "send sgl_..."})),
            "send sgl_... (400, x)"
        );
        assert_eq!(
            said(json!({"status": 409, "title": "Conflict", "code": "conflict"})),
            "Conflict (409, conflict)"
        );
        let one = json!({"status": 422, "code": "invalid", "detail": "no.", "problems": [{"pointer": "", "message": "no."}]});
        assert_eq!(said(one), "no (422, invalid)");
    }
}
