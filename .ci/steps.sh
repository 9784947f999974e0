#!/usr/bin/env bash
# What each step of .ci/run does: .ci/steps.sh STEP.
#
# Every call of cargo names the whole workspace: `-p` would choose other features for what is shared, and compile it again.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
debug="$target/debug"

# The README's test command, to the letter.
test() { cargo test --workspace; }

# Nothing twice: what the tests have built, and the program with devices.
build() { .ci/tests.sh build; }

# The virtual sound card. Installed by .ci/prepare.sh; it sets this shell's environment.
devices() {
    local card
    card=$(.ci/sound-card.sh)
    eval "$card"
    .ci/tests.sh run duologue-devices loopback
    "$debug/duologue" talk --list-devices
    "$debug/duologue" say "This is the virtual sound card." --play
    # In real time, on a machine that others use too: what a stall spoils is run again, aloud.
    for try in 1 2 3; do
        if .ci/talk.sh "$debug/duologue" talk --json; then return; fi
        echo "FAILED: the conversation on the sound card, try $try of 3"
    done
    return 1
}

mcp() { .ci/mcp.sh; }

serve() { .ci/serve.sh; }

wyoming() { .ci/wyoming.sh; }

stella() { .ci/stella.sh; }

# They talk in real time, on a machine that others use too: what a stall spoils is run once more, aloud.
livekit() { .ci/livekit.sh "$1" || { echo "FAILED: $1; once more" && .ci/livekit.sh "$1"; }; }

format() { cargo fmt --all --check; }

lint() { cargo clippy --workspace --all-targets --all-features -- -D warnings; }

docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features; }

# Without what only tests need, which `lint` has seen: every feature, and none.
features() {
    cargo check --workspace --all-features
    cargo check --workspace --no-default-features
    cargo check -p duologue-agent --no-default-features
}

# A build without rooms has nothing of LiveKit.
rooms() {
    if cargo tree --locked -e normal --prefix none | grep -E '^(livekit|duologue-room)'; then return 1; fi
    cargo tree --locked -e normal --prefix none --features room | grep '^duologue-room' >/dev/null
}

# The README's demonstration, to the letter: the only step that needs the release build.
demo() { cargo run --release -- demo --out target/demo; }

# The Python package, as a wheel; most of it was built for the demonstration.
python() { .ci/python.sh; }

# Every example that ends by itself.
examples() {
    mkdir -p target/demo
    for example in voice_command stream_tokens vad_alone own_endpoint echo_caller; do
        echo "-- $example"
        (cd target/demo && "$debug/examples/$example")
    done
}

# The README's agents, typed.
agents() {
    mkdir -p target/demo
    cd target/demo
    typed() { echo "-- $1" && "$debug/examples/$1"; }
    printf '%s\n' "what is the weather in oslo" | typed newcomer
    printf '%s\n' "hello" "set a timer for ten minutes" "turn on the kitchen lights" | typed appliance
    printf '%s\n' "hello" | typed handoffs
    printf '%s\n' "hello" | typed intake
    printf '%s\n' "hello" | typed customer_support
    printf '%s\n' "hello" "/status" "/quit" | typed triage
}

# Models that are pulled: skipped aloud where the registries cannot be reached.
models() {
    if ! "$debug/duologue" models pull smart-turn-v3; then
        echo "SKIPPED: smart-turn-v3 cannot be pulled from here"
        return
    fi
    .ci/tests.sh run duologue-models lib turn::smart_turn
}

# In text and aloud, in simulated time.
scenarios() { "$debug/duologue" eval examples/scenarios/{appliance,barge-in,kitchen,reception}.toml; }

# The property tests with more cases (PROPTEST_CASES scales it): every parser, the conversation under any order of events,
# playback under any order of orders.
fuzz() {
    export PROPTEST_CASES="${PROPTEST_CASES:-256}" PROPTEST_MAX_SHRINK_TIME=30000
    timeout 900 .ci/tests.sh run duologue-pipeline it conversation::properties playback:: wav::properties
    timeout 900 .ci/tests.sh run duologue-vad lib
    timeout 900 .ci/tests.sh run duologue-models lib text
    timeout 900 .ci/tests.sh run duologue-server it wyoming_codec::
}

# A thousand turns do not make it grow.
soak() { .ci/tests.sh run duologue soak --ignored --nocapture; }

# Every interleaving, within a preemption bound, of the lock-free parts.
loom() {
    RUSTFLAGS="--cfg loom" timeout 1500 cargo test --release -p duologue-loom --target-dir "$target/loom"
}

# The engine over the crate livekit, type-checked.
native() { .ci/livekit-native.sh; }

# Licences, duplicates, sources, advisories.
deny() { .ci/deny.sh; }

case "$1" in
livekit-*) livekit "${1#livekit-}" ;;
*) "$1" ;;
esac
