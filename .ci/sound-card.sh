#!/usr/bin/env bash
# A virtual sound card: what is played comes back through the microphone.
#
#   eval "$(.ci/sound-card.sh)"     sets it up if need be, and sets this shell's environment
#   .ci/sound-card.sh stop          takes it down
#   .ci/sound-card.sh install       installs it only, with ALSA's headers
#
# PulseAudio plays into a null sink at 48 kHz whose monitor is the default microphone; ALSA's default
# device is PulseAudio. A reader is kept on the monitor, because an idle null sink stalls for up to
# two seconds when a stream begins.
set -euo pipefail

state="${DUOLOGUE_SOUND_CARD_DIR:-${TMPDIR:-/tmp}/duologue-sound-card.$(id -u)}"
socket="$state/native"
export PULSE_SERVER="unix:$socket" PULSE_RUNTIME_PATH="$state/run" PULSE_STATE_PATH="$state/state"
export HOME="${HOME:-$state}"
rate=48000
say() { echo "sound-card: $*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

alive() { [ -s "$state/$1.pid" ] && kill -0 "$(cat "$state/$1.pid")" 2>/dev/null; }

end() {
    if alive "$1"; then kill "$(cat "$state/$1.pid")" 2>/dev/null || true; fi
    rm -f "$state/$1.pid"
}

if [ "${1:-}" = stop ]; then
    end reader
    end server
    say stopped
    exit 0
fi

pulse_plugin() { find /usr/lib* -name libasound_module_pcm_pulse.so -print -quit 2>/dev/null | grep -q .; }
if ! { command -v pulseaudio && command -v parec && command -v pactl; } >/dev/null || ! pulse_plugin ||
    ! pkg-config --exists alsa 2>/dev/null; then
    packages=(libasound2-dev libasound2-plugins pkg-config pulseaudio pulseaudio-utils)
    say "installing ${packages[*]}"
    install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}")
    as_root "${install[@]}" >&2 || { as_root apt-get update >&2 && as_root "${install[@]}" >&2; }
fi

if [ "${1:-}" = install ]; then exit 0; fi

mkdir -p "$state/run" "$state/state"
chmod 700 "$state" "$state/run"
cat >"$state/asound.conf" <<CONF
pcm.!default { type pulse server "unix:$socket" }
ctl.!default { type pulse server "unix:$socket" }
CONF

if ! alive server; then
    rm -f "$socket"
    # No daemonising: its process id is ours to keep, and to end.
    setsid pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disable-shm=yes \
        --log-target="file:$state/server.log" \
        --load="module-native-protocol-unix socket=$socket auth-anonymous=1" \
        --load="module-null-sink sink_name=speakers rate=$rate channels=2" \
        </dev/null >/dev/null 2>&1 &
    echo $! >"$state/server.pid"
    for _ in $(seq 100); do
        if pactl info >/dev/null 2>&1; then break; fi
        sleep 0.1
    done
    if ! pactl info >/dev/null 2>&1; then
        say "the server did not start within 10 s:"
        cat "$state/server.log" >&2 || true
        end server
        exit 1
    fi
    pactl set-default-sink speakers
    pactl set-default-source speakers.monitor
fi

if ! alive reader; then
    setsid parec --device=speakers.monitor --latency-msec=10 </dev/null >/dev/null 2>&1 &
    echo $! >"$state/reader.pid"
    sleep 2.5
fi

say "ready at $rate Hz"
cat <<ENV
export ALSA_CONFIG_PATH="$state/asound.conf"
export PULSE_SERVER="unix:$socket"
export DUOLOGUE_SOUND_CARD=loopback
ENV
