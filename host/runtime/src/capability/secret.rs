//! `secret`: secrets by name.

use crate::bindings::sandglass::job::secret;
use crate::meter::tariff;
use crate::state::{Answer, Code, State, Stop};
use crate::verdict::Ended;
use sandglass_core::SecretName;
use sandglass_core::limit::fixed;
use sandglass_core::run::Cause;

impl secret::Host for State {
    fn get(&mut self, name: String) -> Answer<String> {
        self.call(name.len(), |state| state.secret(&name))
    }
}

impl State {
    fn secret(&mut self, name: &str) -> Result<String, Stop> {
        let parsed = name.parse::<SecretName>();
        let name =
            parsed.map_err(|wrong| Stop::Tell(Code::Denied, format!("nothing is granted: {wrong}")))?;
        if !self.context.spec.grants.secret(&name) {
            let message =
                format!("no grant of this job covers the secret `{name}`: add \"{name}\" to grants.secrets");
            return Err(Stop::Tell(Code::Denied, message));
        }
        if let Some(value) = self.secrets.get(&name) {
            self.meter.charge_bytes(value.expose().len());
            return Ok(value.expose().to_owned());
        }
        let found = self.context.secrets.get(&name);
        let Some(value) = found.map_err(|message| Stop::Tell(Code::Unavailable, message))? else {
            let message =
                format!("the secret `{name}` was never set: `sandglass secrets set {name}` sets it");
            return Err(Stop::Tell(Code::Denied, message));
        };
        let handed = self.secrets.bytes() + value.expose().len();
        if handed as u64 > fixed::SECRETS_PER_ATTEMPT.0 {
            let message = format!(
                "the secrets that this attempt asked for have {handed} bytes together, and at most {} (limit \
                 secrets_per_attempt)",
                fixed::SECRETS_PER_ATTEMPT
            );
            return Err(Stop::Tell(Code::Quota, message));
        }
        self.meter.charge((handed as u64).saturating_mul(tariff::SECRET_BYTE));
        let told = value.expose().to_owned();
        // Before the guest has it: what it says from now on is looked through.
        let redactor = self.secrets.add(name, value).map_err(|error| {
            Ended::new(Cause::HostError, format!("a secret could not be kept out of the log: {error}"))
        })?;
        self.log.keep_out(redactor);
        Ok(told)
    }
}
