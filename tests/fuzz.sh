# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# fuzz: libFuzzer's targets, which stand beside what they fuzz (fuzz_*.c, seeds in corpus/).
#
# New inputs are kept in build/fuzz/TARGET and go on from there the next time; what libFuzzer said
# is in build/fuzz/TARGET.log, an input that ended a target in build/fuzz/crash-TARGET-*.

FUZZ_SECONDS=60	# of each target, in a test run without --long
FUZZ_MORE=90	# the same beside other groups, one target at a time

fuzz_build() {
	backend_meson fuzz -Dnode=true -Dgateway=true -Dfuzz=true
}

fuzz_targets() {
	find "build/fuzz-$(step_key libzmq-host | cut -c 1-8)" -type f -name 'fuzz_*' -perm -100 |
		LC_ALL=C sort
}

# The targets' names, before any is built: each has a folder of seeds.
fuzz_names() {
	find . -path ./build -prune -o -path '*/corpus/*' -type d -print | sed 's,.*/,,' | LC_ALL=C sort
}

# fuzz_one PROGRAM SECONDS: what went wrong is told by its exit code, and in its log. An input may
# take 10 s by the clock; at idle priority 60, for a target may stand still for long then.
fuzz_one() {
	fuzz_name=${1##*/fuzz_}
	fuzz_seeds=$(find . -path ./build -prune -o -path "*/corpus/$fuzz_name" -type d -print)
	mkdir -p "build/fuzz/$fuzz_name"
	fuzz_slowest=10
	[ -z "${FUZZ_BESIDE:-}" ] || fuzz_slowest=60
	fuzz_rc=0
	# shellcheck disable=SC2086 # at most one folder, without spaces
	"$1" -max_total_time="$2" -timeout="$fuzz_slowest" -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="build/fuzz/crash-$fuzz_name-" "build/fuzz/$fuzz_name" $fuzz_seeds \
		>"build/fuzz/$fuzz_name.log" 2>&1 </dev/null || fuzz_rc=$?
	echo "$fuzz_rc" >"build/fuzz/$fuzz_name.rc"
	times >"build/fuzz/$fuzz_name.times"
}

# fuzz_cpu TARGET: the CPU seconds it had, which are those of fuzz_one's children.
fuzz_cpu() {
	awk -F '[ms ]+' 'NR == 2 { printf "%d\n", $1 * 60 + $2 + $3 * 60 + $4 }' "build/fuzz/$1.times"
}

# fuzz_all SECONDS [AT-A-TIME]: the programs named on standard input, by as many as there are CPUs.
fuzz_all() {
	xargs -P "${2:-$JOBS}" -I '{}' sh "$TOP/build.sh" --group fuzz_one '{}' "$1"
}

# fuzz_figures PROGRAM SECONDS: one JSON object, from libFuzzer's own words. Edges are those of all
# that is linked: the target's parser, and the library it stands in.
fuzz_figures() {
	awk -v target="${1##*/fuzz_}" -v rc="$(cat "build/fuzz/${1##*/fuzz_}.rc")" -v seconds="$2" \
		-v cpu="$(fuzz_cpu "${1##*/fuzz_}")" '
		/^INFO: Loaded .*inline 8-bit counters/ {
			total = $0
			sub(/ inline 8-bit counters.*/, "", total)
			sub(/.*\(/, "", total)
		}
		/ cov: / {
			for (i = 1; i < NF; i++) {
				if ($i == "cov:")
					edges = $(i + 1)
				if ($i == "corp:")
					inputs = $(i + 1)
			}
			sub(/\/.*/, "", inputs)
		}
		/^stat::number_of_executed_units:/ { executions = $2 }
		END {
			printf "{\"target\":\"%s\",\"seconds\":%d,\"cpu_seconds\":%d,", target, seconds, cpu
			printf "\"executions\":%d,\"edges\":%d,", executions, edges
			printf "\"edges_linked\":%d,\"inputs\":%d,\"failed\":%s}\n", total, inputs,
				(rc == 0 && executions > 0) ? "false" : "true"
		}' "build/fuzz/${1##*/fuzz_}.log"
}

fuzz_table() {
	printf '%-18s %6s %12s %8s %14s %7s\n' target cpu-s executions a-second edges/linked inputs
	jq -r '[.target, .cpu_seconds, .executions, (.executions / .seconds | floor),
		"\(.edges)/\(.edges_linked)", .inputs, if .failed then "FAILED" else "" end] | @tsv' |
		while IFS='	' read -r row_target row_cpu row_count row_rate row_edges row_inputs row_failed; do
			printf '%-18s %6s %12s %8s %14s %7s%s\n' "$row_target" "$row_cpu" "$row_count" \
				"$row_rate" "$row_edges" "$row_inputs" "${row_failed:+  $row_failed}"
		done
}

# fuzz_report SECONDS: a line of figures a program named on standard input.
fuzz_report() {
	while read -r report_program; do
		fuzz_figures "$report_program" "$1"
	done
}

# Idle priority is one within a session: where the kernel shares the CPUs by sessions (sched(7),
# autogroup), this one asks for the least.
fuzz_yield() {
	[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup
}

test_fuzz() {
	[ -z "${FUZZ_BESIDE:-}" ] || fuzz_yield
	check 'fuzz: build' fuzz_build
	fuzz_programs=$(fuzz_targets)
	[ -n "$fuzz_programs" ] || result failed 'fuzz targets' 'there are none'
	fuzz_seconds=$FUZZ_SECONDS
	[ -z "${FUZZ_BESIDE:-}" ] || fuzz_seconds=$FUZZ_MORE
	fuzz_seconds=$((fuzz_seconds * $2))
	say "fuzz: each target has $fuzz_seconds s${FUZZ_BESIDE:+, beside the groups before}"
	printf '%s\n' "$fuzz_programs" | fuzz_all "$fuzz_seconds" ${FUZZ_BESIDE:+1}
	printf '%s\n' "$fuzz_programs" | fuzz_report "$fuzz_seconds" >build/fuzz/figures
	fuzz_table <build/fuzz/figures | tee -a "$GROUP_LOG"
	jq -r 'if .failed then "failed" else "passed" end + " " + .target' build/fuzz/figures |
		while read -r fuzz_result fuzz_name; do
			[ "$fuzz_result" = passed ] || tail -n 30 "build/fuzz/$fuzz_name.log"
			result "$fuzz_result" "fuzz_$fuzz_name"
		done
}

verb_fuzz() {
	fuzz_wanted='' fuzz_minutes=1 fuzz_json=
	while [ "$#" -gt 0 ]; do
		case "$1" in
		--minutes) fuzz_minutes=${2:-}; [ "$#" -ge 2 ] || usage_error 'fuzz: --minutes wants a number'; shift ;;
		--json) fuzz_json=1 ;;
		-*) usage_error "fuzz: unknown option '$1'" ;;
		*)
			[ -z "$fuzz_wanted" ] || usage_error "fuzz: unknown word '$1'"
			fuzz_wanted=$1
			fuzz_names | grep -q -x -F -e "$1" ||
				usage_error "fuzz: no target '$1'; there are: $(fuzz_names | tr '\n' ' ')"
			;;
		esac
		shift
	done
	case "$fuzz_minutes" in
	'' | 0* | *[!0-9]*) usage_error "fuzz: --minutes '$fuzz_minutes' is not a number of minutes" ;;
	esac
	host_packages
	build need libzmq_host >&2
	mkdir -p build/fuzz
	fuzz_build >build/fuzz.log 2>&1 || {
		tail -n 40 build/fuzz.log >&2
		die 'the fuzz targets do not build; the whole log: build/fuzz.log'
	}
	fuzz_programs=$(fuzz_targets)
	if [ -n "$fuzz_wanted" ]; then
		fuzz_programs=$(printf '%s\n' "$fuzz_programs" | grep -x -e ".*/fuzz_$fuzz_wanted") ||
			die "fuzz_$fuzz_wanted has seeds and was not built"
	fi
	printf '%s\n' "$fuzz_programs" | fuzz_all "$((fuzz_minutes * 60))"
	printf '%s\n' "$fuzz_programs" | fuzz_report "$((fuzz_minutes * 60))" >build/fuzz/figures
	if [ -n "$fuzz_json" ]; then
		jq -s . build/fuzz/figures
	else
		fuzz_table <build/fuzz/figures
	fi
	! grep -q '"failed":true' build/fuzz/figures ||
		die 'a target failed; what ended it is in build/fuzz/crash-*, its words in build/fuzz/TARGET.log'
}
