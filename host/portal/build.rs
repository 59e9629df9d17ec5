//! Lists the files that `cargo xtask portal` left in `dist`, for the crate to embed. There may be none.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=dist");
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("dist");
    let mut paths = Vec::new();
    collect(&dist, &mut paths)?;
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths {
        let name = path.strip_prefix(&dist).unwrap_or(&path).to_str();
        let name = name.ok_or_else(|| io::Error::other("a path is not UTF-8"))?;
        let (bytes, gzip) = (include(name), include(&format!("{name}.gz")));
        let file = format!("File {{ name: {name:?}, bytes: {bytes}, gzip: {gzip} }}");
        writeln!(list, "    {file},").map_err(io::Error::other)?;
    }
    list.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("files.rs"), list)
}

/// Every file that has a compressed copy beside it.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.with_file_name(format!("{}.gz", file_name(&path))).is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

/// The expression that embeds a file of `dist`. Not by its whole path: what this script wrote is used again where
/// the repository lies elsewhere.
fn include(name: &str) -> String {
    let name = format!("/dist/{name}");
    format!("include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {name:?}))")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
