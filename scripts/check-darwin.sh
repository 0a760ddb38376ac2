#!/bin/sh
# Compiles the native core's macOS branches on Linux with test/darwin-shim: syntax and types only.
# Both processors, where a compiler for the other is installed. Exits non-zero at the first error.
set -eu
cd "$(dirname "$0")/.."

flags="-std=c++20 -fno-exceptions -fsyntax-only -Wall -Wextra -Werror -Inative"
shim="-Itest/darwin-shim -include test/darwin-shim/darwin_shim.h"
checked=0

for compiler in "${CXX:-g++}" aarch64-linux-gnu-g++; do
  command -v "$compiler" > /dev/null || continue
  for file in $(find native -name '*.cc' ! -path 'native/addon/*' ! -path 'native/test/*' ! -name '*_test.cc' | sort); do
    # shellcheck disable=SC2086
    "$compiler" $flags $shim "$file"
    checked=$((checked + 1))
  done
done

[ "$checked" -gt 0 ] || { echo "check-darwin: no compiler found; install g++ or set CXX" >&2; exit 1; }
echo "check-darwin: $checked files compile as macOS sources"
