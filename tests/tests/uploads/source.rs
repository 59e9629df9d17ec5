//! Where uploads come from: the generator `smith`, a process of its own, and real components that are damaged here.

use crate::damage::damaged;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sandglass_tests::guest;
use std::io::Read as _;
use std::process::{Child, ChildStdout, Command, Stdio};

/// One upload, and the seed that makes it again.
pub struct Upload {
    pub seed: u64,
    pub bytes: Vec<u8>,
}

/// Uploads by their seeds, one after the other: those of odd seeds are damaged, the others generated.
pub struct Source {
    seed: u64,
    given: u64,
    count: u64,
    real: Vec<Vec<u8>>,
    generator: Child,
    generated: ChildStdout,
}

impl Source {
    pub fn new(seed: u64, count: u64) -> Source {
        let program = std::env::var_os("SANDGLASS_SMITH")
            .expect("SANDGLASS_SMITH names the generator: `cargo xtask test uploads` builds it");
        let mut generator = Command::new(program)
            .args([seed, count].map(|number| number.to_string()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the generator starts");
        let generated = generator.stdout.take().expect("stdout is a pipe");
        let real = ["trivial", "probe", "cleanup_tables"].map(guest).to_vec();
        Source { seed, given: 0, count, real, generator, generated }
    }

    pub fn given(&self) -> u64 {
        self.given
    }

    pub fn next(&mut self) -> Option<Upload> {
        if self.given == self.count {
            return None;
        }
        let seed = self.seed + self.given;
        self.given += 1;
        // The generator makes one for each seed, so that a seed means the same whatever came before it.
        let generated = self.generated();
        let bytes = if seed.is_multiple_of(2) {
            generated
        } else {
            let real = &self.real[(seed / 2) as usize % self.real.len()];
            damaged(real, &generated, &mut StdRng::seed_from_u64(seed))
        };
        Some(Upload { seed, bytes })
    }

    fn generated(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.generated.read_exact(&mut length).expect("the generator goes on");
        let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
        self.generated.read_exact(&mut bytes).expect("the generator goes on");
        bytes
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // It has ended, or nobody reads what it writes any more.
        let _ = self.generator.kill();
        let _ = self.generator.wait();
    }
}
