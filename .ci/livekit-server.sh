#!/usr/bin/env bash
# A LiveKit server on loopback, for tests against a server that we did not write.
#
#   eval "$(.ci/livekit-server.sh)"     installs it if need be, starts it, and sets this shell's environment
#   .ci/livekit-server.sh stop          ends it
#   .ci/livekit-server.sh install       installs it only, and prints the path of the program
#
# It needs Go and its module proxy; without them it says so, sets nothing, and exits with 0: the suites that
# need LIVEKIT_URL then skip aloud. LIVEKIT_TEST_PORT (7880) is its port, the second after it carries media: a
# second server at the same time needs another. LIVEKIT_TEST_MEDIA_IP (127.0.0.1) is the address that it tells
# callers to send their media to: whoever listens there, on the media port, may carry it on or not.
set -euo pipefail

version=v1.13.5
port="${LIVEKIT_TEST_PORT:-7880}"
state="${LIVEKIT_TEST_DIR:-${TMPDIR:-/tmp}/duologue-livekit.$(id -u).$port}"
bin="${LIVEKIT_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/duologue-test-tools}/livekit-server-$version"
media_ip="${LIVEKIT_TEST_MEDIA_IP:-127.0.0.1}"
key=devkey
secret=secret-secret-secret-secret-secret-32
say() { echo "livekit-server: $*" >&2; }
running() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }
alive() { [ -s "$state/pid" ] && running "$(cat "$state/pid")"; }
# A server that still has callers waits for them when it is asked to end: after 2 s it is not asked.
end() {
    if alive; then
        local pid
        pid=$(cat "$state/pid")
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 20); do
            running "$pid" || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$state/pid"
}

install() {
    if [ -x "$bin" ]; then return; fi
    if ! command -v go >/dev/null; then
        say "SKIPPED: Go is not installed"
        exit 0
    fi
    say "building $version"
    mkdir -p "$(dirname "$bin")"
    local dir
    dir=$(mktemp -d "$(dirname "$bin")/build.XXXXXX")
    if ! CGO_ENABLED=0 GOBIN="$dir" go install "github.com/livekit/livekit-server/cmd/server@$version" >&2; then
        rm -rf "$dir"
        say "SKIPPED: it cannot be built here"
        exit 0
    fi
    mv "$dir/server" "$bin"
    rm -rf "$dir"
}

case "${1:-start}" in
stop)
    end
    say stopped
    exit 0
    ;;
install)
    install
    echo "$bin"
    exit 0
    ;;
esac

install
mkdir -p "$state"
cat >"$state/config.yaml" <<CONF
port: $port
bind_addresses: ["127.0.0.1"]
keys: { $key: "$secret" }
rtc:
  node_ip: $media_ip
  use_ice_lite: $([ "$media_ip" = 127.0.0.1 ] && echo false || echo true)
  tcp_port: 0
  udp_port: $((port + 2))
  use_external_ip: false
  enable_loopback_candidate: true
  interfaces: { includes: [lo] }
room: { empty_timeout: 10, departure_timeout: 5 }
logging: { level: info }
CONF
if ! alive; then
    setsid "$bin" --config "$state/config.yaml" </dev/null >"$state/server.log" 2>&1 &
    echo $! >"$state/pid"
    for _ in $(seq 100); do
        if curl -sf "http://127.0.0.1:$port/" >/dev/null 2>&1; then break; fi
        sleep 0.1
    done
    if ! curl -sf "http://127.0.0.1:$port/" >/dev/null; then
        say "it did not start within 10 s:"
        cat "$state/server.log" >&2 || true
        end
        exit 1
    fi
fi
say "$version is ready at ws://127.0.0.1:$port"
cat <<ENV
export LIVEKIT_URL=ws://127.0.0.1:$port
export LIVEKIT_API_KEY=$key
export LIVEKIT_API_SECRET=$secret
export LIVEKIT_TEST_SERVER="$bin"
ENV
