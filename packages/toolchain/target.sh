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
	key_add_file "packages/$library_name" packages/toolchain/target.sh
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

# target_cmake ARCH FOLDERS: $WORK/target.cmake, CMake's toolchain file; libraries are looked for in
# the bare sysroot and in FOLDERS.
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

# pc_file NAME VERSION LIBS: a pkg-config file that holds wherever the sysroot lies. It names no
# folder of headers: the compiler finds them by itself, and only then are they the system's.
pc_file() {
	mkdir -p "$OUT/lib/pkgconfig"
	cat >"$OUT/lib/pkgconfig/$1.pc" <<-EOT
		prefix=\${pcfiledir}/../..
		Name: $1
		Description: $1 for the node
		Version: $2
		Libs: -L\${prefix}/lib $3
	EOT
}
