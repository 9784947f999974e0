//! Tells the room crate's tests, which this crate runs too, whose engine they test.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(livekit_native)");
    println!("cargo::rustc-cfg=livekit_native");
}
