# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

jansson() {
	need compiler "$1"
	library jansson "$1" jansson
}

build_jansson() {
	source_unpack jansson "$WORK/src"
	target_cmake "$1" "$OUT"
	cmake -G Ninja -S "$WORK/src" -B "$WORK/build" -DCMAKE_TOOLCHAIN_FILE="$WORK/target.cmake" \
		-DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$OUT" -DJANSSON_BUILD_SHARED_LIBS=OFF \
		-DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
	ninja -C "$WORK/build" -j "$JOBS" install
	rm -rf "${OUT:?}/lib/cmake" "${OUT:?}/bin" "${OUT:?}/share"
	pc_file jansson "$(sed -n 's/^Version: //p' "$OUT/lib/pkgconfig/jansson.pc")" -ljansson
}
