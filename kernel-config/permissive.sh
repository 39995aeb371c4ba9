# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The permissive test kernel: no image carries it, only the attack group boots it.
#
#   need kernel_permissive   a step whose folder holds bzImage and config

kernel_permissive() {
	need release
	key_add_text "$(kernel_uncommented kernel-config/base.config kernel-config/qemu.config \
		kernel-config/permissive/fragment kernel-config/permissive.sh kernel-config/check.awk)"
	key_add_source "$KERNEL_SOURCE"
	key_add_text "$(clang-19 --version | head -n 1)"
	step kernel-permissive 'Linux that refuses little, for the tests' kernel_permissive_build
}

# Its objects are its own: the node's kernel is not made anew because of them. llvm-objcopy cannot
# make x32's vDSO, binutils' can.
kernel_permissive_make() {
	make -s -C "$kernel_tree/linux" O="$kernel_tree/objects" LLVM=-19 OBJCOPY=objcopy \
		LOCALVERSION= "$@"
}

kernel_permissive_build() {
	kernel_tree="$CACHE/kernel-objects/permissive-$(kernel_version)"
	mkdir -p "$kernel_tree/objects"
	exec 8>"$kernel_tree/lock"
	flock 8
	kernel_unpack
	cat kernel-config/base.config kernel-config/qemu.config kernel-config/permissive/fragment >"$WORK/asked"
	kernel_permissive_make KCONFIG_ALLCONFIG="$WORK/asked" allnoconfig
	kernel_check kernel-config/permissive/fragment "$kernel_tree/objects/.config"
	KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH")
	KBUILD_BUILD_USER=anchorhold KBUILD_BUILD_HOST=anchorhold KBUILD_BUILD_VERSION=1
	export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION
	kernel_permissive_make -j "$JOBS" bzImage
	cp "$kernel_tree/objects/arch/x86/boot/bzImage" "$OUT/"
	cp "$kernel_tree/objects/.config" "$OUT/config"
	rm -rf "$kernel_tree/linux"
}
