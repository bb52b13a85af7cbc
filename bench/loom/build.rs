//! Sets `cfg(loom)` for this package alone: other crates of the workspace mean something else by it.

fn main() {
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
}
