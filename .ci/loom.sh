#!/usr/bin/env bash
# Runs the loom models: every interleaving, within a preemption bound, of our lock-free parts.
set -euo pipefail
RUSTFLAGS="--cfg loom" exec timeout 1500 cargo test -p duologue-pipeline --target-dir target/loom --test loom
