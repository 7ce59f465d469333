#!/usr/bin/env bash
# What checking a large export costs: resources a second, peak memory, and the ratio to parsing alone,
# for each number of jobs. `bash engine/benches/threads.sh [THREADS [MESSAGES]]` from the project's
# root; without numbers a million Communications in 50,000 threads. Linux, for its /proc.
set -euo pipefail

threads=${1:-50000}
messages=${2:-19}
turns=${TURNS:-3}
[ -d /proc/self ] && [ -n "${EPOCHREALTIME:-}" ] || {
  printf 'This needs Linux and bash 5.\n' >&2
  exit 2
}
[ -f engine/benches/threads.sh ] || {
  printf 'Run this from the root of the project.\n' >&2
  exit 1
}

cargo build --release --locked --workspace >&2
cargo build --release --locked -p fhirward-engine --example communications --example parse >&2
target=${CARGO_TARGET_DIR:-target}/release
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$target/examples/communications" "$threads" "$messages" >"$folder/c.ndjson"
resources=$((threads * (messages + 1)))

# Sets wall (µs), used (ms of processors) and peak (kB) to those of one run of a command.
measure() {
  local started=$EPOCHREALTIME status fields
  "$@" >/dev/null 2>"$folder/said" &
  local pid=$!
  peak=0 used=0
  while status=$(grep VmHWM "/proc/$pid/status" 2>/dev/null); do
    peak=${status//[^0-9]/}
    fields=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null || true)
    # shellcheck disable=SC2086
    set -- $fields
    used=$(((${12:-0} + ${13:-0}) * 1000 / $(getconf CLK_TCK)))
    sleep 0.02
  done
  wait "$pid" || {
    cat "$folder/said" >&2
    exit 1
  }
  local ended=$EPOCHREALTIME
  wall=$((${ended/[.,]/} - ${started/[.,]/}))
}

# One row: the fastest of some turns.
row() {
  local name=$1 jobs=$2
  shift 2
  local best=0 best_used=0 highest=0
  for ((turn = 0; turn < turns; turn++)); do
    measure "$@"
    if [ "$best" -eq 0 ] || [ "$wall" -lt "$best" ]; then best=$wall best_used=$used; fi
    if [ "$peak" -gt "$highest" ]; then highest=$peak; fi
  done
  [ "$name" = "parsing alone" ] && alone=$best
  awk -v name="$name" -v jobs="$jobs" -v wall="$best" -v used="$best_used" -v peak="$highest" \
    -v n="$resources" -v alone="$alone" 'BEGIN {
      printf "| %s | %s | %.2f | %d | %.2f | %d | %.2f |\n",
        name, jobs, wall / 1e6, n / (wall / 1e6), used / 1e3, peak / 1000, wall / alone }'
}

printf '%s, %s cores, load %s; %s Communications in %s threads, %s MB; fastest of %s\n\n' \
  "$(uname -sm)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)" "$resources" "$threads" \
  "$(($(stat -c %s "$folder/c.ndjson") / 1000000))" "$turns"
printf '| what | jobs | seconds | resources a second | processor seconds | peak memory in MB | of parsing alone |\n'
printf '|---|--:|--:|--:|--:|--:|--:|\n'
row "parsing alone" 1 "$target/examples/parse" "$folder/c.ndjson"
for ((jobs = 1; jobs <= $(nproc); jobs *= 2)); do
  row "thread check" "$jobs" "$target/fhirward" thread check --jobs "$jobs" "$folder/c.ndjson"
done
