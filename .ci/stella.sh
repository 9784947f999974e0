#!/usr/bin/env bash
# Clients that we did not write: those of the package stella-ai-agent-sdk, against `duologue stella`. Skipped aloud where Python or
# the package cannot be had.
#
#   .ci/stella.sh [install]
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv="$target/stella-venv"
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: STELLA's clients need python3"
    exit 0
fi
if ! "$venv/bin/python" -c "import stella_agent_sdk" 2>/dev/null; then
    if ! { python3 -I -m venv "$venv" && "$venv/bin/pip" install --quiet "stella-ai-agent-sdk==0.8.0"; }; then
        echo "SKIPPED: the package stella-ai-agent-sdk cannot be installed from here"
        exit 0
    fi
fi
if [ "${1:-}" = install ]; then exit 0; fi
timeout 300 "$venv/bin/python" -I server/tests/stella_client.py "$target/debug/duologue"
