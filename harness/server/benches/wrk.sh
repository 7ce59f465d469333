#!/usr/bin/env bash
# The embedded server under the load of wrk (Debian's package), from outside of its process.
#
#   bash harness/server/benches/wrk.sh [BINARY] [SECONDS] [MESSAGES]
#
# Starts the server with 100,000 Communications of a clinic (made up, the same in every run), signs a
# participant in whose policy has two entries, and asks at 1, 8 and 64 connections. Needs wrk, python3,
# curl and jq. wrk shares the machine with the server.
set -euo pipefail

binary=${1:-target/release/fhirward}
seconds=${2:-5}
messages=${3:-100000}
scratch=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT

python3 - "$scratch" "$messages" <<'PY'
import json, sys
words = "the specimen was received and goes to the laboratory, results are expected tomorrow. " * 6
people = [f"Practitioner/p{n}" for n in range(1000)]
with open(sys.argv[1] + "/seed.ndjson", "w") as out:
    for n in range(1000):
        out.write(json.dumps({"resourceType": "Practitioner", "id": f"p{n}"}) + "\n")
    for n in range(int(sys.argv[2])):
        thread, sender = n // 20, people[n % 1000]
        message = {
            "resourceType": "Communication", "id": f"m{n}", "status": "in-progress",
            "sender": {"reference": sender},
            "recipient": [{"reference": people[(n * 7 + k) % 1000]} for k in (1, 2)],
            "sent": f"2026-01-{n % 28 + 1:02}T{n % 24:02}:00:00Z",
            "payload": [{"contentString": words}],
        }
        if n % 20:
            message["partOf"] = [{"reference": f"Communication/m{thread * 20}"}]
        out.write(json.dumps(message) + "\n")
PY

"$binary" serve --port 0 --log off --seed "$scratch/seed.ndjson" > "$scratch/ready" 2> "$scratch/log" &
server=$!
until [ -s "$scratch/ready" ]; do
  kill -0 "$server" || { cat "$scratch/log"; exit 1; }
  sleep 0.2
done
base=$(jq -r .base_url "$scratch/ready")
fhir=$(jq -r .fhir_url "$scratch/ready")
token_url=$(jq -r .token_url "$scratch/ready")
token() {
  curl -sS "$token_url" -d grant_type=client_credentials -d client_id="$1" -d client_secret="$2" | jq -r .access_token
}
admin=$(token "$(jq -r .admin_client "$scratch/ready")" "$(jq -r .admin_secret "$scratch/ready")")
post() {
  curl -sS -H "Authorization: Bearer $admin" -H 'Content-Type: application/fhir+json' -d "$2" "$1"
}
policy=$(post "${fhir}AccessPolicy" '{"resourceType":"AccessPolicy","name":"participant","resource":[
  {"resourceType":"Communication","criteria":"Communication?recipient=%profile"},
  {"resourceType":"Communication","criteria":"Communication?sender=%profile"}]}' | jq -r .id)
project=$(jq -r .project "$scratch/ready")
client=$(post "${base}admin/projects/$project/client" \
  "{\"name\":\"load\",\"accessPolicy\":{\"reference\":\"AccessPolicy/$policy\"}}")
id=$(jq -r .id <<< "$client")
# The client acts as one of the people.
membership=$(curl -sS -H "Authorization: Bearer $admin" "${fhir}ProjectMembership?user=ClientApplication/$id" | jq '.entry[0].resource')
curl -sS -o /dev/null -X PUT -H "Authorization: Bearer $admin" -H 'Content-Type: application/fhir+json' \
  -d "$(jq '.profile.reference = "Practitioner/p7"' <<< "$membership")" \
  "${fhir}ProjectMembership/$(jq -r .id <<< "$membership")"
mine=$(token "$id" "$(jq -r .secret <<< "$client")")

cat > "$scratch/read.lua" <<LUA
wrk.headers["Authorization"] = "Bearer $mine"
local n, all = 0, $messages / 1000
request = function() n = (n + 1) % all; return wrk.format("GET", string.format("/fhir/R4/Communication/m%d", n * 1000 + 7)) end
response = function(status) if status ~= 200 then print("status " .. status) end end
LUA
cat > "$scratch/search.lua" <<LUA
wrk.headers["Authorization"] = "Bearer $mine"
request = function() return wrk.format("GET", "/fhir/R4/Communication?recipient=Practitioner/p7&_count=20") end
response = function(status) if status ~= 200 then print("status " .. status) end end
LUA
cat > "$scratch/create.lua" <<LUA
wrk.headers["Authorization"] = "Bearer $mine"
wrk.headers["Content-Type"] = "application/fhir+json"
local text = string.rep("the specimen was received and goes to the laboratory. ", 9)
local body = '{"resourceType":"Communication","status":"in-progress","sender":{"reference":"Practitioner/p7"},"recipient":[{"reference":"Practitioner/p8"}],"payload":[{"contentString":"' .. text .. '"}]}'
request = function() return wrk.format("POST", "/fhir/R4/Communication", nil, body) end
response = function(status) if status ~= 201 then print("status " .. status) end end
LUA

printf '| what | connections | requests/s | p50 | p99 | other answers | memory |\n|---|--:|--:|--:|--:|--:|--:|\n'
for what in read search create; do
  for connections in 1 8 64; do
    threads=$((connections < 2 ? 1 : 2))
    wrk -t"$threads" -c"$connections" -d"${seconds}s" --latency -s "$scratch/$what.lua" "$base" > "$scratch/out"
    memory=$(awk '/VmRSS/ { printf "%d MB", $2 / 1024 }' "/proc/$server/status")
    awk -v what="$what" -v connections="$connections" -v memory="$memory" '
      /Requests\/sec/ { rate = $2 } /50%/ { p50 = $2 } /99%/ { p99 = $2 }
      /^status/ { other++ } /Non-2xx/ { other += $NF } /Socket errors/ { other += $4 + $6 + $8 + $10 }
      END { printf "| %s | %s | %.0f | %s | %s | %d | %s |\n", what, connections, rate, p50, p99, other, memory }' "$scratch/out"
  done
done
