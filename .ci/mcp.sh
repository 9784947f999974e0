#!/usr/bin/env bash
# Tools of servers that we did not write: the MCP package of PyPI, over standard input and output and
# over HTTP on the loopback. Skipped aloud where Python or the package cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${CARGO_TARGET_DIR:-target}/mcp-venv"
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: the MCP servers need python3"
    exit 0
fi
if ! "$venv/bin/python" -c "import mcp" 2>/dev/null; then
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "mcp==2.3.0"; }; then
        echo "SKIPPED: the package mcp cannot be installed from here"
        exit 0
    fi
fi
DUOLOGUE_MCP_PYTHON="$(realpath -s "$venv/bin/python")" timeout 900 cargo test -p duologue-agent --test mcp_servers
