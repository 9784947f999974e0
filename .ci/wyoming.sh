#!/usr/bin/env bash
# Home Assistant's side of Wyoming: the package wyoming of PyPI, its own library, talks to the program. Skipped aloud where Python
# or the package cannot be had.
#
#   .ci/wyoming.sh [install]
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv="$target/wyoming-venv"
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: Wyoming's client needs python3"
    exit 0
fi
if ! "$venv/bin/python" -c "import wyoming" 2>/dev/null; then
    if ! { python3 -I -m venv "$venv" && "$venv/bin/pip" install --quiet "wyoming==1.10.2"; }; then
        echo "SKIPPED: the package wyoming cannot be installed from here"
        exit 0
    fi
fi
if [ "${1:-}" = install ]; then exit 0; fi
timeout 300 "$venv/bin/python" tests/peers/wyoming_client.py "$target/debug/duologue"
