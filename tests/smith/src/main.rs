//! `smith SEED COUNT` writes so many generated components to stdout, each with its length before it (four bytes,
//! least first). What comes of a seed is the same each time; the next one has the next seed.

use arbitrary::{Arbitrary as _, Unstructured};
use std::io::{self, Write as _};
use std::panic::catch_unwind;
use wasm_smith::{Component, Config, Module};

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(seed)), Some(Ok(count)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        eprintln!("usage: smith SEED COUNT");
        std::process::exit(2);
    };
    // The generator gives up by a panic now and then, and the next try does not.
    std::panic::set_hook(Box::new(|_| ()));
    let mut out = io::stdout().lock();
    for seed in seed..seed.saturating_add(count) {
        let bytes = generate(seed);
        out.write_all(&(bytes.len() as u32).to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    out.flush()
}

/// A component: a generated one, or one that holds a generated module, or makes an instance of it.
fn generate(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    loop {
        // Small ones are many, and large ones are some.
        let size = 64 << (random.next() % 9);
        let entropy: Vec<u8> = (0..size / 8).flat_map(|_| random.next().to_le_bytes()).collect();
        let kind = random.next() % 3;
        let made = catch_unwind(|| {
            let mut source = Unstructured::new(&entropy);
            let config = Config::arbitrary(&mut source)?;
            match kind {
                0 => Component::new(config, &mut source).map(|component| component.to_bytes()),
                kind => Module::new(config, &mut source).map(|module| around(&module.to_bytes(), kind == 1)),
            }
        });
        if let Ok(Ok(bytes)) = made {
            return bytes;
        }
    }
}

/// The smallest component that holds a module.
fn around(module: &[u8], is_instantiated: bool) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    section(&mut bytes, 1, module);
    if is_instantiated {
        // One core instance: of module 0, with nothing.
        section(&mut bytes, 2, &[1, 0, 0, 0]);
    }
    bytes
}

fn section(bytes: &mut Vec<u8>, id: u8, content: &[u8]) {
    bytes.push(id);
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
}

/// SplitMix64, by Steele, Lea and Flood: <https://doi.org/10.1145/2714064.2660195>.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
