//! What will not work as deployed: a component's imports held against its job's grants.

use sandglass_core::SecretName;
use sandglass_core::spec::Specification;
use sandglass_store::record::Component;

/// Sentences for people. Nothing here stops a deployment: a component may import what it never calls. `unset` are
/// the secrets that the specification names and that there are not.
pub(crate) fn of(component: Option<&Component>, spec: &Specification, unset: &[SecretName]) -> Vec<String> {
    let grants = &spec.grants;
    let imports = |interface: &str| {
        let names = component.map_or(&[][..], |component| &component.imports);
        names.iter().any(|name| name.split('@').next() == Some(interface))
    };
    let mut warnings: Vec<String> = Vec::new();
    let mut warn = |is_so: bool, text: &str| {
        if is_so {
            warnings.push(text.to_owned());
        }
    };
    warn(
        imports("sandglass:job/table") && grants.tables.is_empty(),
        "the component imports sandglass:job/table, and no table is granted: its calls will be denied. Grant the \
         tables that it needs under grants.tables",
    );
    warn(
        imports("sandglass:job/email") && grants.email.is_none(),
        "the component imports sandglass:job/email, and no recipient is granted: its calls will be denied. Grant \
         recipients under grants.email",
    );
    warn(
        (imports("sandglass:job/http") || imports("wasi:http/outgoing-handler")) && grants.http.is_empty(),
        "the component can make HTTP requests, and no host is granted: they will be denied. Grant the hosts that it \
         needs under grants.http",
    );
    warn(
        imports("sandglass:job/secret") && grants.secrets.is_empty(),
        "the component imports sandglass:job/secret, and no secret is granted: its calls will be denied. Grant the \
         names that it needs under grants.secrets",
    );
    for name in unset {
        warn(true, &format!("the secret `{name}` was never set: `sandglass secrets set {name}` sets it"));
    }
    let is_of_sockets = |name: &String| name.split('/').next() == Some("wasi:sockets");
    warn(
        component.is_some_and(|component| component.imports.iter().any(is_of_sockets)),
        "the component imports wasi:sockets, which jobs are not given: a call into it ends the run as denied",
    );
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandglass_core::limit::Limits;
    use sandglass_core::{Digest, Instant};
    use serde_json::json;

    fn warnings(imports: &[&str], grants: &serde_json::Value) -> Vec<String> {
        let digest = Digest::of(b"");
        let component = Component {
            digest,
            size: 0,
            uploaded_at: Instant::EPOCH,
            kind: "component".into(),
            language: None,
            tools: Vec::new(),
            source_lines: false,
            adapted: Vec::new(),
            imports: imports.iter().map(ToString::to_string).collect(),
            exports: Vec::new(),
            warnings: Vec::new(),
        };
        let document = json!({"component": digest, "grants": grants});
        let spec = Specification::from_json(document, &Limits::CEILING, Instant::EPOCH).unwrap();
        of(Some(&component), &spec, &[])
    }

    #[test]
    fn imports_without_a_grant_are_told() {
        let table = ["sandglass:job/table@0.1.0", "sandglass:job/log@0.1.0"];
        assert!(warnings(&table, &json!({}))[0].contains("grants.tables"));
        assert_eq!(warnings(&table, &json!({"tables": {"a": "read"}})), [""; 0]);
        let email = ["sandglass:job/email@0.1.0"];
        assert!(warnings(&email, &json!({}))[0].contains("grants.email"));
        assert_eq!(warnings(&email, &json!({"email": {"to": ["a@b.c"]}})), [""; 0]);
        let secret = ["sandglass:job/secret@0.1.0"];
        assert!(warnings(&secret, &json!({}))[0].contains("grants.secrets"));
        assert_eq!(warnings(&secret, &json!({"secrets": ["A"]})), [""; 0]);
    }

    #[test]
    fn requests_without_a_grant_are_told_once() {
        let imports =
            ["sandglass:job/http@0.1.0", "wasi:http/outgoing-handler@0.2.0", "wasi:http/types@0.2.0"];
        assert_eq!(warnings(&imports, &json!({})).len(), 1);
        assert!(warnings(&imports[1..], &json!({}))[0].contains("grants.http"));
        assert_eq!(warnings(&imports, &json!({"http": ["a.b"]})), [""; 0]);
    }

    #[test]
    fn what_is_not_offered_is_told() {
        let imports = ["wasi:sockets/tcp@0.2.0", "wasi:sockets/udp@0.2.0"];
        assert_eq!(warnings(&imports, &json!({})).len(), 1);
        assert_eq!(warnings(&["wasi:filesystem/types@0.2.0"], &json!({})), [""; 0]);
    }
}
