#!/usr/bin/env bash
# The Python package: builds the wheel, installs it into a fresh environment, and tests what is installed there, not the tree.
# Skipped aloud where Python (3.11 or later) or the tools cannot be had.
#
#   .ci/python.sh [install]
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools="$target/python-tools"
if ! python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "SKIPPED: the Python package needs python3, 3.11 or later"
    exit 0
fi
if ! "$tools/bin/python" -c "import maturin, mypy, numpy, pytest" 2>/dev/null; then
    if ! { python3 -I -m venv "$tools" && "$tools/bin/pip" install --quiet "maturin==1.16.0" "mypy>=1.10" numpy pytest; }; then
        echo "SKIPPED: maturin, mypy, numpy and pytest cannot be installed from here"
        exit 0
    fi
fi
# Whose agents run on it; their tests are skipped where they are missing.
if ! "$tools/bin/python" -c "import livekit.agents, pipecat" 2>/dev/null; then
    "$tools/bin/pip" install --quiet "livekit-agents==1.8.9" "pipecat-ai==1.14.0" ||
        echo "SKIPPED: livekit-agents and pipecat-ai cannot be installed from here"
fi
if [ "${1:-}" = install ]; then exit 0; fi

cargo fmt --manifest-path python/Cargo.toml --check
rm -rf "$target/wheels"
# In the release folder of the workspace: most of what both need is built once.
CARGO_TARGET_DIR="$target" "$tools/bin/maturin" build --release --locked --manifest-path python/Cargo.toml \
    --out "$target/wheels" --quiet
ls -l "$target/wheels"
"$tools/bin/pip" install --quiet --force-reinstall --no-deps "$target"/wheels/*.whl
cd python
"$tools/bin/mypy" --strict duologue
# From a folder without the package: what is imported is what was installed.
rm -rf "$target/python-tests"
cp -r tests "$target/python-tests"
cd "$target/python-tests"
# They talk in real time, on a machine that others use too: what a stall spoils is run once more, aloud.
check() { timeout 400 "$tools/bin/python" -m pytest -q -p no:cacheprovider .; }
check || { echo "FAILED: the tests of the package; once more" && check; }
for example in echo stream_tokens; do
    echo "-- examples/python/$example.py"
    timeout 120 "$tools/bin/python" -I "$OLDPWD/../examples/python/$example.py"
done
