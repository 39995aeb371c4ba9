# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What programs for a node are built with, by architecture (x86_64, aarch64).
#
# `compiler-ARCH` holds the bare sysroot; `toolchain-ARCH` is the same with the libraries in it:
# `clang-19 --config=$(step_dir toolchain-ARCH)/ARCH.cfg`, or meson's `ARCH.ini` beside it.

target_triple() {
	printf '%s-linux-musl\n' "$1"
}

# The hardening flags of everything that runs on a node.
target_cflags() {
	case "$1" in
	x86_64) target_branch=-fcf-protection=full ;;
	*) target_branch=-mbranch-protection=standard ;;
	esac
	printf '%s ' -O2 -g0 -fPIE -fvisibility=hidden -fstack-protector-strong \
		-fstack-clash-protection "$target_branch" -ftrivial-auto-var-init=zero \
		-ffunction-sections -fdata-sections -fno-plt -fno-strict-aliasing -fwrapv
}

# musl's threads have 128 KiB of stack by default, which libzmq's and our own may outgrow.
target_ldflags() {
	printf '%s ' -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
		-Wl,--gc-sections -Wl,--build-id=none -Wl,-z,stack-size=1048576
}

# Link-time optimisation with control flow integrity: a call through a pointer to a function of
# another type ends in an illegal instruction. Holds for code that is built with it, see
# packages/cfi-exceptions.
target_cfi() {
	printf '%s ' -flto=thin -fsanitize=cfi -fsanitize-trap=cfi
}

# The commands and flags of a library's build, for recipes: target_env ARCH sets target_*.
target_env() {
	target_cc="clang-19 --config=$(step_dir "compiler-$1")/$1.cfg"
	target_cxx="clang++-19 --config=$(step_dir "compiler-$1")/$1.cfg"
	target_flags="$(target_cflags "$1")$(target_cfi)-ffile-prefix-map=$WORK=."
	target_link="$(target_ldflags)$(target_cfi)"
}

# library NAME ARCH PACKAGE [DEPENDENCY...]: a step whose function is build_NAME ARCH.
library() {
	library_name=$1 library_arch=$2
	key_add_file "packages/$library_name"
	key_add_source "$3"
	key_add_text "$(target_cflags "$2") $(target_ldflags) $(target_cfi)"
	key_add_step "compiler-$2"
	shift 3
	for library_step; do
		key_add_step "$library_step-$library_arch"
	done
	step "$library_name-$library_arch" "$library_name ($library_arch)" \
		"build_$library_name" "$library_arch"
}

# CMake's common arguments for a library, one a line for `xargs`-free use as a file.
target_cmake() {
	target_env "$1"
	cat >"$WORK/target.cmake" <<-EOT
		set(CMAKE_SYSTEM_NAME Linux)
		set(CMAKE_SYSTEM_PROCESSOR $1)
		set(CMAKE_C_COMPILER clang-19)
		set(CMAKE_CXX_COMPILER clang++-19)
		set(CMAKE_AR /usr/bin/llvm-ar-19)
		set(CMAKE_RANLIB /usr/bin/llvm-ranlib-19)
		set(CMAKE_C_FLAGS_INIT "${target_cc#* } $target_flags")
		set(CMAKE_CXX_FLAGS_INIT "${target_cxx#* } $target_flags")
		set(CMAKE_EXE_LINKER_FLAGS_INIT "$target_link")
		set(CMAKE_FIND_ROOT_PATH "$(step_dir "compiler-$1")/sysroot;$2")
		set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
		set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
		set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
		set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
	EOT
}

# pc_file NAME VERSION LIBS: a pkg-config file that holds wherever the sysroot lies.
pc_file() {
	mkdir -p "$OUT/lib/pkgconfig"
	cat >"$OUT/lib/pkgconfig/$1.pc" <<-EOT
		prefix=\${pcfiledir}/../..
		Name: $1
		Description: $1 for the node
		Version: $2
		Cflags: -I\${prefix}/include
		Libs: -L\${prefix}/lib $3
	EOT
}

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
	key_add_file packages/toolchain/target.sh
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

# Cross file for meson. Paths are those of the cache entry that this becomes.
toolchain_meson() {
	toolchain_dir=$(step_dir "toolchain-$1")
	# shellcheck disable=SC2046 # lists of flags
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
		c_link_args = [$(meson_list $(target_ldflags) $(target_cfi))]
		default_library = 'static'
		prefer_static = true
		buildtype = 'plain'
		b_pie = false
		b_staticpic = true

		[host_machine]
		system = 'linux'
		cpu_family = '$1'
		cpu = '$1'
		endian = 'little'
	EOT
}
