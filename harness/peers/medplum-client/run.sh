#!/usr/bin/env bash
# `fhirward serve`, driven by the client that Medplum publishes.
#
#   bash harness/peers/medplum-client/run.sh [TEST…]
#
# Installs the pinned @medplum/core and Node, starts a server of its own on a free port, and plays
# the documented walkthroughs on it as a user of the client writes them; without names all of the
# files test/*.test.mjs. FHIRWARD names the binary; without it the debug one is built. Ends with 0
# when every test passes.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
scratch=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT

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

binary=${FHIRWARD:-}
if [ -z "$binary" ]; then
  (cd "$root" && cargo build --quiet --locked -p fhirward)
  binary=${CARGO_TARGET_DIR:-$root/target}/debug/fhirward
fi

"$binary" serve --port 0 > "$scratch/ready.json" 2> "$scratch/log" &
server=$!
for _ in $(seq 100); do
  [ ! -s "$scratch/ready.json" ] || break
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$scratch/log" >&2
    printf 'error: the server did not start\n' >&2
    exit 1
  fi
  sleep 0.1
done
[ -s "$scratch/ready.json" ] || { printf 'error: the server is not ready after 10 s\n' >&2; exit 1; }

tests=("$@")
[ "${#tests[@]}" -gt 0 ] || tests=(test/*.test.mjs)
FHIRWARD_READY=$(cat "$scratch/ready.json") "$node" --test --test-reporter=spec --test-timeout=60000 "${tests[@]}"
