#!/usr/bin/env bash
# What the Dockerfile does and promises, without a container engine: engines and models are fetched, then a worker runs
# without a network but this machine's own, as user 10001, on a file system that it cannot write, and a caller talks with it.
#
#   tests/peers/image.sh DUOLOGUE OUT_DIR [--stt DIR]
#
# DUOLOGUE is the built program. Needs root (namespaces), ip, .ci/livekit-server.sh's server and the callers' Python
# (target/livekit/venv, which .ci/livekit.sh makes).
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1") out=$(realpath -m "$2")
shift 2
say() { printf '\n-- image: %s\n' "$*"; }

if [ -z "${IMAGE_INSIDE:-}" ]; then
    rm -rf "$out"
    mkdir -p "$out/bin"
    say "the stage build ends with: strip"
    cp "$program" "$out/bin/duologue"
    strip "$out/bin/duologue"
    ls -l "$out/bin/duologue"
    say "the stage fetch"
    export DUOLOGUE_CACHE="$out/opt/duologue"
    "$out/bin/duologue" fetch
    DUOLOGUE_OFFLINE=1 "$out/bin/duologue" doctor
    du -sh "$DUOLOGUE_CACHE"
    server=$(.ci/livekit-server.sh install)
    IMAGE_INSIDE=$server exec unshare --net --mount "$0" "$out/bin/duologue" "$out" "$@"
fi

say "the stage that runs"
ip link set lo up
# Callers gather no candidates on the loopback: an interface that leads nowhere.
ip link add inside type veth peer name nowhere
ip addr add 10.99.0.1/24 dev inside
ip link set inside up
ip link set nowhere up
export LIVEKIT_TEST_PORT=7880 LIVEKIT_TEST_DIR="$out/server"
trap '.ci/livekit-server.sh stop' EXIT
eval "$(.ci/livekit-server.sh)"
root="$out/root"
mkdir -p "$root"
mount --make-rprivate /
mount --bind / "$root"
mount -o remount,ro,bind "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
inside=(chroot --userspec=10001:10001 "$root" env -i HOME=/nonexistent DUOLOGUE_CACHE="$out/opt/duologue" DUOLOGUE_OFFLINE=1
    LIVEKIT_URL="$LIVEKIT_URL" LIVEKIT_API_KEY="$LIVEKIT_API_KEY" LIVEKIT_API_SECRET="$LIVEKIT_API_SECRET")
if "${inside[@]}" touch "$out/written" /tmp/written 2>/dev/null; then
    echo "the file system can be written"
    exit 1
fi
"${inside[@]}" "$program" worker start --agent-name museum >"$out/worker.log" 2>&1 &
worker=$!
for _ in $(seq 100); do
    if curl -sf http://127.0.0.1:8081/ >/dev/null; then break; fi
    sleep 0.1
done
curl -sf http://127.0.0.1:8081/worker
say "a caller, in whose room it is dispatched"
"${inside[@]}" "$program" room dispatch museum --room home --metadata '{"floor": 2}'
target/livekit/venv/bin/python tests/peers/python_peer.py home "$out/call" &
caller=$!
sleep 8
"${inside[@]}" "$program" room list
"${inside[@]}" "$program" room list home
"${inside[@]}" "$program" room token --room home --identity ada --agent museum >"$out/token"
echo "a token of $(wc -c <"$out/token") characters"
wait "$caller"
target/livekit/venv/bin/python tests/peers/verify.py "$out/call" --duologue "$program" "$@" | grep -v '^    "' || exit 1
say "SIGTERM"
kill -TERM "$worker"
wait "$worker"
echo "the worker ended with $?"
find "$out/opt" -newer "$out/worker.log" -print | head
