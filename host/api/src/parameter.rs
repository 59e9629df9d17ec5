//! Parameters of a URL. One that an endpoint does not have is refused by its name: what is misspelt would else
//! be passed over in silence.

use crate::problem::Refusal;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sandglass_core::Problem;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

/// The parameters of a request, which a handler takes out one by one; [`Parameters::finish`] tells all that is
/// wrong with them at once.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    asked: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Parameters, Infallible> {
        Ok(Parameters::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    pub(crate) fn read(query: &str) -> Parameters {
        Parameters {
            pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            ..Parameters::default()
        }
    }

    /// Takes out a parameter as text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        let (mut found, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pairs).into_iter().partition(|pair| pair.0 == name);
        self.pairs = rest;
        if found.len() > 1 {
            self.refuse(name, "this may be given once");
        }
        found.pop().map(|(_, value)| value)
    }

    /// Takes out a parameter as a value.
    pub(crate) fn value<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        self.read_with(name, str::parse)
    }

    /// Takes out a parameter that `read` makes a value of.
    pub(crate) fn read_with<T, E: Display>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|error| self.refuse(name, error.to_string())).ok()
    }

    /// Takes out `true` or `false`; false where it is not given.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let read = |text: &str| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("write true or false"),
        };
        self.read_with(name, read).unwrap_or_default()
    }

    /// Says that something is wrong with a parameter.
    pub(crate) fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(pointer(name), message));
    }

    /// Adds what was found wrong with several of them together.
    pub(crate) fn refuse_all(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// Fails if anything was wrong, or if there are parameters that nobody took out.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        let known = match self.asked.as_slice() {
            [] => "takes none".to_owned(),
            asked => format!("takes {}", asked.join(", ")),
        };
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.refuse(&name, format!("there is no such parameter here: this {known}"));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Refusal::invalid(self.problems)) }
    }

    /// What nobody took out, for whom any name may be one.
    pub(crate) fn rest(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// For endpoints without parameters.
pub(crate) struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<NoParameters, Refusal> {
        Parameters::read(parts.uri.query().unwrap_or_default()).finish().map(|()| NoParameters)
    }
}

/// A parameter's name as a JSON pointer (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandglass_core::Span;

    #[test]
    fn parameters_are_taken_out_and_decoded() {
        let mut parameters = Parameters::read("wait=30s&name=a%20b+c&follow=true");
        assert_eq!(parameters.value::<Span>("wait"), Some(Span::from_secs(30)));
        assert_eq!(parameters.text("name").as_deref(), Some("a b c"));
        assert!(parameters.flag("follow") && !parameters.flag("other"));
        assert!(parameters.finish().is_ok());
    }

    #[test]
    fn every_wrong_one_is_named() {
        let mut parameters = Parameters::read("wait=soon&limit=1&limit=2&folow=true&a/b=1");
        assert_eq!(parameters.value::<Span>("wait"), None);
        assert_eq!(parameters.value::<u32>("limit"), Some(2));
        let pointers: Vec<_> = parameters.problems.iter().map(|problem| problem.pointer.clone()).collect();
        assert_eq!(pointers, ["/wait", "/limit"]);
        let refusal = format!("{:?}", parameters.finish().unwrap_err());
        assert!(refusal.contains("/folow") && refusal.contains("/a~1b"), "{refusal}");
        assert!(refusal.contains("this takes wait, limit"), "{refusal}");
        assert!(Parameters::read("x=1").finish().is_err());
    }
}
