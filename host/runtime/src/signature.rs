//! Functions of components written as WIT writes them, for people.

use std::fmt::Write as _;
use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

/// Deeper types are cut: they are a stranger's, and may be made to be long.
const DEPTH_MAX: usize = 4;
const BYTES_MAX: usize = 400;

/// `func(input: option<string>) -> u32`.
pub(crate) fn of(func: &ComponentFunc) -> String {
    let mut text = String::from("func(");
    for (number, (name, ty)) in func.params().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{name}: ");
        write(&mut text, &ty, DEPTH_MAX);
    }
    text.push(')');
    for ty in func.results() {
        text.push_str(" -> ");
        write(&mut text, &ty, DEPTH_MAX);
    }
    if text.len() > BYTES_MAX {
        text.truncate(text.floor_char_boundary(BYTES_MAX));
        text.push('…');
    }
    text
}

fn write(text: &mut String, ty: &Type, depth: usize) {
    if depth == 0 || text.len() > BYTES_MAX {
        text.push('…');
        return;
    }
    match ty {
        Type::Bool => text.push_str("bool"),
        Type::S8 => text.push_str("s8"),
        Type::U8 => text.push_str("u8"),
        Type::S16 => text.push_str("s16"),
        Type::U16 => text.push_str("u16"),
        Type::S32 => text.push_str("s32"),
        Type::U32 => text.push_str("u32"),
        Type::S64 => text.push_str("s64"),
        Type::U64 => text.push_str("u64"),
        Type::Float32 => text.push_str("f32"),
        Type::Float64 => text.push_str("f64"),
        Type::Char => text.push_str("char"),
        Type::String => text.push_str("string"),
        Type::List(list) => generic(text, "list", &[Some(list.ty())], depth),
        Type::Option(option) => generic(text, "option", &[Some(option.ty())], depth),
        Type::Result(result) => match (result.ok(), result.err()) {
            (None, None) => text.push_str("result"),
            (ok, None) => generic(text, "result", &[ok], depth),
            (ok, err) => generic(text, "result", &[ok, err], depth),
        },
        Type::Tuple(tuple) => generic(text, "tuple", &tuple.types().map(Some).collect::<Vec<_>>(), depth),
        Type::Record(record) => {
            text.push_str("record {");
            for (number, field) in record.fields().enumerate() {
                let _ = write!(text, "{}{}: ", if number == 0 { " " } else { ", " }, field.name);
                write(text, &field.ty, depth - 1);
            }
            text.push_str(" }");
        }
        Type::Variant(_) => text.push_str("variant"),
        Type::Enum(_) => text.push_str("enum"),
        Type::Flags(_) => text.push_str("flags"),
        Type::Own(_) => text.push_str("own<resource>"),
        Type::Borrow(_) => text.push_str("borrow<resource>"),
        _ => text.push_str("another type"),
    }
}

fn generic(text: &mut String, name: &str, types: &[Option<Type>], depth: usize) {
    text.push_str(name);
    text.push('<');
    for (number, ty) in types.iter().enumerate() {
        text.push_str(if number == 0 { "" } else { ", " });
        match ty {
            Some(ty) => write(text, ty, depth - 1),
            None => text.push('_'),
        }
    }
    text.push('>');
}
