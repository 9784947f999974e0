#!/usr/bin/env bash
# A longer, bounded run of every property test: parsers, the conversation core, rings, text.
set -euo pipefail
export PROPTEST_CASES="${PROPTEST_CASES:-2000}" PROPTEST_MAX_SHRINK_TIME=30000
for package in duologue-native duologue-vad duologue-models duologue-pipeline; do
    timeout 900 cargo test -p "$package" --release --target-dir target/fuzz prop_
done
