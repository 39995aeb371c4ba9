# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The compiler's sysroot with all libraries in it, and meson's cross file.

toolchain_libraries='libsodium libzmq mbedtls libseccomp jansson lua'

toolchain() {
	need compiler "$1"
	for toolchain_library in $toolchain_libraries; do
		need "$toolchain_library" "$1"
	done
	key_add_step "compiler-$1"
	for toolchain_library in $toolchain_libraries; do
		key_add_step "$toolchain_library-$1"
	done
	key_add_text "$(target_cflags "$1") $(target_ldflags) $(target_cfi)"
	key_add_file packages/toolchain/sysroot.sh
	step "toolchain-$1" "toolchain: compiler and libraries ($1)" build_toolchain "$1"
}

build_toolchain() {
	cp -a "$(step_dir "compiler-$1")/." "$OUT/"
	for toolchain_library in $toolchain_libraries; do
		cp -a "$(step_dir "$toolchain_library-$1")/." "$OUT/sysroot/"
	done
	toolchain_meson "$1"
}

meson_list() {
	for meson_word; do
		printf "'%s', " "$meson_word"
	done
}

# Cross file for meson. Paths are those of the cache entry that this becomes. What link-time
# optimisation made of a library's module is kept and used again: the result is the same, sooner.
toolchain_meson() {
	toolchain_dir=$(step_dir "toolchain-$1")
	# shellcheck disable=SC2046 # lists of flags; the target's own -fPIE stands for meson's options
	cat >"$OUT/$1.ini" <<-EOT
		[constants]
		dir = '$toolchain_dir'

		[binaries]
		c = ['clang-19', '--config=' + dir / '$1.cfg']
		cpp = ['clang++-19', '--config=' + dir / '$1.cfg']
		ar = 'llvm-ar-19'
		strip = 'llvm-strip-19'
		nm = 'llvm-nm-19'
		pkgconfig = 'pkg-config'

		[properties]
		pkg_config_libdir = dir / 'sysroot/lib/pkgconfig'

		[built-in options]
		c_args = [$(meson_list $(target_cflags "$1") $(target_cfi))]
		c_link_args = [$(meson_list $(target_ldflags) $(target_cfi) \
			-Wl,--thinlto-cache-dir="$CACHE/thinlto" -Wl,--thinlto-cache-policy=cache_size_bytes=1g)]
		default_library = 'static'
		prefer_static = true
		buildtype = 'plain'
		b_pie = false
		b_staticpic = false

		[host_machine]
		system = 'linux'
		cpu_family = '$1'
		cpu = '$1'
		endian = 'little'
	EOT
}
