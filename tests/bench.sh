# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# bench: figures, each a ratio against a peer or the bare floor of the same run (tests/bench/).

bench_needs() {
	up_needs
	need image qemu-test
}

# The link is measured natively: hostd --plain and bench-link, optimised, for this machine.
bench_native() {
	say 'native build for the link ...' >&2
	backend_meson bench -Dnode=true -Dgateway=true -Dtests=true -Drequire_single_part=true \
		-Dbuildtype=release >build/bench.log 2>&1 || {
		tail -n 40 build/bench.log >&2
		die 'the native programs do not build; the whole log: build/bench.log'
	}
	ANCHORHOLD_NATIVE="$TOP/build/bench-$(step_key libzmq-host | cut -c 1-8)"
	export ANCHORHOLD_NATIVE
}

bench_names() {
	sed -n 's/^NAMES = \[\(.*\)\]$/\1/p' tests/bench/__main__.py | tr -d '",'
}

verb_bench() {
	for bench_word; do
		case " --json $(bench_names) " in
		*" $bench_word "*) ;;
		*) usage_error "bench: unknown bench '$bench_word'; there are: $(bench_names)" ;;
		esac
	done
	host_packages
	release
	build bench_needs
	keep_output backend backend
	keep_output image-qemu image/qemu
	keep_output image-qemu-test image/qemu-test
	keep_output programs-x86_64 programs
	case " ${*:-link} " in
	*' link '* | ' --json ') bench_native ;;
	esac
	PYTHONPATH=tests exec /usr/bin/python3 -m bench "$@"
}
