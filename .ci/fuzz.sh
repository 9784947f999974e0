#!/usr/bin/env bash
# A bounded run of the property tests, optimised (PROPTEST_CASES scales it): every parser, the conversation core under any order
# of events, playback under any order of orders.
set -euo pipefail
export PROPTEST_CASES="${PROPTEST_CASES:-256}" PROPTEST_MAX_SHRINK_TIME=30000
run() { timeout 900 cargo test --release "$@"; }
run -p duologue-pipeline --test core_properties --test playback --test wav_properties
run -p duologue-vad --lib
run -p duologue-models --lib text
