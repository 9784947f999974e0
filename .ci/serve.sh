#!/usr/bin/env bash
# A client that we did not write: the Python package openai, which checks every answer, against `duologue serve`.
# Skipped aloud where Python or the package cannot be had.
#
#   .ci/serve.sh [install]
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv="$target/serve-venv"
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: the client openai needs python3"
    exit 0
fi
if ! "$venv/bin/python" -c "import openai" 2>/dev/null; then
    if ! { python3 -I -m venv "$venv" && "$venv/bin/pip" install --quiet "openai==3.57.0"; }; then
        echo "SKIPPED: the package openai cannot be installed from here"
        exit 0
    fi
fi
if [ "${1:-}" = install ]; then exit 0; fi
timeout 600 "$venv/bin/python" -I server/tests/openai_client.py "$target/debug/duologue"
