#!/usr/bin/env bash
# The shipped scenarios against an installed Helios FHIR server.
#
#   bash harness/peers/helios.sh [OPTIONS OF fhirward run]
#
# Needs `hfs` of helios-hfs 0.2.7 on the PATH (`cargo install helios-hfs --version 0.2.7`; building it
# takes half an hour, so CI does not). It stores in a temporary SQLite file. Search parameters come
# from a file: HELIOS_DATA names the folder with `search-parameters-r4.json`; without it, the one that
# the installed package brought along is looked for. Helios has no logins and no policies: who sees
# what is not judged. Ends with the exit code of `fhirward run`.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
hfs=$(command -v hfs) || {
  printf 'error: there is no `hfs` on the PATH: cargo install helios-hfs --version 0.2.7\n' >&2
  exit 1
}
data=${HELIOS_DATA:-}
if [ -z "$data" ]; then
  for folder in "$(dirname "$hfs")/data" "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/helios-hfs-*/data \
    "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/helios-persistence-*/data; do
    if [ -f "$folder/search-parameters-r4.json" ]; then data=$folder; break; fi
  done
fi
[ -n "$data" ] && [ -f "$data/search-parameters-r4.json" ] || {
  printf 'error: HELIOS_DATA has to name the folder with search-parameters-r4.json\n' >&2
  exit 1
}
if [ -z "${FHIRWARD:-}" ]; then
  (cd "$root" && cargo build --quiet --locked -p fhirward)
  FHIRWARD=${CARGO_TARGET_DIR:-$root/target}/debug/fhirward
fi

scratch=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT

port=${HELIOS_PORT:-18642}
HFS_BASE_URL=http://127.0.0.1:$port HFS_DATABASE_URL=$scratch/helios.db HFS_DATA_DIR=$data HFS_SERVER_HOST=127.0.0.1 \
  HFS_SERVER_PORT=$port "$hfs" > "$scratch/log" 2>&1 &
server=$!
for _ in $(seq 150); do
  if curl -fsS -o /dev/null "http://127.0.0.1:$port/metadata" 2>/dev/null; then break; fi
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$scratch/log" >&2
    printf 'error: hfs ended\n' >&2
    exit 1
  fi
  sleep 0.2
done

cd "$root"
"$FHIRWARD" run --server "http://127.0.0.1:$port" --profile helios --no-snapshot-write "$@"
