#!/usr/bin/env bash
# Builds the fuzz targets and runs each, two at a time or FUZZ_JOBS:
#   engine/fuzz/run.sh [SECONDS] [TARGET…]
# Without names: the five targets that read what others wrote for SECONDS, the other three for half.
#
# A stable toolchain and a C++ compiler are enough: the coverage that libFuzzer needs is a pass of
# LLVM, and the engine has no unsafe code that a sanitizer could watch. What a target finds is left
# in the target folder, under fuzz-artifacts/; run the binary with that file to see it again.
set -euo pipefail

seconds=${1:-60}
named=$(($# > 1))
shift || true
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../../target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(criteria policy membership resource vectors scopes text threads)

coverage="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTFLAGS="$coverage" cargo build --manifest-path "$here/Cargo.toml" --locked --release --target "$host"

artifacts=$CARGO_TARGET_DIR/fuzz-artifacts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$artifacts"

fuzz() {
  local target=$1 time=$seconds
  case $target in
    scopes | text | threads) [ "$named" = 1 ] || time=$(((seconds + 1) / 2)) ;;
  esac
  mkdir -p "$work/$target"
  # The seeds are only read; what is found on the way is new each time.
  "$CARGO_TARGET_DIR/$host/release/$target" "$work/$target" "$here/corpus/$target" \
    -dict="$here/dictionaries/fhirward.dict" -artifact_prefix="$artifacts/$target-" \
    -max_total_time="$time" -max_len=16384 -timeout=5 -rss_limit_mb=512 \
    -print_final_stats=1 -use_value_profile=0 >"$work/$target.log" 2>&1
}

failed=0
running=()
names=()
finish() {
  if wait "${running[0]}"; then
    printf '%-12s ok, %s executions\n' "${names[0]}" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/${names[0]}.log")"
  else
    failed=1
    printf '%-12s FAILED\n' "${names[0]}"
    tail -n 40 "$work/${names[0]}.log"
  fi
  running=("${running[@]:1}")
  names=("${names[@]:1}")
}
for target in "${targets[@]}"; do
  [ ${#running[@]} -lt "${FUZZ_JOBS:-2}" ] || finish
  fuzz "$target" &
  running+=($!)
  names+=("$target")
done
while [ ${#running[@]} -gt 0 ]; do finish; done
exit $failed
