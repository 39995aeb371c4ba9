# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The kernel's own selftests of what a cell stands on, built from the sources that the image's
# kernel is built from. For the tests only: a disk of its own, no image has any of them.
#
#   need kernel_selftests   a step whose folder holds `disk`, an erofs with TARGET/PROGRAM in it, and
#                           `programs`, the list of those

SELFTESTS='cgroup clone3 landlock pidfd seccomp'

kernel_selftests() {
	key_add_file packages/kernel-selftests
	key_add_source "$KERNEL_SOURCE"
	key_add_text "$(dpkg-query -W gcc libc6-dev libcap-dev erofs-utils)"
	step kernel-selftests "the kernel's own selftests" build_kernel_selftests
}

# Static, with the machine's compiler: they are the same programs on every libc, and the node has
# none. As optimised as their makefiles have it: some fill memory that nobody reads. What their makefiles take from the kernel's tree is unpacked, and no more.
build_kernel_selftests() {
	mkdir "$WORK/linux" "$WORK/disk"
	# shellcheck disable=SC2046 # paths without spaces
	dpkg-deb --fsys-tarfile "$(source_fetch "$KERNEL_SOURCE")" |
		tar -x -O "./usr/src/$KERNEL_SOURCE.tar.xz" |
		tar -x -J -C "$WORK/linux" --strip-components=1 \
			$(printf "$KERNEL_SOURCE/%s " Makefile arch/x86 include scripts tools usr)
	patch -d "$WORK/linux" -p1 -s -i "$TOP/packages/kernel-selftests/no-swap.patch"
	make -s -C "$WORK/linux" ARCH=x86 headers
	for selftests_target in $SELFTESTS; do
		mkdir "$WORK/disk/$selftests_target"
		make -C "$WORK/linux/tools/testing/selftests/$selftests_target" \
			OUTPUT="$WORK/disk/$selftests_target" USERCFLAGS=-static all
	done
	find "$WORK/disk" -type f ! -perm -100 -exec rm {} +
	find "$WORK/disk" -type f -exec strip {} +
	(cd "$WORK/disk" && find . -type f | LC_ALL=C sort | sed 's,^\./,,') >"$OUT/programs"
	mkfs.erofs -z lz4hc -T 0 -U 00000000-0000-4000-8000-000000000003 "$OUT/disk" "$WORK/disk"
}
