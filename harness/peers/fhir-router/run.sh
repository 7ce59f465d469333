#!/usr/bin/env bash
# The shipped scenarios against Medplum's own FHIR router with its MemoryRepository.
#
#   bash harness/peers/fhir-router/run.sh [--accept]
#
# Installs the pinned packages and Node, starts server.mjs on a free loopback port, plays all
# scenarios with the profile medplum-memory, and compares what did not pass with known.txt: a line
# that is missing there and a line that no longer occurs are both errors. --accept writes known.txt
# anew. The router enforces no policy: who sees what is not judged here.
set -euo pipefail

accept=false
case ${1:-} in
  '') ;;
  --accept) accept=true ;;
  *) printf 'usage: run.sh [--accept]\n' >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
scratch=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT

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

if [ -z "${FHIRWARD:-}" ]; then
  (cd "$root" && cargo build --quiet --locked -p fhirward)
  FHIRWARD=${CARGO_TARGET_DIR:-$root/target}/debug/fhirward
fi

"$node" server.mjs > "$scratch/base" &
server=$!
for _ in $(seq 100); do
  [ -s "$scratch/base" ] && break
  sleep 0.1
done
[ -s "$scratch/base" ] || { printf 'error: the router did not start\n' >&2; exit 1; }
base=$(cat "$scratch/base")

cd "$root"
status=0
"$FHIRWARD" run --server "$base" --profile medplum-memory --no-snapshot-write \
  --report "json=$scratch/report.json" > "$scratch/out" 2>&1 || status=$?
# Known gaps are failures and skips; anything else is not.
case $status in
  0|3|4) ;;
  *) cat "$scratch/out"; printf 'error: the run ended with %s\n' "$status" >&2; exit 1 ;;
esac
"$node" "$here/../compare-known.mjs" "$scratch/report.json" "$here/known.txt" "the router" "$accept" || {
  cat "$scratch/out"
  exit 1
}
