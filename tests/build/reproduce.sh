#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the programs and the root image a second time, in another folder of another depth and
# name, and compares every byte. What they are made from (compiler, libraries, kernel) is taken
# from the cache; everything of ours is built anew. `reproduce.sh 20` (a long run) builds the
# kernel anew, too, which takes twelve minutes of CPU.
set -eu
cd "$(dirname "$0")/../.."
cache=${ANCHORHOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anchorhold}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

unset STEP_KEYS
first_programs=$(./build.sh --need programs x86_64 | tail -n 1)
first_root=$(./build.sh --need root qemu | tail -n 1)
first_kernel=$(./build.sh --need kernel qemu | tail -n 1)

other="$scratch/another/folder/of/a/longer-name"
mkdir -p "$other" "$scratch/cache/steps"
find . -mindepth 1 -maxdepth 1 ! -name build ! -name .git -exec cp -a {} "$other/" \;
ln -s "$cache/release" "$cache/sources" "$scratch/cache/"
for entry in "$cache"/steps/*; do
	case "${entry##*/}" in
	programs-* | root-* | image-* | env-*) ;;
	kernel-*) [ "${1:-1}" -gt 1 ] || ln -s "$entry" "$scratch/cache/steps/" ;;
	*) ln -s "$entry" "$scratch/cache/steps/" ;;
	esac
done
cd "$other"
export ANCHORHOLD_CACHE="$scratch/cache"
second_programs=$(./build.sh --need programs x86_64 | tail -n 1)
second_root=$(./build.sh --need root qemu | tail -n 1)
[ "$first_programs" != "$second_programs" ] && [ ! -L "$second_programs" ]
diff -r "$first_programs" "$second_programs"
diff -r "$first_root" "$second_root"
diff -r "$first_kernel" "$(./build.sh --need kernel qemu | tail -n 1)"
echo "alike: $(cd "$second_programs" && echo *) root.img"
