# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The kernel of a board: fragments merged, checked, built.
#
#   need kernel BOARD      a step whose folder holds bzImage, vmlinux (stripped), System.map,
#                          config and build-id (40 hex digits)
#
# README.md tells the rules: what a fragment may ask, what is checked, where the seed is from.

KERNEL_SOURCE=linux-source-6.12

kernel() {
	[ -f "kernel-config/$1.config" ] || usage_error "no kernel fragment for the board '$1'"
	need release
	# All boards' fragments are checked by each build. Comments are left out of the key: a
	# better reason for an option is no reason to build for ten minutes.
	key_add_text "$(kernel_uncommented kernel-config/*.config kernel-config/promises.build)"
	key_add_text "$(kernel_uncommented kernel-config/kernel.sh kernel-config/check.awk)"
	key_add_source "$KERNEL_SOURCE"
	key_add_text "$(clang-19 --version | head -n 1)"
	key_add_text "seed $(kernel_seed | sha256)"
	step "kernel-$1" "Linux for the board $1" kernel_build "$1"
}

kernel_uncommented() {
	sed -e '/^# CONFIG_[A-Z0-9_]* is not set$/b' -e '/^[[:space:]]*#/d' -e '/^$/d' \
		-e 's/[[:space:]][[:space:]]*# .*//' "$@"
}

# In the order in which they are read: a later line overrides an earlier one.
kernel_fragments() {
	for kernel_fragment in base hardening "$1" clang; do
		printf 'kernel-config/%s.config\n' "$kernel_fragment"
	done
}

kernel_version() {
	lock_lines "$KERNEL_SOURCE" | cut -d ' ' -f 2
}

# The seed of this kernel version's structure layouts: a hash over the release secret, so that
# whoever holds the secret builds the same kernel and nobody else can tell the layouts.
kernel_seed() {
	{
		cat "$CACHE/release/seed"
		printf '\nrandstruct %s %s\n' "$KERNEL_SOURCE" "$(kernel_version)"
	} | sha256
}

# kernel_make OBJECTS ARGS...
kernel_make() {
	make_objects=$1
	shift
	make -s -C "$kernel_tree/linux" O="$make_objects" LLVM=-19 LOCALVERSION= "$@"
}

# The objects are kept, so that another option costs what it touches and an interrupted build goes
# on where it was: make knows what each was made of, given the same sources (the folder's name has
# their version) in the same place. `test build --long` compares with a build from nothing.
kernel_build() {
	kernel_tree="$CACHE/kernel-objects/$1-$(kernel_version)"
	mkdir -p "$kernel_tree/objects"
	exec 8>"$kernel_tree/lock"
	flock 8
	kernel_unpack
	# Only this board's kernel is built, but no board's fragments may rot meanwhile.
	for kernel_board in qemu pc; do
		mkdir "$WORK/$kernel_board"
		kernel_configure "$kernel_board" "$WORK/$kernel_board"
	done
	kernel_configure "$1" "$kernel_tree/objects"
	kernel_write_seed
	KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH")
	KBUILD_BUILD_USER=anchorhold KBUILD_BUILD_HOST=anchorhold KBUILD_BUILD_VERSION=1
	export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION
	kernel_make "$kernel_tree/objects" -j "$JOBS" \
		gen-randstruct-seed="$WORK/give-seed" vmlinux bzImage
	kernel_outputs "$kernel_tree/objects"
	rm -rf "$kernel_tree/linux"
}

# The package is a .deb around upstream's tarball with Debian's patches applied.
kernel_unpack() {
	rm -rf "$kernel_tree/linux"
	mkdir "$kernel_tree/linux"
	dpkg-deb --fsys-tarfile "$(source_fetch "$KERNEL_SOURCE")" |
		tar -x -O "./usr/src/$KERNEL_SOURCE.tar.xz" |
		tar -x -J -C "$kernel_tree/linux" --strip-components=1
}

# kernel_configure BOARD OBJECTS
kernel_configure() {
	# shellcheck disable=SC2046 # names without spaces
	cat $(kernel_fragments "$1") >"$WORK/asked"
	kernel_make "$2" KCONFIG_ALLCONFIG="$WORK/asked" allnoconfig
	kernel_check "$WORK/asked" "$2/.config"
	kernel_promised kernel-config/promises.build "$2/.config"
}

# Every option that a fragment asks for must have survived the merge, a hidden dependency must
# not have dropped it. Prints each that did not, and fails.
kernel_check() {
	awk -f kernel-config/check.awk "$2" "$1" >&2 ||
		die 'the kernel cannot be configured as asked'
}

# The same for promises.build, which is read like a fragment.
kernel_promised() {
	sed -n -e 's/^\(CONFIG_[A-Z0-9_]*\) n .*/# \1 is not set/p' \
		-e 's/^\(CONFIG_[A-Z0-9_]*\) \([^ ]*\) .*/\1=\2/p' "$1" >"$WORK/promised"
	kernel_check "$WORK/promised" "$2"
}

# Takes the place of the kernel's own scripts/gen-randstruct-seed.sh, which draws at random.
# The seed reaches it by the environment, not by a command line. What is there already and the
# same is left alone, else everything would be made anew.
kernel_write_seed() {
	{ set +x; } 2>/dev/null		# the log must not show it
	RANDSTRUCT_SEED=$(kernel_seed)
	export RANDSTRUCT_SEED
	set -x
	cat >"$WORK/give-seed" <<-'EOT'
		give() {
			printf '%s\n' "$1" | cmp -s - "$2" || printf '%s\n' "$1" >"$2"
		}
		give "$RANDSTRUCT_SEED" "$1"
		hash=$(printf %s "$RANDSTRUCT_SEED" | sha256sum | cut -d ' ' -f 1)
		give "#define RANDSTRUCT_HASHED_SEED \"$hash\"" "$2"
	EOT
}

# kernel_outputs OBJECTS
kernel_outputs() {
	cp "$1/arch/x86/boot/bzImage" "$1/System.map" "$OUT/"
	cp "$1/.config" "$OUT/config"
	llvm-strip-19 --strip-all -o "$OUT/vmlinux" "$1/vmlinux"
	llvm-readelf-19 -n "$OUT/vmlinux" | sed -n 's/^ *Build ID: //p' >"$OUT/build-id"
	grep -q -x '[0-9a-f]\{40\}' "$OUT/build-id" || die 'the kernel has no build id'
}
