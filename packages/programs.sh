# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Our own programs: those of the node (step `programs-ARCH`, stripped static-pie) and those of the
# backend (step `backend`, for this machine).
#
# Meson's build folders stay in build/ so that a change costs only what it touches; what a step
# keeps is the same bytes as from an empty folder.

# program_files FOLDER...: what programs are made of; tests, fuzzers and documents are not.
program_files() {
	for program_dir; do
		[ -d "$program_dir" ] || continue
		find "$program_dir" -type f ! -name 'test_*' ! -name 'fuzz_*' ! -name '*.md' ! -name '*.sh' \
			! -path '*/corpus/*' ! -path '*/__pycache__/*' ! -path 'environments/python/*'
	done | LC_ALL=C sort
	printf '%s\n' meson.build meson_options.txt
}

programs() {
	need toolchain "$1"
	key_add_step "toolchain-$1"
	# shellcheck disable=SC2046 # paths of this tree have no spaces
	key_add_file packages/programs.sh $(program_files conf netlink link init hostd environments) \
		hostd/cell/test_cell.c hostd/cell/test_steps.c hostd/cell/test_uids.c \
		hostd/cell/test_egress.c hostd/cell/test_hosts.[ch] \
		hostd/cell/test_machine.[ch] hostd/cell/test_inject.[ch]
	step "programs-$1" "init, hostd, cell-init, lua-kernel ($1)" build_programs "$1"
}

backend() {
	need libzmq_host
	key_add_step libzmq-host
	# shellcheck disable=SC2046
	key_add_file packages/programs.sh $(program_files conf link backend)
	key_add_text "$(clang-19 --version | head -n 1) $(backend_cflags)"
	step backend 'gateway and command line client' build_backend
}

backend_cflags() {
	printf '%s ' -O2 -g -fPIE -fstack-protector-strong -fstack-clash-protection \
		-fcf-protection=full -D_FORTIFY_SOURCE=2 -ftrivial-auto-var-init=zero
}

# meson_build NAME ARGS...: sets up build/NAME or brings it up to date, and builds.
meson_build() {
	meson_dir="build/$1"
	shift
	mkdir -p build
	exec 8>"$meson_dir.lock"
	flock 8
	if [ -f "$meson_dir/build.ninja" ]; then
		meson setup --reconfigure "$meson_dir" "$@"
	else
		rm -rf "$meson_dir"
		meson setup "$meson_dir" "$@"
	fi
	ninja -C "$meson_dir" -j "$JOBS"
}

# meson_programs FOLDER NAME...: where a build folder has each program.
meson_programs() {
	meson_tree=$1
	shift
	for meson_name; do
		meson_found=$(find "$meson_tree" -type f -name "$meson_name" -perm -100)
		[ -n "$meson_found" ] || die "no meson.build makes the program '$meson_name'"
		printf '%s\n' "$meson_found"
	done
}

build_programs() {
	programs_toolchain=$(step_dir "toolchain-$1")
	# The folder's name holds the toolchain's key: another toolchain starts from nothing.
	programs_dir="node-$1-$(step_key "toolchain-$1" | cut -c 1-8)"
	meson_build "$programs_dir" --cross-file "$programs_toolchain/$1.ini" \
		-Dnode=true -Drequire_single_part=true
	programs_files=$(meson_programs "build/$programs_dir" init hostd cell-init lua-kernel \
		lua-kernel-hostile bare bench-cell bench-true bench-calls)
	# The attack group's, and the cell's unit tests: in no image but the tests'.
	[ "$1" != x86_64 ] || programs_files="$programs_files $(meson_programs "build/$programs_dir" \
		attack-probe attack-cells attack-cell-init attack-taken \
		units-cell units-egress units-steps units-uids units-probe)"
	for programs_file in $programs_files; do
		programs_name=${programs_file##*/}
		llvm-strip-19 -o "$OUT/$programs_name" "$programs_file"
		programs_check "$OUT/$programs_name"
	done
}

# A program for the node is static-pie with nothing writable and executable, and no text relocations.
programs_check() {
	llvm-readelf-19 -h -l -d "$1" >"$WORK/elf"
	grep -q 'Type: *DYN' "$WORK/elf" || die "$1 is not position independent"
	grep -q 'INTERP' "$WORK/elf" && die "$1 is not static"
	grep -q 'TEXTREL' "$WORK/elf" && die "$1 has text relocations"
	grep -q 'BIND_NOW\|NOW' "$WORK/elf" || die "$1 is not bound at start"
	grep -q 'GNU_STACK.* RW ' "$WORK/elf" || die "$1 has an executable stack"
	grep -q 'LOAD.* RWE ' "$WORK/elf" && die "$1 has writable code"
	return 0
}

# Debian's libraries, but the libzmq of our own in front of them.
backend_meson() {
	backend_zmq=$(step_dir libzmq-host)
	backend_name=$1
	shift
	export PKG_CONFIG_PATH="$backend_zmq/lib/pkgconfig"
	CC=clang-19 meson_build "$backend_name-$(step_key libzmq-host | cut -c 1-8)" "$@"
}

build_backend() {
	backend_meson host -Dgateway=true -Drequire_single_part=true -Dbuildtype=plain \
		-Dc_args="$(backend_cflags)" -Dc_link_args='-pie -Wl,-z,relro,-z,now'
	backend_files=$(meson_programs "build/host-$(step_key libzmq-host | cut -c 1-8)" \
		anchorhold-gateway anchorhold)
	for backend_file in $backend_files; do
		cp "$backend_file" "$OUT/"
	done
}
