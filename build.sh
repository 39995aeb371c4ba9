#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The one entry point: `./build.sh VERB`. Verbs are rows of a table and functions named verb_*.
#
#   packages/engine.sh     steps, kept in the cache under the hash of what goes into them
#   packages/sources.sh    Debian's packages: installed, pinned, fetched, checked
#   packages/*/*.sh        a recipe a third-party package; kernel-config/, rootfs/, board/ and
#                          environments/ have theirs beside what they build
#   packages/cluster.sh    up, down, shell
#   packages/notebooks.sh  run
#   tests/run.sh           test
#   tests/bench.sh         bench
#   tests/fuzz.sh          fuzz
set -eu
TOP=$(cd "$(dirname "$0")" && pwd)
cd "$TOP"
export TOP

for file in packages/engine.sh packages/sources.sh packages/*.sh packages/*/*.sh kernel-config/*.sh \
	rootfs/*.sh board/*.sh environments/*.sh environments/*/*.sh tests/run.sh tests/bench.sh tests/fuzz.sh; do
	if [ -f "$file" ]; then
		# shellcheck disable=SC1090 # only functions and constants
		. "./$file"
	fi
done

usage() {
	cat <<-'EOT'
		usage: ./build.sh VERB
		  run [FILE.ipynb ...] [--once]  boot a node and execute notebooks on it; stays up until Ctrl-C
		  test [GROUP ...] [--long]      build everything and test it; without a group, all of them
		  up [--nodes N]                 a gateway and nodes in the background; prints URL and token
		  down                           stop them
		  shell [NODE]                   the console of a node that is up
		  bench [NAME] [--json]          measure; a line a figure
		  image BOARD                    the image of a board, in build/image/BOARD
		  env NAME                       one environment, in build/environments/NAME
		  fuzz [TARGET] [--minutes N] [--json]  fuzz the parsers; a line a target
		  lock [PACKAGE ...]             pin what the mirror offers now
		  clean [--cache]                remove build/; with --cache what was kept, too
		The cache is ANCHORHOLD_CACHE or ~/.cache/anchorhold; ANCHORHOLD_JOBS says how many processes.
	EOT
}

verb_image() {
	words_at_most 1 image "$@"
	case " $(image_boards)" in
	*" ${1:-none} "*) ;;
	*) usage_error "image: '${1:-}' is no board; there are: $(image_boards)" ;;
	esac
	host_packages
	release
	image_board=$1
	build need image "$image_board"
	keep_output "image-$image_board" "image/$image_board"
	say "build/image/$image_board"
}

verb_env() {
	words_at_most 1 env "$@"
	env_names=$(for file in environments/*/build.sh; do
		file=${file%/build.sh}
		printf '%s ' "${file##*/}"
	done)
	case " $env_names" in
	*" ${1:-none} "*) ;;
	*) usage_error "env: '${1:-}' is no environment; there are: $env_names" ;;
	esac
	host_packages
	release
	build need "env_$1"
	keep_output "env-$1" "environments/$1"
	say "build/environments/$1"
}

verb_lock() {
	source_lock "$@"
}

verb_clean() {
	words_at_most 1 clean "$@"
	case "${1:-}" in
	'' | --cache) ;;
	*) usage_error "clean: unknown word '$1'" ;;
	esac
	! up_running || usage_error "clean: a cluster is up; './build.sh down' first"
	rm -rf build
	# The release's secrets are no output: without them no image is ever built the same again.
	[ -z "${1:-}" ] || find "$CACHE" -mindepth 1 -maxdepth 1 ! -name release -exec rm -rf {} +
}

verb_help() {
	words_at_most 0 help "$@"
	usage
}

interrupted() {
	trap '' INT TERM HUP
	step_abort
	printf '\n' >&2
	warn interrupted
	exit 130
}

main() {
	verb=${1:-}
	case "$verb" in
	run | test | up | down | shell | bench | image | env | fuzz | lock | clean | help) shift ;;
	-h | --help) verb=help; shift ;;
	'') usage >&2; exit 2 ;;
	*)
		warn "unknown verb '$verb'"
		usage >&2
		exit 2
		;;
	esac
	trap interrupted INT TERM HUP
	"verb_$verb" "$@"
}

# The verbs with dashes are how this script calls itself. The braces have the shell read to the end
# before it begins, so that this file may change under a long build.
{
	case "${1:-}" in
	--step) shift; step_run "$@" ;;
	--group) shift; "$@" ;;
	--need) shift; trap interrupted INT TERM HUP; release; build need "$@"; say "$step_entry" ;;
	*) main "$@" ;;
	esac
	exit
}
