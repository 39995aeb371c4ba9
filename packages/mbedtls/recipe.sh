# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

mbedtls() {
	need compiler "$1"
	library mbedtls "$1" mbedtls
}

# Only libmbedcrypto, of which only hashes and HMAC: config.h says what and why.
build_mbedtls() {
	target_env "$1"
	source_unpack mbedtls "$WORK/src"
	cp packages/mbedtls/config.h "$WORK/src/include/mbedtls/mbedtls_config.h"
	make -C "$WORK/src/library" -j "$JOBS" libmbedcrypto.a GEN_FILES= CC="$target_cc" \
		AR=llvm-ar-19 ARFLAGS=crD RL=llvm-ranlib-19 RLFLAGS= CFLAGS="$target_flags"
	mkdir -p "$OUT/lib" "$OUT/include"
	cp "$WORK/src/library/libmbedcrypto.a" "$OUT/lib/"
	cp -R "$WORK/src/include/mbedtls" "$WORK/src/include/psa" "$OUT/include/"
}
