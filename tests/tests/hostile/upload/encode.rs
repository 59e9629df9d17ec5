//! WebAssembly's binary format, as far as it takes to write what no tool would.

/// The eight bytes that a component begins with.
pub const COMPONENT: [u8; 8] = *b"\0asm\x0d\0\x01\0";
pub const MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A number in LEB128.
pub fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A section, or a vector of bytes: with its length before it.
pub fn sized(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len() as u64), bytes.to_vec()].concat()
}

pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [vec![id], sized(content)].concat()
}

/// A section of another tool's.
pub fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    section(0, &[sized(name.as_bytes()), content.to_vec()].concat())
}

pub fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [COMPONENT.to_vec(), sections.concat()].concat()
}

pub fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [MODULE.to_vec(), sections.concat()].concat()
}

/// A component that holds a core module, and does nothing with it.
pub fn holding(module: &[u8]) -> Vec<u8> {
    component(&[section(1, module)])
}

/// A module of functions without parameters and results, each with this body, locals included.
pub fn functions(count: u64, body: &[u8]) -> Vec<u8> {
    let types = section(1, &[1, 0x60, 0, 0]);
    let declared = section(3, &[leb(count), vec![0; count as usize]].concat());
    let code = section(10, &[leb(count), sized(body).repeat(count as usize)].concat());
    module(&[types, declared, code])
}
