# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

libseccomp() {
	need compiler "$1"
	library libseccomp "$1" libseccomp
}

build_libseccomp() {
	target_env "$1"
	source_unpack libseccomp "$WORK/src"
	cd "$WORK/src"
	# What gperf would make is shipped.
	./configure --build=x86_64-linux-gnu --host="$(target_triple "$1")" --prefix="$OUT" \
		--disable-shared --disable-python --disable-dependency-tracking GPERF=/bin/true \
		CC="$target_cc" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 NM=llvm-nm-19 \
		CFLAGS="$target_flags" LDFLAGS="$target_link"
	make -C include install
	make -C src -j "$JOBS" libseccomp.la
	mkdir -p "$OUT/lib"
	cp src/.libs/libseccomp.a "$OUT/lib/"
	pc_file libseccomp "$(sed -n 's/^PACKAGE_VERSION=.\(.*\)./\1/p' configure)" -lseccomp
}
