//! A job that does what a test tells it to: a script, taken from the run's input, or else from the setting
//! `SCRIPT`. It is a JSON array of steps, each an object of one member, whose name says what to do (see
//! `Action`): `[{"insert": {"table": "t", "fields": {"n": 1}}}, {"sleep_ms": 50}]`.
//!
//! The result is a JSON array with one answer per step, `{"ok": ...}` or `{"error": {"code", "message"}}`.
//! An error does not stop the script, unless the step has a second member `"must": true`. In the texts of a step,
//! `{run}` is the run's id, `{scheduled_for}` its occurrence, and `{secret NAME}` the value of that secret, which the
//! job asks for.

mod hostile;
mod rows;
mod script;
mod step;

use sandglass::serde_json::{self, json, Value};
use sandglass::{Context, Failure};
use step::Outcome;

#[sandglass::job]
fn run(ctx: Context) -> Result<Option<String>, Failure> {
    let script = match ctx.input::<Vec<Value>>()? {
        Some(script) => script,
        None => serde_json::from_str(&ctx.setting("SCRIPT").unwrap_or_else(|| "[]".to_string()))?,
    };
    let mut answers = Vec::new();
    let (run, scheduled_for) = (ctx.run_id(), ctx.scheduled_for().to_string());
    for (number, step) in script.into_iter().enumerate() {
        let step = script::with(&step, "{run}", &run);
        let step = script::with(&step, "{scheduled_for}", &scheduled_for);
        let step = script::with_secrets(&step, &|name| ctx.secret(name))
            .map_err(|error| Failure::new(format!("step {number}: {error}")))?;
        let (action, must) =
            script::parse(step).map_err(|error| Failure::new(format!("step {number}: {error}")))?;
        answers.push(match step::perform(&ctx, action) {
            Ok(Outcome::Answer(answer)) => json!({ "ok": answer }),
            Ok(Outcome::End(result)) => return result,
            Err(error) if must => {
                return Err(Failure {
                    retry: error.is_retriable(),
                    message: format!("step {number}: {error}"),
                })
            }
            Err(error) => json!({ "error": { "code": error.code.as_str(), "message": error.message } }),
        });
    }
    Ok(Some(Value::from(answers).to_string()))
}
