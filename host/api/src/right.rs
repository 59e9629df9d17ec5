//! What a request needs of the token that it comes with. What is not named here needs `admin`.

use crate::auth::Caller;
use crate::problem::{Code, Refusal};
use axum::http::Method;
use percent_encoding::percent_decode_str;
use sandglass_core::Name;
use sandglass_core::grant::Access;
use sandglass_core::right::Right;

/// A right, and access to a table where the request is about one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Need {
    right: Right,
    table: Option<(Name, Access)>,
}

/// The parts of a path, without the version.
fn parts(path: &str) -> Vec<&str> {
    path.strip_prefix("/v1").unwrap_or(path).split('/').skip(1).collect()
}

fn need(method: &Method, path: &str) -> Need {
    let (parts, reads) = (parts(path), method.is_safe());
    let of = |right| Need { right, table: None };
    match parts.as_slice() {
        // One's own, which the caller has shown to have; and what names its tables in its body, where the handler
        // checks them.
        ["session", ..] | ["batch"] => of(Right::Read),
        ["tables"] if reads => of(Right::Read),
        ["tables", table, rest @ ..] => {
            let right = if !reads && rest.is_empty() { Right::Deploy } else { Right::Read };
            let access = match *method {
                _ if reads => Access::Read,
                // Adding tells nothing of what is there.
                Method::POST => Access::Write,
                _ => Access::ReadWrite,
            };
            match percent_decode_str(table).decode_utf8().ok().and_then(|name| name.parse().ok()) {
                Some(name) => Need { right, table: Some((name, access)) },
                // There is no such table, and the handler says so.
                None => of(right),
            }
        }
        ["jobs" | "runs" | "components" | "schedules" | "upcoming" | "events" | "host" | "metrics", ..]
            if reads =>
        {
            of(Right::Read)
        }
        ["jobs", _, "runs" | "backfill"] | ["runs", _, "cancel" | "retry"] => of(Right::Run),
        ["jobs" | "components", ..] => of(Right::Deploy),
        _ => of(Right::Admin),
    }
}

/// Refuses what the caller's token does not allow.
pub(crate) fn check(caller: &Caller, method: &Method, path: &str) -> Result<(), Refusal> {
    let Need { right, table } = need(method, path);
    let rights = &caller.rights;
    if rights.right < right {
        let detail = format!(
            "this needs a token with the right `{}`, and `{}` has `{}`",
            right.as_str(),
            caller.token,
            rights.right.as_str()
        );
        return Err(Refusal::new(Code::Forbidden, detail));
    }
    table.map_or(Ok(()), |(name, access)| check_table(caller, &name, access))
}

/// Refuses a table that the caller's token does not reach.
pub(crate) fn check_table(caller: &Caller, name: &Name, access: Access) -> Result<(), Refusal> {
    if caller.rights.reach(name, access) {
        return Ok(());
    }
    let detail = format!(
        "this needs a token that is granted {} on the table `{name}`, and `{}` is not",
        access.as_str(),
        caller.token
    );
    Err(Refusal::new(Code::Forbidden, detail))
}

/// Whether a request, if it is done, changes how the host is set up: jobs, components, tables as such, mail, secrets,
/// tokens. Rows and runs tell of themselves.
pub(crate) fn is_audited(method: &Method, path: &str) -> bool {
    match parts(path).as_slice() {
        _ if method.is_safe() => false,
        ["session" | "batch", ..] | ["tables", _, _, ..] | ["jobs", _, "runs"] | ["runs", _, "retry"] => {
            false
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(method: &str, path: &str) -> (Right, Option<Access>) {
        let need = need(&method.parse().unwrap(), path);
        (need.right, need.table.map(|(_, access)| access))
    }

    #[test]
    fn each_request_needs_the_least_right_that_it_can_do_with() {
        for (method, path, right, access) in [
            ("GET", "/v1/jobs", Right::Read, None),
            ("GET", "/jobs/a/runs", Right::Read, None),
            ("GET", "/v1/runs/x/logs", Right::Read, None),
            ("GET", "/v1/session", Right::Read, None),
            ("DELETE", "/v1/session", Right::Read, None),
            ("GET", "/metrics", Right::Read, None),
            ("GET", "/v1/tables", Right::Read, None),
            ("GET", "/v1/tables/a/rows", Right::Read, Some(Access::Read)),
            ("GET", "/v1/tables/a/export", Right::Read, Some(Access::Read)),
            ("POST", "/v1/tables/a/rows", Right::Read, Some(Access::Write)),
            ("POST", "/v1/tables/a/import", Right::Read, Some(Access::Write)),
            ("POST", "/v1/batch", Right::Read, None),
            ("PATCH", "/v1/tables/a/rows/1", Right::Read, Some(Access::ReadWrite)),
            ("DELETE", "/v1/tables/a/rows", Right::Read, Some(Access::ReadWrite)),
            ("PUT", "/v1/tables/a", Right::Deploy, Some(Access::ReadWrite)),
            ("DELETE", "/v1/tables/a", Right::Deploy, Some(Access::ReadWrite)),
            ("POST", "/v1/jobs/a/runs", Right::Run, None),
            ("POST", "/v1/jobs/a/backfill", Right::Run, None),
            ("POST", "/v1/runs/x/cancel", Right::Run, None),
            ("PUT", "/v1/jobs/a", Right::Deploy, None),
            ("POST", "/v1/jobs/a/pause", Right::Deploy, None),
            ("PUT", "/v1/jobs/a/component", Right::Deploy, None),
            ("POST", "/v1/components", Right::Deploy, None),
            ("GET", "/v1/emails", Right::Admin, None),
            ("GET", "/v1/secrets", Right::Admin, None),
            ("PUT", "/v1/secrets/A", Right::Admin, None),
            ("POST", "/v1/secret-key/rotate", Right::Admin, None),
            ("GET", "/v1/tokens", Right::Admin, None),
            ("GET", "/v1/audit", Right::Admin, None),
            ("GET", "/v1/what-comes-next", Right::Admin, None),
        ] {
            assert_eq!(needs(method, path), (right, access), "{method} {path}");
        }
    }

    #[test]
    fn what_is_set_up_is_audited_and_what_is_worked_with_is_not() {
        for (method, path, audited) in [
            ("PUT", "/v1/jobs/a", true),
            ("DELETE", "/v1/tables/a", true),
            ("POST", "/v1/runs/x/cancel", true),
            ("POST", "/v1/tokens", true),
            ("POST", "/v1/jobs/a/runs", false),
            ("POST", "/v1/tables/a/rows", false),
            ("POST", "/v1/batch", false),
            ("GET", "/v1/jobs/a", false),
            ("DELETE", "/v1/session", false),
        ] {
            assert_eq!(is_audited(&method.parse().unwrap(), path), audited, "{method} {path}");
        }
    }
}
