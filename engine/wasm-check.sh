#!/bin/sh
# Does the engine build for wasm32-unknown-unknown? Where the target is installed, it is built. Where
# it is not, the engine's dependencies must not hold what keeps a crate from building there.
set -eu
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    cargo check --locked -p fhirward-engine --target "$target"
    echo "the engine builds for $target"
    exit 0
fi
tree=$(cargo tree --locked -p fhirward-engine -e normal --target "$target" --prefix none --format '{p}')
for name in getrandom libc mio tokio socket2 rustix errno windows-sys openssl-sys ring aws-lc-sys \
    rayon num_cpus instant tempfile reqwest hyper rand; do
    if printf '%s\n' "$tree" | grep -q "^$name v"; then
        echo "the engine depends on $name, which does not build for $target as it is" >&2
        exit 1
    fi
done
echo "$target is not installed; none of the engine's dependencies keeps it from building there"
