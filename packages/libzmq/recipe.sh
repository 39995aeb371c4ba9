# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# libzmq for the node. packages/libzmq-host is the same for the gateway.

libzmq() {
	need compiler "$1"
	need libsodium "$1"
	library libzmq "$1" zeromq3 libsodium
}

libzmq_source() {
	source_unpack zeromq3 "$WORK/src"
	source_patch zeromq3 "$WORK/src"
	for libzmq_patch in single-part speculative-write timers refused-peer decode-errno; do
		patch -d "$WORK/src" -p1 -i "$TOP/packages/libzmq/$libzmq_patch.patch"
	done
}

# CURVE by libsodium, and neither WebSocket, TLS, TIPC, VMCI nor draft sockets. Nobody forks with a
# context open, so that no call need ask for its process's number first.
libzmq_configure() {
	cmake -G Ninja -S "$WORK/src" -B "$WORK/build" -DCMAKE_BUILD_TYPE=None \
		-DCMAKE_INSTALL_PREFIX="$OUT" -DCMAKE_INSTALL_LIBDIR=lib \
		-DBUILD_SHARED=OFF -DBUILD_STATIC=ON -DBUILD_TESTS=OFF -DWITH_PERF_TOOL=OFF \
		-DENABLE_CPACK=OFF -DWITH_DOC=OFF -DWITH_DOCS=OFF -DENABLE_DRAFTS=OFF -DENABLE_WS=OFF \
		-DWITH_TLS=OFF -DWITH_NSS=OFF -DWITH_LIBBSD=OFF -DENABLE_CURVE=ON -DWITH_LIBSODIUM=ON \
		-DWITH_LIBSODIUM_STATIC=ON -DENABLE_PRECOMPILED=OFF -DENABLE_CLANG=OFF \
		-DZMQ_HAVE_TIPC=0 -DWITH_VMCI=OFF -DHAVE_FORK=0 "$@"
	# Without libsodium this release falls back to a bundled copy of tweetnacl with only a warning.
	grep -q '^#define ZMQ_USE_LIBSODIUM' "$WORK/build/platform.hpp"
	ninja -C "$WORK/build" -j "$JOBS" install
	rm -rf "${OUT:?}/lib/cmake" "${OUT:?}/bin" "${OUT:?}/share"
}

build_libzmq() {
	libzmq_sodium=$(step_dir "libsodium-$1")
	libzmq_source
	target_cmake "$1" "$libzmq_sodium"
	export PKG_CONFIG_LIBDIR="$libzmq_sodium/lib/pkgconfig"
	# A cross build skips every check that runs a program: what those would find is said here, or
	# descriptors would leak over exec and keep-alive options would do nothing.
	libzmq_configure -DCMAKE_TOOLCHAIN_FILE="$WORK/target.cmake" \
		-DZMQ_HAVE_SOCK_CLOEXEC=1 -DZMQ_HAVE_O_CLOEXEC=1 -DZMQ_HAVE_EVENTFD_CLOEXEC=1 \
		-DZMQ_HAVE_SO_KEEPALIVE=1 -DZMQ_HAVE_TCP_KEEPCNT=1 -DZMQ_HAVE_TCP_KEEPIDLE=1 \
		-DZMQ_HAVE_TCP_KEEPINTVL=1 -DZMQ_HAVE_TCP_KEEPALIVE=1 -DZMQ_HAVE_PTHREAD_SETNAME_2=1 \
		-DZMQ_HAVE_PTHREAD_SET_AFFINITY=1 -DZMQ_HAVE_SO_BINDTODEVICE=1 -DZMQ_HAVE_SO_PRIORITY=1
	pc_file libzmq 4.3.4 '-lzmq -lsodium -lc++ -lc++abi -lunwind'
}
