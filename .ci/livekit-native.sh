#!/usr/bin/env bash
# Type-checks the engine over the crate `livekit` (room-native), which needs WebRTC's C++ build to link and is therefore
# no part of the workspace: DOCS_RS=1 makes webrtc-sys build no C++. Nothing of it is run here. The room crate's tests of
# its engine are among what is checked; where WebRTC can be had, `cargo test` in that folder runs them.
#
# It compiles all of LiveKit, so it is left out when nothing that it looks at has changed since it last passed: a stamp in the cache
# is named after a hash of those files and of the compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
looked_at=(room-native room/src/engine room/src/error.rs room/tests/it/common.rs room/tests/it/engine_*.rs)
hash=$({ rustc --version && git ls-files -z --cached --others --exclude-standard -- "${looked_at[@]}" "$0" | sort -z | xargs -0 sha256sum; } |
    sha256sum | cut -c 1-32)
stamp="${XDG_CACHE_HOME:-$HOME/.cache}/duologue-test-tools/room-native/$hash"
if [ -e "$stamp" ]; then
    echo "nothing has changed since it was checked on $(date -r "$stamp" '+%F %R')"
    exit 0
fi

export DOCS_RS=1
crate=(--manifest-path room-native/Cargo.toml)
# Of its own: with DOCS_RS some dependencies are built in another way than for everything else.
built=("${crate[@]}" --target-dir "${CARGO_TARGET_DIR:-target}/livekit-native")

cargo fmt "${crate[@]}" --check
cargo clippy --locked "${built[@]}" --no-deps --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --locked "${built[@]}" --no-deps
mkdir -p "$(dirname "$stamp")"
touch "$stamp"
