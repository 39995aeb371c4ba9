# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The engine: steps kept in the cache under the hash of all that goes into them.
#
# A verb's work is a shell function that calls `need RECIPE ARGS...`; a recipe is a function that
# names what it needs, then what goes into its key, then itself:
#
#	libsodium() {
#		need toolchain "$1"
#		key_add_step "toolchain-$1"
#		key_add_file packages/libsodium
#		key_add_source libsodium
#		step "libsodium-$1" "libsodium ($1)" build_libsodium "$1"
#	}
#
# `build FUNCTION ARGS...` calls the verb's function twice: first only to compute keys and count the
# steps, so that the 'n of m' shown is true; then to build what the cache does not have.
#
# A step's function runs in a process group of its own, with `set -eu`, the tree's root as its
# folder, its output in $LOG, and: $OUT (an empty folder to fill; it becomes the cache entry in one
# rename), $WORK (scratch, removed afterwards), $JOBS. `step_dir NAME` prints the folder of a step
# that was needed earlier.

CACHE=${ANCHORHOLD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/anchorhold}
JOBS=${ANCHORHOLD_JOBS:-$(nproc)}
STEP_KEYS=${STEP_KEYS:-}
export CACHE JOBS STEP_KEYS

step_pass=build		# plan or build
step_total=0
step_index=0
step_needed=' '		# recipes already called in this pass
step_child=		# the process group now building, for the trap
beside_child=		# and one that tests beside it
step_tmp=		# its scratch
key_text=
key_paths=		# of each key_add_file, and a bar
key_sums=		# what they were then
key_sources=

say() {
	printf '%s\n' "$*"
}

warn() {
	printf 'build.sh: %s\n' "$*" >&2
}

# Our mistakes and the machine's end in 1, the user's in 2.
die() {
	warn "$*"
	exit 1
}

usage_error() {
	warn "$*"
	exit 2
}

# words_at_most COUNT VERB WORD...: names the first word that is one too many.
words_at_most() {
	[ "$(($# - 2))" -gt "$1" ] || return 0
	words_verb=$2
	shift "$(($1 + 2))"
	usage_error "$words_verb: unknown word '$1'"
}

sha256() {
	sha256sum | cut -d ' ' -f 1
}

# The content of files and folders as text: names and hashes, in an order that no locale changes.
hash_paths() {
	for hash_path; do
		[ -e "$hash_path" ] || die "'$hash_path' is named in a step's key but does not exist"
	done
	find "$@" -name __pycache__ -prune -o -name .pytest_cache -prune -o -type l -print0 \
		-o -type f ! -name '*.pyc' ! -name '.*.swp' ! -name '*~' -print0 |
		LC_ALL=C sort -z | xargs -0 -r sha256sum
}

key_add_text() {
	key_text="$key_text
text $*"
}

key_add_file() {
	key_hashes=$(hash_paths "$@") || exit 1
	key_text="$key_text
$key_hashes"
	key_paths="$key_paths $* |"
	key_sums="$key_sums
$key_hashes"
}

key_add_step() {
	for key_step; do
		key_value=$(step_key "$key_step") || exit 1
		key_text="$key_text
step $key_step $key_value"
	done
}

# key_add_source PACKAGE...: the pinned files of Debian packages.
key_add_source() {
	key_lines=$(lock_lines "$@") || exit 1
	key_text="$key_text
$key_lines"
	key_sources="$key_sources $*"
}

step_key() {
	case "$STEP_KEYS" in
	*" $1="*) ;;
	*) die "step '$1' is used before it is needed" ;;
	esac
	step_value=${STEP_KEYS#*" $1="}
	printf '%s\n' "${step_value%% *}"
}

step_dir() {
	printf '%s/steps/%s-%s\n' "$CACHE" "$1" "$(step_key "$1")"
}

# need RECIPE ARGS...: calls the recipe unless this pass has called it with these arguments.
need() {
	case "$step_needed" in
	*" $* "*) return 0 ;;
	esac
	step_needed="$step_needed$* "
	"$@"
}

# build FUNCTION ARGS...: everything that FUNCTION needs, with progress.
build() {
	mkdir -p "$CACHE/steps" "$CACHE/locks" "$CACHE/logs" "$CACHE/tmp" "$CACHE/sources"
	step_sweep
	step_pass=plan step_total=0 step_index=0 step_needed=' ' STEP_KEYS=' '
	"$@"
	step_total=$step_index
	step_pass=build step_index=0 step_needed=' '
	"$@"
}

# Scratch folders carry the number of the process that made them; those of dead ones go.
step_sweep() {
	for sweep_dir in "$CACHE"/tmp/*; do
		[ -e "$sweep_dir" ] || continue
		[ -d "/proc/${sweep_dir##*.}" ] || rm -rf "$sweep_dir"
	done
}

# step NAME TITLE FUNCTION ARGS...
step() {
	step_name=$1 step_title=$2
	shift 2
	step_key=$(printf '%s\n%s\n%s' "$step_name" "$*" "$key_text" | sha256)
	step_key=$(printf '%.20s' "$step_key")
	step_paths=$key_paths step_sums=$key_sums step_sources=$key_sources
	key_text='' key_paths='' key_sums='' key_sources=''
	# The newest wins: a file may change between the two passes.
	STEP_KEYS=" $step_name=$step_key$STEP_KEYS"
	step_index=$((step_index + 1))
	[ "$step_pass" = build ] || return 0
	step_entry="$CACHE/steps/$step_name-$step_key"
	printf '[%*d/%d] %s ... ' "${#step_total}" "$step_index" "$step_total" "$step_title"
	if [ -d "$step_entry" ]; then
		touch -c "$step_entry"
		say cached
	else
		step_build "$@"
	fi
}

# Builds the step named by step_name under its lock; prints what it took or dies.
step_build() {
	exec 9>"$CACHE/locks/${step_entry##*/}"
	if ! flock -n 9; then
		printf 'waiting for another build ... '
		flock 9
	fi
	if [ -d "$step_entry" ]; then
		exec 9>&-
		say cached
		return 0
	fi
	step_tmp="$CACHE/tmp/${step_entry##*/}.$$"
	LOG="$CACHE/logs/${step_entry##*/}.log"
	OUT="$step_tmp/out" WORK="$step_tmp/work"
	export LOG OUT WORK
	rm -rf "$step_tmp"
	mkdir -p "$OUT" "$WORK"
	step_start=$(date +%s)
	for step_source in $step_sources; do
		source_fetch "$step_source" >/dev/null || {
			rm -rf "$step_tmp"
			exit 1
		}
	done
	step_rc=0
	# Its own session: one signal to its group ends all that it started.
	setsid nice -n 5 sh "$TOP/build.sh" --step "$@" >"$LOG" 2>&1 </dev/null &
	step_child=$!
	wait "$step_child" || step_rc=$?
	step_child=
	[ "$step_rc" -eq 0 ] || step_failed "$step_rc"
	step_check_unchanged
	mv -T "$OUT" "$step_entry"
	rm -rf "$step_tmp"
	exec 9>&-
	say "$(($(date +%s) - step_start)) s"
}

# What was built is only worth its key if no input changed since the key was computed.
step_check_unchanged() {
	[ "$(hash_step_paths)" != "$step_sums" ] || return 0
	rm -rf "$step_tmp"
	say refused
	die "$step_title: its sources changed while it was built; run it again"
}

hash_step_paths() {
	hash_group=
	for hash_word in $step_paths; do
		if [ "$hash_word" != '|' ]; then
			hash_group="$hash_group $hash_word"
			continue
		fi
		# shellcheck disable=SC2086 # a list of paths of this tree, which have no spaces
		printf '\n%s' "$(hash_paths $hash_group)"
		hash_group=
	done
}

step_failed() {
	say "failed"
	warn "$step_title failed (exit $1); the end of its log:"
	tail -n 40 "$LOG" | sed 's/^/    | /' >&2
	if grep -q 'No space left on device' "$LOG"; then
		warn "the disk is full: $(df -h --output=avail,target "$CACHE" | tail -n 1 | tr -s ' ') left for the cache"
	fi
	warn "the whole log: $LOG"
	rm -rf "$step_tmp"
	exit 1
}

# Called by the traps: ends the step in progress and removes its scratch.
step_abort() {
	for abort_child in $step_child $beside_child; do
		kill -s TERM -- "-$abort_child" 2>/dev/null || true
		wait "$abort_child" 2>/dev/null || true
	done
	[ -n "$step_child" ] || return 0
	step_child=
	[ -z "$step_tmp" ] || rm -rf "$step_tmp"
}

# The inside of a step: `build.sh --step FUNCTION ARGS...`
step_run() {
	cd "$TOP"
	umask 022
	LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1700000000 PATH=/usr/sbin:/usr/bin:/sbin:/bin
	export LC_ALL TZ SOURCE_DATE_EPOCH PATH
	unset CFLAGS CXXFLAGS LDFLAGS CPPFLAGS CC CXX MAKEFLAGS PKG_CONFIG_PATH PKG_CONFIG_LIBDIR
	set -x
	"$@"
}

# keep_output STEP PATH: a name in this checkout's build/ for a step's cache entry.
keep_output() {
	mkdir -p "$(dirname "build/$2")"
	rm -rf "build/$2.new"
	ln -s "$(step_dir "$1")" "build/$2.new"
	[ -L "build/$2" ] || rm -rf "build/$2"
	mv -T "build/$2.new" "build/$2"
}
