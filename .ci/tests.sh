#!/usr/bin/env bash
# The tests of the workspace: built once, run by name, also while cargo is busy with something else.
#
#   .ci/tests.sh build                            builds tests, binaries and examples; the binary has devices, too
#   .ci/tests.sh run PACKAGE [NAME] [ARGUMENT…]   runs a package's tests: all, those of its library (`lib`), of the test program
#                                                 NAME, or of the module NAME of its test program `it`
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
list="$target/test-programs"
mkdir -p "$target"

if [ "$1" = build ]; then
    # What the README's command builds has every feature but devices, which need a package of the system: only what differs with them
    # is built anew.
    build=(cargo test --workspace --no-run --message-format=json-render-diagnostics)
    "${build[@]}" >"$list.json"
    "${build[@]}" --features duologue/devices --test it --test loopback >>"$list.json"
    # The list holds, of each test program: its package, target, folder and file; of two builds of one, the later.
    python3 -I - "$list.json" >"$list" <<'PY'
import json, os, sys

programs = {}
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    if message["reason"] != "compiler-artifact" or not message["executable"] or not message["profile"]["test"]:
        continue
    folder = os.path.dirname(message["manifest_path"])
    with open(message["manifest_path"], encoding="utf-8") as manifest:
        package = next(line.split('"')[1] for line in manifest if line.startswith("name = "))
    kind = message["target"]["kind"][0]
    if kind in ("test", "lib", "bin", "proc-macro"):
        name = message["target"]["name"] if kind == "test" else "lib" if kind != "bin" else "bin"
        programs[package, name] = (folder, message["executable"])
for (package, name), (folder, file) in programs.items():
    print(package, name, folder, file, sep="\t")
PY
    exit 0
fi

[ "$1" = run ]
[ -s "$list" ] || { echo "nothing is built yet: .ci/tests.sh build" >&2; exit 1; }
package=$2 name=${3:-}
shift $(($# < 3 ? 2 : 3))
found=0
while IFS=$'\t' read -r of program folder file; do
    [ "$of" = "$package" ] || continue
    case "$name" in
    "" | "$program") arguments=("$@") ;;
    *)
        # A module of the one test program, unless a program of that name stands alone.
        if [ "$program" != it ] || grep -qP "^$package\t$name\t" "$list"; then continue; fi
        arguments=("$name::" "$@")
        ;;
    esac
    found=1
    echo "-- $package: $program ${arguments[*]}"
    (cd "$folder" && CARGO_MANIFEST_DIR="$folder" "$file" "${arguments[@]}" </dev/null)
done <"$list"
[ "$found" = 1 ] || { echo "$package has no tests $name" >&2; exit 1; }
