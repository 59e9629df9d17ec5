//! The lines of the source that offsets in a component stand for, as its debug information (DWARF) has them.
//!
//! Debug information is a stranger's text: it is read in the compiling process.

use crate::adapt;
use crate::backtrace::{PLACES_MAX, Place};
use crate::inspect::{Form, recognize};
use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian, SectionId};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use wasmparser::{Encoding, Parser, Payload};

/// Characters of a path that are told, its last ones.
const CHARACTERS_MAX: usize = 120;

/// What a core module is seen to be, on the way through it.
#[derive(Default)]
struct Module<'a> {
    code: Range<u64>,
    /// Its custom sections of debug information.
    sections: HashMap<&'a str, &'a [u8]>,
}

/// The places of those offsets that are known, innermost first. `bytes` are an upload's, which a core module among them is
/// adapted again for: offsets are those in the component.
pub fn locate(bytes: &[u8], offsets: &[u64]) -> BTreeMap<u64, Vec<Place>> {
    let adapted = match recognize(bytes) {
        Ok(Form::Module) => adapt::adapt(bytes).ok(),
        _ => None,
    };
    let component = adapted.as_ref().map_or(bytes, |adapted| &adapted.component);
    let mut places = BTreeMap::new();
    // The modules that the parser is in; what is no module has no code.
    let mut open: Vec<Module<'_>> = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::Version { encoding: Encoding::Module | Encoding::Component, .. }) => {
                open.push(Module::default());
            }
            Ok(Payload::CodeSectionStart { range, .. }) => {
                if let Some(module) = open.last_mut() {
                    module.code = range.start..range.end;
                }
            }
            Ok(Payload::CustomSection(section)) if section.name().starts_with(".debug_") => {
                if let Some(module) = open.last_mut() {
                    module.sections.insert(section.name(), section.data());
                }
            }
            Ok(Payload::End(_)) => {
                if let Some(module) = open.pop() {
                    // One that does not read costs the places that it would have told.
                    let _ = module.locate(offsets, &mut places);
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    places
}

impl Module<'_> {
    fn locate(&self, offsets: &[u64], places: &mut BTreeMap<u64, Vec<Place>>) -> Result<(), Error> {
        let mut mine = offsets.iter().filter(|offset| self.code.contains(offset)).peekable();
        if mine.peek().is_none() || self.sections.is_empty() {
            return Ok(());
        }
        let section = |id: SectionId| -> Result<_, Error> {
            let bytes = self.sections.get(id.name()).copied().unwrap_or_default();
            Ok(EndianSlice::new(bytes, LittleEndian))
        };
        let context = Context::from_dwarf(Dwarf::load(section)?)?;
        for &offset in mine {
            // Addresses count from the beginning of the code section.
            // https://yurydelendik.github.io/webassembly-dwarf/#pc
            let mut frames = context.find_frames(offset - self.code.start).skip_all_loads()?;
            let mut found: Vec<Place> = Vec::new();
            while found.len() < PLACES_MAX
                && let Some(frame) = frames.next()?
            {
                let place = frame.location.and_then(|at| Some((at.file?, at.line?)));
                // A file without a name is none that anybody could look into.
                let Some((file, line)) = place.filter(|(file, _)| !file.is_empty()) else { continue };
                let function = frame.function.and_then(|function| {
                    let name = function.raw_name().ok()?;
                    Some(shown(&format!("{:#}", rustc_demangle::demangle(&name))))
                });
                found.push(Place { inlined: function, file: shown(file), line });
            }
            // The outermost is the frame's own function, which the frame names.
            if let Some(own) = found.last_mut() {
                own.inlined = None;
            }
            places.insert(offset, found);
        }
        Ok(())
    }
}

/// The end of a path, or of a function's path, tells more than its beginning.
fn shown(path: &str) -> String {
    match path.char_indices().rev().nth(CHARACTERS_MAX - 1) {
        None | Some((0, _)) => path.to_string(),
        Some((at, _)) => format!("…{}", &path[at..]),
    }
}

#[cfg(test)]
mod tests {
    use super::{CHARACTERS_MAX, locate, shown};

    #[test]
    fn a_long_path_is_told_by_its_end() {
        let long = "é".repeat(CHARACTERS_MAX);
        assert_eq!(shown(&long), long);
        assert_eq!(shown(&format!("a{long}")), format!("…{long}"));
        assert_eq!(shown(""), "");
    }

    #[test]
    fn debug_information_that_does_not_read_tells_nothing() {
        let sections = "(@custom \".debug_info\" \"\\ff\\ff\\ff\\ff\\ff\") (@custom \".debug_line\" \"\\7f\\ff\\ff\\ff\")";
        for text in [
            format!("(component (core module (func unreachable) {sections}))"),
            format!("(component (component (core module (func unreachable) {sections})))"),
            "(component)".to_string(),
        ] {
            let bytes = wat::parse_str(&text).unwrap();
            for end in 0..=bytes.len() {
                assert!(
                    locate(&bytes[..end], &(0..100).collect::<Vec<_>>()).values().all(Vec::is_empty),
                    "{text}"
                );
            }
        }
    }
}
