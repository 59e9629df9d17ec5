//! Hostile uploads. Each says what it is, and what the refusal must say.

pub mod binary;
pub mod bomb;
mod encode;
mod import;

use sandglass_tests::{Answer, Client, said};

pub struct Upload {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub meets: Meets,
}

/// What becomes of it.
pub enum Meets {
    /// 422, with one of these words.
    Refusal(&'static [&'static str]),
    /// Another status and code.
    Status(u16, &'static str),
    /// It is a job after all.
    Nothing,
}

impl Upload {
    fn new(name: &'static str, bytes: Vec<u8>, words: &'static [&'static str]) -> Upload {
        Upload { name, bytes, meets: Meets::Refusal(words) }
    }

    fn of_text(name: &'static str, wat: &str, words: &'static [&'static str]) -> Upload {
        let bytes = wat::parse_str(wat).unwrap_or_else(|error| panic!("{name}: {error}"));
        Upload::new(name, bytes, words)
    }

    fn meets(self, meets: Meets) -> Upload {
        Upload { meets, ..self }
    }

    /// Sends it, and gives what the answer says, or what is wrong with it.
    pub fn send(&self, host: &Client) -> Result<String, String> {
        let answer = host.post("components").bytes("application/wasm", self.bytes.clone()).send();
        match &self.meets {
            Meets::Nothing if matches!(answer.status, 200 | 201) => Ok(String::new()),
            Meets::Refusal(words) if answer.status == 422 => self.says(&answer, words),
            Meets::Status(status, code) if answer.status == *status => {
                Ok(said(&answer.refusal(*status, code)))
            }
            _ => Err(format!("{}: {}: {}", self.name, answer.status, answer.text())),
        }
    }

    fn says(&self, answer: &Answer, words: &[&str]) -> Result<String, String> {
        let said = said(&answer.refusal(422, "invalid-component"));
        if words.iter().any(|word| said.contains(word)) {
            return Ok(said);
        }
        Err(format!("{}: it says none of {words:?}: {said}", self.name))
    }
}

/// All that are small and soon refused.
pub fn all() -> Vec<Upload> {
    [binary::uploads(), import::uploads()].into_iter().flatten().collect()
}
