//! Where an upload comes from: the language and the tools that its producers sections name.

use wasmparser::{KnownCustom, Parser, Payload};

/// What is known of an upload's making. Texts are a stranger's, cut to a length.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The language of its author, such as `Rust`.
    pub(crate) language: Option<String>,
    /// The tools, such as `rustc 1.95.0`, in the order in which they are named.
    pub(crate) tools: Vec<String>,
    /// Whether some of it has the lines of its source, as DWARF tells them.
    pub(crate) source_lines: bool,
    runtime: Option<Runtime>,
}

const TOOLS_MAX: usize = 20;
const CHARACTERS_MAX: usize = 80;

/// A language runtime that a tool puts into a component: the author's language is its, not that which the runtime is
/// written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Runtime {
    language: &'static str,
    /// The tool, where it does not name itself.
    tool: Option<&'static str>,
}

/// By the names under which their modules are linked.
const LINKED: [(&str, Runtime); 2] = [
    ("libcomponentize_py_runtime", Runtime { language: "Python", tool: Some("componentize-py") }),
    ("componentize_qjs_runtime", Runtime { language: "JavaScript", tool: Some("componentize-qjs") }),
];
/// By the names of tools that name themselves.
const MADE_BY: [(&str, Runtime); 1] = [("ComponentizeJS", Runtime { language: "JavaScript", tool: None })];

impl Origin {
    /// Reads the sections of a module, or of a component and all that is in it. What does not read is left out.
    pub(crate) fn of(bytes: &[u8]) -> Origin {
        let mut origin = Origin::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let Ok(payload) = payload else { break };
            let section = match payload {
                Payload::CustomSection(section) => section,
                Payload::ImportSection(section) => {
                    section.into_imports().flatten().for_each(|import| origin.linked(import.module));
                    continue;
                }
                Payload::ExportSection(section) => {
                    section.into_iter().flatten().for_each(|export| origin.linked(export.name));
                    continue;
                }
                _ => continue,
            };
            origin.source_lines |= section.name() == ".debug_line";
            let KnownCustom::Producers(fields) = section.as_known() else { continue };
            for field in fields.into_iter().flatten() {
                for value in field.values.into_iter().flatten() {
                    origin.add(field.name, value.name, value.version);
                }
            }
        }
        if let Some(Runtime { language, tool }) = origin.runtime {
            origin.language = Some(language.into());
            if let Some(tool) = tool {
                origin.add("processed-by", tool, "");
            }
        }
        origin
    }

    /// Whether a tool put a language runtime into it.
    pub(crate) fn has_runtime(&self) -> bool {
        self.runtime.is_some()
    }

    /// Notes a name that something is linked by.
    fn linked(&mut self, name: &str) {
        if self.runtime.is_none() {
            let found = LINKED.into_iter().find(|(prefix, _)| name.starts_with(prefix));
            self.runtime = found.map(|(_, runtime)| runtime);
        }
    }

    fn add(&mut self, field: &str, name: &str, version: &str) {
        let text = |text: &str| -> String {
            text.chars().filter(|c| !c.is_control()).take(CHARACTERS_MAX).collect()
        };
        if field == "language" {
            self.language.get_or_insert_with(|| text(name));
            return;
        }
        if let Some((_, runtime)) = MADE_BY.into_iter().find(|(tool, _)| *tool == name) {
            self.runtime = Some(runtime);
        }
        let tool = if version.is_empty() { text(name) } else { text(&format!("{name} {version}")) };
        if self.tools.len() < TOOLS_MAX && !self.tools.contains(&tool) {
            self.tools.push(tool);
        }
    }
}
