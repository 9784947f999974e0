#!/usr/bin/env bash
# Runs the loom models: every interleaving, within a preemption bound, of our lock-free parts.
set -euo pipefail
export RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS="${LOOM_MAX_PREEMPTIONS:-3}"
exec timeout 600 cargo test -p duologue-pipeline --release --target-dir target/loom --test loom
