#!/usr/bin/env bash
# Type-checks the engine over the crate `livekit` (room-native), which needs WebRTC's C++ build to link and is therefore
# no part of the workspace: DOCS_RS=1 makes webrtc-sys build no C++. Nothing of it is run here. The room crate's tests of
# its engine are among what is checked; where WebRTC can be had, `cargo test` in that folder runs them.
#
# Measured on two busy cores: 15 min from nothing (6 min 20 s of processor time), 1.5 s when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOCS_RS=1
crate=(--manifest-path room-native/Cargo.toml)
# Of its own: with DOCS_RS some dependencies are built in another way than for everything else.
built=("${crate[@]}" --target-dir target/livekit-native)

cargo fmt "${crate[@]}" --check
cargo check "${built[@]}" --all-targets
cargo clippy "${built[@]}" --no-deps --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc "${built[@]}" --no-deps
