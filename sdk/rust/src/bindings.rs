//! The contract's types and calls as Rust has them, generated from the repository's one WIT. Nobody outside
//! this crate sees them: the modules beside this one are what a job uses.
#![allow(missing_docs, unsafe_code, unreachable_pub, clippy::pedantic)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "job",
    pub_export_macro: true,
    default_bindings_module: "::sandglass::bindings",
});
