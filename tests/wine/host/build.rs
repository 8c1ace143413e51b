//! Lets the program export what takes the place of ws2_32's WPUCompleteOverlappedRequest.

#[allow(clippy::disallowed_methods, reason = "cargo tells a build script so what it builds for")]
fn main() {
    println!("cargo::rerun-if-changed=wsphost.def");
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("wsphost.def");
    let of = |name: &str| std::env::var(name).unwrap_or_default();
    if of("CARGO_CFG_TARGET_OS") == "windows" {
        let def = here.display();
        if of("CARGO_CFG_TARGET_ENV") == "msvc" {
            println!("cargo::rustc-link-arg-bins=/DEF:{def}");
        } else {
            println!("cargo::rustc-link-arg-bins={def}");
        }
    }
}
