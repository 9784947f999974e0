#!/usr/bin/env bash
# A live conversation on the virtual sound card (see sound-card.sh, whose environment it needs): a caller's recordings are
# played into a microphone that also hears the speakers. Fails unless the agent hears the question, answers it, and never
# takes its own voice for the caller's.
#
#   .ci/talk.sh COMMAND…            the command that runs `duologue talk --json`
set -euo pipefail
cd "$(dirname "$0")/.."
caller=models/builtin/caller
dir=$(mktemp -d)
log="$dir/talk.jsonl"
talk=
cleanup() {
    [ -z "$talk" ] || kill "$talk" 2>/dev/null || true
    pactl unload-module "$echo_path" 2>/dev/null || true
    pactl unload-module "$room" 2>/dev/null || true
    rm -rf "$dir"
}

room=$(pactl load-module module-null-sink sink_name=room rate=48000 channels=2)
echo_path=$(pactl load-module module-loopback source=speakers.monitor sink=room latency_msec=30)
trap cleanup EXIT
# The echo arrives 14 dB below what is played.
pactl set-sink-input-volume "$(pactl list short sink-inputs | awk '/loopback/ { print $1 }' | tail -n 1)" -14dB

# Waits until the log has $1 lines of $2, at most 60 s.
wait_for() {
    for _ in $(seq 600); do
        [ "$(grep -c "\"who\":\"$2\"" "$log" || true)" -lt "$1" ] || return 0
        kill -0 "$talk" 2>/dev/null || break
        sleep 0.1
    done
    echo "no $1 lines of the $2 in:" >&2
    cat "$log" "$dir/stderr" >&2
    return 1
}

PULSE_SOURCE=room.monitor "$@" >"$log" 2>"$dir/stderr" &
talk=$!
wait_for 1 agent
paplay --device=room "$caller/what-time-is-it.wav"
wait_for 2 agent
sleep 0.5
paplay --device=room "$caller/thank-you-goodbye.wav"
wait_for 3 agent
wait "$talk"
talk=

cat "$log"
grep -q '"text":"what time is it"' "$log" || { echo "the question was not heard" >&2; exit 1; }
grep -q '"text":"It is ' "$log" || { echo "the question was not answered" >&2; exit 1; }
[ "$(grep -c '"who":"caller"' "$log")" = 2 ] || { echo "the agent heard more than its caller" >&2; exit 1; }
