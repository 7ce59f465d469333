#!/usr/bin/env bash
# Does the engine build for wasm32-unknown-unknown?
#
#   bash engine/wasm-check.sh             with this Rust; rustup fetches the target where it is not there
#   bash engine/wasm-check.sh --debian    with the compiler and the target that Debian packages, in a folder
#                                         of its own (needs root and debootstrap)
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
build=(build --locked --package fhirward-engine --target "$target")

fail() {
  echo "wasm-check.sh: $1" >&2
  exit 2
}

if [ "${1:-}" != --debian ]; then
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    rustup target add "$target" ||
      fail "the target is not installed and rustup cannot fetch it; as root, \`--debian\` does without"
  fi
  cargo "${build[@]}"
  echo "the engine builds for $target with $(rustc --version)"
  exit 0
fi

[ "$(id -u)" = 0 ] || fail "--debian needs root"
command -v debootstrap >/dev/null || fail "--debian needs debootstrap (apt-get install debootstrap)"
# The release whose Rust is new enough for this workspace. It is set up as sid is, under which name any
# debootstrap has the script.
suite=forky
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
if ! debootstrap --variant=minbase --include=rustc,cargo,libstd-rust-dev-wasm32,libc6-dev,gcc "$suite" \
  "$root" http://deb.debian.org/debian /usr/share/debootstrap/scripts/sid >"$root/log"; then
  tail -n 20 "$root/log" "$root/debootstrap/debootstrap.log" >&2 || true
  fail "Debian's $suite could not be set up"
fi

# In there is neither the network nor this project: it gets the sources and the crates.
cargo fetch --locked --quiet
mkdir "$root/src" "$root/cargo" "$root/build"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$root/src"
cp -a "${CARGO_HOME:-$HOME/.cargo}/registry" "$root/cargo/registry"
in_root() {
  chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin CARGO_HOME=/cargo CARGO_TARGET_DIR=/build \
    CARGO_NET_OFFLINE=true sh -c 'cd /src && exec "$@"' sh "$@"
}
in_root cargo "${build[@]}"
echo "the engine builds for $target with $(in_root rustc --version)"
