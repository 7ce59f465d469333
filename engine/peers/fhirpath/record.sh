#!/usr/bin/env bash
# Asks the FHIRPath engine of npm again what the search expressions select in the resources of
# engine/tests/extraction, and writes its answers, or with --check compares them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
npm ci --prefix "$here" --no-audit --no-fund --silent
cargo run --quiet --locked -p fhirward-engine --example extraction_cases |
  node "$here/record.mjs" "$@" "$here/../../tests/extraction/fhirpath-answers.ndjson.gz"
