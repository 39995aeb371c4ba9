# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

libsodium() {
	need compiler "$1"
	library libsodium "$1" libsodium
}

build_libsodium() {
	target_env "$1"
	source_unpack libsodium "$WORK/src"
	source_patch libsodium "$WORK/src"
	cd "$WORK/src"
	autoreconf -fi
	# Its own stack protector flags are off because ours come with the target's.
	./configure --build=x86_64-linux-gnu --host="$(target_triple "$1")" --prefix="$OUT" \
		--disable-shared --enable-static --disable-dependency-tracking --disable-ssp --with-pic \
		CC="$target_cc" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 NM=llvm-nm-19 \
		CFLAGS="$target_flags" LDFLAGS="$target_link"
	make -C src -j "$JOBS"
	make -C src install
	rm -rf "$OUT"/lib/*.la
	pc_file libsodium "$(sed -n 's/^PACKAGE_VERSION=.\(.*\)./\1/p' configure)" -lsodium
}
