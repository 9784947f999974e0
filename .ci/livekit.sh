#!/usr/bin/env bash
# LiveKit with what we did not write: its server, its Python SDK as a caller, and its JavaScript SDK in Chromium, on the
# page of examples/web. What is missing is installed, or skipped aloud; nothing that it starts is left behind.
#
#   .ci/livekit.sh [suites] [python] [browser] [faults]     all of them unless named
#   .ci/livekit.sh install                                  installs what they need only
#
# The programs are those that `.ci/tests.sh build` has built; LIVEKIT_TEST_BUILT names another folder than target/debug. What
# each caller said and heard, its figures, timeline and screenshots are in target/livekit.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
out="$target/livekit"
stt="${LIVEKIT_TEST_STT:-../shared/material/stt/zipformer-3.3m-en}"
python="$out/venv/bin/python"
built="${LIVEKIT_TEST_BUILT:-$target/debug}"
wanted=" ${*:-suites python browser faults} "
wants() { [[ $wanted == *" $1 "* ]]; }
say() { printf '\n-- livekit: %s (at %d s)\n' "$*" "$SECONDS"; }
skip() { echo "SKIPPED: $*"; }

started=()
cleanup() {
    for pid in "${started[@]}"; do
        # Children too: each is the leader of its own group.
        kill -- "-$pid" 2>/dev/null || true
    done
    .ci/livekit-server.sh stop
}
start() {
    local log=$1
    shift
    setsid "$@" </dev/null >"$log" 2>&1 &
    started+=($!)
}
end_started() {
    for pid in "${started[@]}"; do
        kill -- "-$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    started=()
}

have_python() {
    if [ -x "$python" ] && cmp -s tests/peers/requirements.txt "$out/venv/requirements.txt"; then return 0; fi
    command -v python3 >/dev/null || return 1
    python3 -I -m venv --clear "$out/venv" || return 1
    "$python" -I -m pip install --quiet --require-hashes --only-binary :all: -r tests/peers/requirements.txt || return 1
    cp tests/peers/requirements.txt "$out/venv/"
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
have_chromium() {
    command -v npm >/dev/null || return 1
    if ! command -v chromium >/dev/null; then
        local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium)
        as_root "${install[@]}" >/dev/null || { as_root apt-get update >/dev/null && as_root "${install[@]}" >/dev/null; } ||
            return 1
    fi
    for dir in examples/web tests/peers; do
        if ! cmp -s "$dir/package-lock.json" "$dir/node_modules/installed.json"; then
            npm ci --prefix "$dir" >/dev/null || return 1
            cp "$dir/package-lock.json" "$dir/node_modules/installed.json"
        fi
    done
}

if wants install; then
    .ci/livekit-server.sh install
    have_python || skip "the callers need python3 with venv, and PyPI"
    have_chromium || skip "the browser's caller needs Node with npm, its registry, and Debian's chromium"
    exit 0
fi

server=$(.ci/livekit-server.sh)
if [ -z "$server" ]; then exit 0; fi
trap cleanup EXIT
trap 'exit 130' INT TERM
eval "$server"
mkdir -p "$out"

if wants suites; then
    say "the suites of rooms and workers, with a server"
    # One call at a time: two would take each other's time on a small machine.
    timeout 900 .ci/tests.sh run duologue-room it --test-threads=1
    timeout 300 .ci/tests.sh run duologue-room it --ignored
fi

if ! have_python; then
    skip "the callers need python3 with venv, and PyPI"
    exit 0
fi
verdict=(--duologue "$built/duologue")
if [ -d "$stt" ]; then verdict+=(--stt "$stt"); else skip "no recogniser at $stt: what was heard is not decoded"; fi

# The agent in room $1; its log is $out/$1/agent.log.
agent() {
    mkdir -p "$out/$1"
    rm -f "$out/$1/history.json"
    start "$out/$1/agent.log" "$built/examples/livekit_agent" --room "$1" --history "$out/$1/history.json"
}
# An agent whose caller has left ends by itself, and writes its history.
agent_over() {
    for _ in $(seq 150); do [ -s "$out/$1/history.json" ] && return || sleep 0.1; done
    echo "the agent did not end with its call:"
    tail -n 40 "$out/$1/agent.log"
    return 1
}
# Judges the call in $out/$1.
judge() {
    if ! "$python" tests/peers/verify.py "$out/$1" "${verdict[@]}"; then
        echo "the agent's log:"
        tail -n 40 "$out/$1/agent.log"
        return 1
    fi
}

if wants python; then
    say "a caller on the Python SDK"
    agent python
    "$python" tests/peers/python_peer.py python "$out/python"
    agent_over python
    end_started
    judge python
fi

if wants browser; then
    say "a caller in Chromium"
    if have_chromium; then
        node --test tests/peers/
        "$python" tests/peers/browser_wav.py "$out/caller.wav" >"$out/caller.json"
        agent browser
        start "$out/page.log" "$python" examples/web/serve.py --port 0
        for _ in $(seq 50); do [ -s "$out/page.log" ] && break || sleep 0.1; done
        node tests/peers/browser_peer.mjs "$(head -n 1 "$out/page.log")" browser "$out/browser" "$out/caller.wav" "$out/caller.json"
        agent_over browser
        end_started
        judge browser
    else
        skip "the browser's caller needs Node with npm, its registry, and Debian's chromium"
    fi
fi

if wants faults; then
    say "faults"
    "$python" tests/peers/faults.py --out "$out/faults" "${verdict[@]}" -- "$built/examples/livekit_agent" --room
fi
say "done; recordings, figures and pictures are in $out"
