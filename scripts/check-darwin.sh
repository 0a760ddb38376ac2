#!/bin/sh
# Compiles the native core's macOS branches on Linux with test/darwin-shim: syntax and types only.
# Both processors, where a compiler for the other is installed. Exits non-zero at the first error.
set -eu
cd "$(dirname "$0")/.."

flags="-std=c++20 -Wall -Wextra -Werror -Inative"
headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
# A folder of the core at once, as its files share most of their headers.
for file in $(node scripts/native-sources.mjs core simulator); do
  echo "#include \"$PWD/$file\"" >> "$headers/$(basename "$(dirname "$file")").cc"
done
sources="$(ls "$headers"/*.cc) $(node scripts/native-sources.mjs simulate subjects fuzzers bench)"
checked=0

for compiler in "${CXX:-g++}" aarch64-linux-gnu-g++; do
  command -v "$compiler" > /dev/null || continue
  # Most of the C++ library: read once, not for every file.
  # shellcheck disable=SC2086
  "$compiler" $flags -Itest/darwin-shim -x c++-header test/darwin-shim/linux_library.h -o "$headers/linux_library.h.gch"
  for file in $sources; do
    # shellcheck disable=SC2086
    "$compiler" $flags -fsyntax-only -I"$headers" -Itest/darwin-shim -include linux_library.h -include darwin_shim.h "$file"
    checked=$((checked + 1))
  done
done

[ "$checked" -gt 0 ] || { echo "check-darwin: no compiler found; install g++ or set CXX" >&2; exit 1; }
echo "check-darwin: $checked folders and files compile as macOS sources"
