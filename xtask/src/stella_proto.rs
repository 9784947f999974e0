//! Writes `server/src/stella/proto/{stt,tts}.rs` from `server/proto/`: messages and the traits of the services.

use std::path::Path;

use anyhow::{Context, Result};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../server");

pub fn generate() -> Result<()> {
    let (from, to) = (Path::new(SERVER).join("proto"), Path::new(SERVER).join("src/stella/proto"));
    std::fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in ["stt.proto", "tts.proto"] {
        let described =
            protox::compile([from.join(name)], [&from]).with_context(|| format!("{name} is wrong"))?;
        tonic_prost_build::configure()
            .build_client(false)
            .build_transport(false)
            .out_dir(&to)
            .compile_fds(described)
            .with_context(|| format!("cannot generate from {name}"))?;
    }
    println!("{}", to.display());
    Ok(())
}
