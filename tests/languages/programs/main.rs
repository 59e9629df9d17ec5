//! A program that is a component as rustc makes it for WASI 0.2: it knows nothing of Sandglass.

use std::io::Read as _;

fn main() {
    let mut told = String::new();
    std::io::stdin().read_to_string(&mut told).expect("a line on stdin");
    let job = std::env::var("SANDGLASS_JOB").unwrap_or_default();
    let arguments: Vec<String> = std::env::args().collect();
    if told.contains("\"fail\"") {
        eprintln!("{job} is told to fail");
        std::process::exit(75);
    }
    let input = told.contains("\"input\":{\"n\":1}");
    println!("{job} {arguments:?}, input {}", if input { "there" } else { "missing" });
}
