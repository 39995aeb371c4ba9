# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The node's libzmq, pinned and patched, for the gateway and the unit tests on this machine.

libzmq_host() {
	key_add_file packages/libzmq packages/libzmq-host packages/toolchain/target.sh
	key_add_source zeromq3
	key_add_text "$(g++ --version | head -n 1)"
	step libzmq-host 'libzmq (this machine)' build_libzmq_host
}

build_libzmq_host() {
	libzmq_source
	libzmq_configure -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ \
		-DCMAKE_C_FLAGS="-O2 -g -fPIC -ffile-prefix-map=$WORK=." \
		-DCMAKE_CXX_FLAGS="-O2 -g -fPIC -ffile-prefix-map=$WORK=."
	pc_file libzmq 4.3.4 '-lzmq -lsodium -lstdc++ -lpthread'
	# Its header must be found before Debian's, which has no option of ours.
	# shellcheck disable=SC2016 # for pkg-config
	printf 'Cflags: -I${prefix}/include\n' >>"$OUT/lib/pkgconfig/libzmq.pc"
}
