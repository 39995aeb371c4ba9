# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

lua() {
	need compiler "$1"
	library lua "$1" lua5.4
}

build_lua() {
	target_env "$1"
	source_unpack lua5.4 "$WORK/src"
	make -C "$WORK/src/src" -j "$JOBS" liblua.a CC="$target_cc" AR='llvm-ar-19 rcD' \
		RANLIB=llvm-ranlib-19 CFLAGS="$target_flags -std=gnu99 -DLUA_USE_POSIX"
	mkdir -p "$OUT/lib" "$OUT/include"
	cp "$WORK/src/src/liblua.a" "$OUT/lib/"
	(cd "$WORK/src/src" && cp lua.h luaconf.h lualib.h lauxlib.h "$OUT/include/")
	pc_file lua5.4 5.4 '-llua -lm'
}
