# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The bare compiler for the target: Debian's clang-19 and lld-19, LLVM's runtimes on musl.

compiler_musl() {
	source_unpack musl "$WORK/musl"
	source_patch musl "$WORK/musl"
	make -C "$WORK/musl" ARCH="$1" prefix=/ DESTDIR="$OUT/sysroot" install-headers
	ln -s . "$OUT/sysroot/usr"
	dpkg-deb --fsys-tarfile "$(source_fetch linux-libc-dev)" >"$WORK/uapi.tar"
	mkdir "$WORK/uapi"
	tar -x -f "$WORK/uapi.tar" -C "$WORK/uapi"
	case "$1" in x86_64) musl_asm=x86 ;; aarch64) musl_asm=arm64 ;; esac
	# What we compile includes no other of the kernel's folders; musl has a scsi of its own.
	cp -R "$WORK/uapi/usr/include/linux" "$WORK/uapi/usr/include/asm-generic" \
		"$WORK/uapi/usr/include/mtd" "$OUT/sysroot/include/"
	cp -RL "$WORK/uapi/usr/lib/linux/uapi/$musl_asm/asm" "$OUT/sysroot/include/asm"
}

compiler_cmake() {
	cmake_triple=$(target_triple "$1")
	cmake_source=$2 cmake_build=$3
	shift 3
	cmake -G Ninja -S "$cmake_source" -B "$cmake_build" -DCMAKE_BUILD_TYPE=Release \
		-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY \
		-DCMAKE_SYSROOT="$OUT/sysroot" -DCMAKE_INSTALL_PREFIX=/ \
		-DCMAKE_C_COMPILER=clang-19 -DCMAKE_C_COMPILER_TARGET="$cmake_triple" \
		-DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_COMPILER_TARGET="$cmake_triple" \
		-DCMAKE_ASM_COMPILER=clang-19 -DCMAKE_ASM_COMPILER_TARGET="$cmake_triple" \
		-DCMAKE_AR=/usr/bin/llvm-ar-19 -DCMAKE_RANLIB=/usr/bin/llvm-ranlib-19 \
		-DCMAKE_NM=/usr/bin/llvm-nm-19 \
		-DCMAKE_C_FLAGS="$compiler_flags" -DCMAKE_CXX_FLAGS="$compiler_flags" \
		-DCMAKE_ASM_FLAGS="$compiler_flags" "$@"
	ninja -C "$cmake_build" -j "$JOBS"
}

compiler_builtins() {
	compiler_cmake "$1" "$WORK/llvm/compiler-rt/lib/builtins" "$WORK/builtins" \
		-DCOMPILER_RT_DEFAULT_TARGET_ONLY=ON -DCOMPILER_RT_BUILD_CRT=ON \
		-DCOMPILER_RT_OS_DIR=linux -DLLVM_CMAKE_DIR="$WORK/llvm/llvm/cmake/modules"
	mkdir -p "$OUT/resource/lib/linux"
	cp "$WORK"/builtins/lib/linux/* "$OUT/resource/lib/linux/"
	builtins_clang=$(clang-19 -print-resource-dir)
	ln -s "$builtins_clang/include" "$OUT/resource/include"
	ln -s "$builtins_clang/share" "$OUT/resource/share"
}

compiler_libc() {
	(
		cd "$WORK/musl"
		./configure --target="$(target_triple "$1")" --prefix=/ --disable-shared \
			CC="clang-19 --target=$(target_triple "$1")" AR=llvm-ar-19 RANLIB=llvm-ranlib-19 \
			CFLAGS="$compiler_flags" LIBCC="$OUT/resource/lib/linux/libclang_rt.builtins-$1.a"
		make -j "$JOBS"
		make DESTDIR="$OUT/sysroot" install-libs
	)
}

compiler_runtimes() {
	compiler_cmake "$1" "$WORK/llvm/runtimes" "$WORK/runtimes" \
		-DLLVM_ENABLE_RUNTIMES='libunwind;libcxxabi;libcxx' -DLLVM_INCLUDE_TESTS=OFF \
		-DLIBUNWIND_ENABLE_SHARED=OFF -DLIBCXXABI_ENABLE_SHARED=OFF -DLIBCXX_ENABLE_SHARED=OFF \
		-DLIBCXX_HAS_MUSL_LIBC=ON -DLIBCXX_USE_COMPILER_RT=ON -DLIBCXX_CXX_ABI=libcxxabi \
		-DLIBCXX_STATICALLY_LINK_ABI_IN_STATIC_LIBRARY=ON -DLIBCXX_HARDENING_MODE=fast \
		-DLIBCXX_INCLUDE_BENCHMARKS=OFF -DLIBCXXABI_USE_LLVM_UNWINDER=ON \
		-DLIBCXXABI_USE_COMPILER_RT=ON -DLIBCXXABI_ENABLE_STATIC_UNWINDER=ON \
		-DLIBUNWIND_USE_COMPILER_RT=ON
	DESTDIR="$OUT/sysroot" ninja -C "$WORK/runtimes" install
}

# Paths are relative to the file itself, so that a cache entry may move.
compiler_config() {
	cat >"$OUT/$1.cfg" <<-EOT
		--target=$(target_triple "$1")
		--sysroot=<CFGDIR>/sysroot
		-resource-dir=<CFGDIR>/resource
		--rtlib=compiler-rt
		--unwindlib=libunwind
		-stdlib=libc++
		-fuse-ld=lld
	EOT
}

build_compiler() {
	compiler_flags="-O2 -g0 -fPIC -fstack-protector-strong -ffile-prefix-map=$WORK=."
	compiler_musl "$1"
	source_unpack llvm-toolchain-19 "$WORK/llvm" cmake compiler-rt libcxx libcxxabi libunwind libc \
		runtimes third-party llvm/cmake llvm/utils
	compiler_flags="-O2 -g0 -fPIC -ffile-prefix-map=$WORK=."
	compiler_builtins "$1"
	compiler_libc "$1"
	compiler_runtimes "$1"
	compiler_config "$1"
}

compiler() {
	key_add_file packages/toolchain/recipe.sh
	key_add_source musl llvm-toolchain-19 linux-libc-dev
	key_add_text "$(clang-19 --version | head -n 1)"
	step "compiler-$1" "compiler: clang on musl ($1)" build_compiler "$1"
}
