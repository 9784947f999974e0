#!/usr/bin/env bash
# Installs what the named steps of .ci/run need beyond Rust, while other things are compiled: .ci/prepare.sh STEP…
#
# What cannot be had is said aloud, and skipped again by the step that needs it.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=" $* "
# Asked for only where they are missing: rustup goes to the network even for what is there.
if [[ $wanted == *" format "* ]]; then cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt; fi
if [[ $wanted == *" lint "* ]]; then cargo clippy --version >/dev/null 2>&1 || rustup component add clippy; fi
# ALSA's headers, for everything that is built with every feature.
for step in build lint docs features devices; do
    if [[ $wanted == *" $step "* ]]; then .ci/sound-card.sh install; break; fi
done
if [[ $wanted == *" mcp "* ]]; then .ci/mcp.sh install; fi
if [[ $wanted == *" serve "* ]]; then .ci/serve.sh install; fi
if [[ $wanted == *" python "* ]]; then .ci/python.sh install; fi
if [[ $wanted == *" stella "* ]]; then .ci/stella.sh install; fi
if [[ $wanted == *" wyoming "* ]]; then .ci/wyoming.sh install; fi
if [[ $wanted == *" deny "* ]]; then .ci/deny.sh install; fi
if [[ $wanted == *" livekit-"* ]]; then .ci/livekit.sh install; fi
