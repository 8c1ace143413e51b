//! The digest of the core's sources, by which two programs tell whether they hold the same core.

use std::fs;
use std::io;
use std::path::Path;

const SOURCES: &str = "src";

/// FNV-1a of 128 bits: to tell sources apart, not to keep anybody from forging them.
struct Digest(u128);

impl Digest {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

    /// A text with its length in front, so that no two lists of texts look alike.
    fn add(&mut self, text: &str) {
        let len = (text.len() as u64).to_le_bytes();
        for byte in len.iter().chain(text.as_bytes()) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }
}

/// The files below a folder, by their paths from it, the same on every system.
fn collect(folder: &Path, name: &str, found: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, found)?;
        } else {
            // A checkout may have the line ends of its system.
            found.push((name, fs::read_to_string(&path)?.replace("\r\n", "\n")));
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={SOURCES}");
    let mut files = Vec::new();
    collect(Path::new(SOURCES), SOURCES, &mut files)?;
    files.sort();
    let mut digest = Digest(Digest::OFFSET);
    for (name, text) in &files {
        digest.add(name);
        digest.add(text);
    }
    println!("cargo::rustc-env=CORE_SOURCE_DIGEST={:032x}", digest.0);
    Ok(())
}
