#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cfi.sh TOOLCHAIN ARCH: builds cfi.c with exactly what meson builds programs with, and runs it.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
source=$(cd "$(dirname "$0")" && pwd)/cfi.c
mkdir "$scratch/tree"
cp "$source" "$scratch/tree/"
printf "project('cfi', 'c')\nexecutable('cfi', 'cfi.c')\n" >"$scratch/tree/meson.build"
meson setup --cross-file "$1/$2.ini" "$scratch/build" "$scratch/tree" >"$scratch/log"
ninja -C "$scratch/build" >>"$scratch/log" || {
	cat "$scratch/log"
	exit 1
}
"$scratch/build/cfi" right
code=0
"$scratch/build/cfi" wrong || code=$?
# 128 + SIGILL
[ "$code" -eq 132 ] || {
	echo "a call through a pointer of the wrong type ended with $code, not by SIGILL" >&2
	exit 1
}
