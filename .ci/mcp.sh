#!/usr/bin/env bash
# Tools of servers that we did not write: the MCP package of PyPI, over standard input and output and
# over HTTP on the loopback. Skipped aloud where Python or the package cannot be had.
#
#   .ci/mcp.sh [install]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(realpath -m "${CARGO_TARGET_DIR:-target}")/mcp-venv
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: the MCP servers need python3"
    exit 0
fi
if ! "$venv/bin/python" -c "import mcp" 2>/dev/null; then
    if ! { python3 -I -m venv "$venv" && "$venv/bin/pip" install --quiet "mcp==2.3.0"; }; then
        echo "SKIPPED: the package mcp cannot be installed from here"
        exit 0
    fi
fi
if [ "${1:-}" = install ]; then exit 0; fi
DUOLOGUE_MCP_PYTHON="$venv/bin/python" timeout 900 .ci/tests.sh run duologue-agent it mcp_servers::
