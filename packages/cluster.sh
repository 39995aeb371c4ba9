# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# up, down and shell: a gateway and its nodes on this machine, in the background.
#
# Everything of theirs is in build/up/. `processes` there has a line for each that was started:
# PID START-TIME PROGRAM. Only what still is that process is ever signalled.

UP=build/up
UP_HTTP=${ANCHORHOLD_HTTP_PORT:-8890}
UP_LINK=${ANCHORHOLD_LINK_PORT:-8891}
UP_WAIT=${ANCHORHOLD_UP_SECONDS:-180}

up_needs() {
	need backend
	need image qemu
}

build_cluster() {
	host_packages
	release
	build up_needs
	keep_output backend backend
	keep_output image-qemu image/qemu
}

# The time, in ticks since boot, at which a process was started: with the number it names it.
process_start_time() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

process_is() { # PID START-TIME PROGRAM
	[ -n "$2" ] && [ "$(process_start_time "$1")" = "$2" ] &&
		grep -a -q -F -e "$3" "/proc/$1/cmdline" 2>/dev/null
}

# up_start PROGRAM LOG COMMAND...: starts a process in a session of its own and notes it.
up_start() {
	start_program=$1 start_log=$2
	shift 2
	setsid "$@" >"$start_log" 2>&1 </dev/null 9>&- &
	start_pid=$!
	printf '%s %s %s\n' "$start_pid" "$(process_start_time "$start_pid")" "$start_program" \
		>>"$UP/processes"
}

port_free() {
	port_hex=$(printf '%04X' "$1")
	! awk -v port=":$port_hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
		END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

up_check_ports() {
	for check_port in "$UP_HTTP" "$UP_LINK"; do
		case "$check_port" in
		'' | 0* | *[!0-9]* | ??????*) usage_error "'$check_port' is not a port" ;;
		esac
		[ "$check_port" -le 65535 ] || usage_error "'$check_port' is not a port"
		port_free "$check_port" ||
			usage_error "port $check_port of this machine is in use; another one is chosen by
    ANCHORHOLD_HTTP_PORT (now $UP_HTTP) and ANCHORHOLD_LINK_PORT (now $UP_LINK)"
	done
}

up_running() {
	[ -f "$UP/processes" ] || return 1
	while read -r running_pid running_time running_program; do
		process_is "$running_pid" "$running_time" "$running_program" && return 0
	done <"$UP/processes"
	return 1
}

# up_gateway: a new database, its gateway, and token and address in build/up/.
up_gateway() {
	# Databases of an earlier cluster go with its nodes: keys and disks belong together.
	rm -rf "$UP"
	(umask 077 && mkdir -p "$UP/log")
	: >"$UP/processes"
	(umask 077 && build/backend/anchorhold-gateway --init --database "$UP/gateway.db" |
		sed -n 's/^token: //p' >"$UP/token")
	[ -s "$UP/token" ] || die 'the gateway could not make its database'
	up_start anchorhold-gateway "$UP/log/gateway" build/backend/anchorhold-gateway \
		--database "$UP/gateway.db" --http "127.0.0.1:$UP_HTTP" --link "127.0.0.1:$UP_LINK"
	ANCHORHOLD_URL="http://127.0.0.1:$UP_HTTP"
	ANCHORHOLD_TOKEN=$(cat "$UP/token")
	export ANCHORHOLD_URL ANCHORHOLD_TOKEN
	up_wait_for gateway 20 up_gateway_answers
}

# up_ask PATH: the gateway's answer in build/up/reply. The token goes to curl by its standard
# input: a command line can be read by everyone.
up_ask() {
	printf 'header = "Authorization: token %s"\n' "$ANCHORHOLD_TOKEN" |
		curl -s -f -K - -o "$UP/reply" "$ANCHORHOLD_URL$1"
}

# Any answer will do: this one asks for a token.
up_gateway_answers() {
	up_ask /api
}

# up_node NAME: provisions it with the gateway, makes its disk, boots it.
up_node() {
	(umask 077 && mkdir -p "$UP/$1")
	build/backend/anchorhold node add "$1" --gateway "10.0.2.2:$UP_LINK" --output "$UP/$1" \
		>"$UP/log/$1" || die "the node '$1' could not be provisioned"
	board/qemu/disk --image build/image/qemu --output "$UP/$1/disk.img" \
		--node-conf "$UP/$1/node.conf" --node-key "$UP/$1/node.key" ||
		die "the disk of the node '$1' could not be made"
	up_start qemu-system "$UP/log/$1" board/qemu/launch --image build/image/qemu \
		--disk "$UP/$1/disk.img" --console "$UP/$1/console" --pidfile "$UP/$1/pid" \
		--memory "${ANCHORHOLD_NODE_MIB:-1024}" --cpus 2 --console-socket "$UP/$1/console.sock"
}

up_nodes_ready() {
	up_ask /api/anchorhold/nodes || return 1
	[ "$(jq '[.[] | select(.state == "ready")] | length' "$UP/reply")" -eq "$up_count" ]
}

# up_wait_for WHAT SECONDS CHECK: until CHECK holds; sooner if a process of ours ended.
up_wait_for() {
	wait_end=$(($(date +%s) + $2))
	until "$3" 2>/dev/null; do
		up_all_live || up_failed "$1: $dead_program ended"
		[ "$(date +%s)" -lt "$wait_end" ] || up_failed "$1: not ready after $2 s"
		sleep 0.2
	done
}

up_all_live() {
	while read -r live_pid live_time live_program; do
		# Before a launcher has become QEMU it has another name.
		if [ "$(process_start_time "$live_pid")" != "$live_time" ]; then
			dead_program=$live_program
			return 1
		fi
	done <"$UP/processes"
}

# Shows the last words of gateway and nodes, stops all, ends.
up_failed() {
	say failed
	for failed_log in "$UP"/*/console "$UP"/log/*; do
		if [ ! -s "$failed_log" ]; then
			case "$failed_log" in
			*/console) [ ! -e "$failed_log" ] || warn "$failed_log: the node wrote nothing" ;;
			esac
			continue
		fi
		warn "the end of $failed_log:"
		tail -n 15 "$failed_log" | tr -d '\r' | sed 's/^/    | /' >&2
	done
	up_stop
	up_keep_logs
	die "$1"
}

# Keys, disks and token go.
up_keep_logs() {
	[ ! -d "$UP" ] || find "$UP" -mindepth 1 -maxdepth 1 ! -name log -exec rm -rf {} +
}

# Before anything is built: what would stop it in the end.
up_may_start() {
	up_running && usage_error "already up; './build.sh down' stops it"
	up_check_ports
}

# up_start_all N: from nothing to N nodes that are ready for kernels.
up_start_all() {
	up_count=$1
	printf 'gateway and %d node%s ... ' "$1" "$([ "$1" -eq 1 ] || printf s)"
	up_began=$(date +%s)
	up_gateway
	up_number=0
	while [ "$up_number" -lt "$1" ]; do
		up_number=$((up_number + 1))
		up_node "node-$up_number"
	done
	up_wait_for nodes "$UP_WAIT" up_nodes_ready
	say "$(($(date +%s) - up_began)) s"
}

# Ends exactly what was started, newest first; nothing is left that would not end.
up_stop() {
	[ -f "$UP/processes" ] || return 0
	tac "$UP/processes" | while read -r stop_pid stop_time stop_program; do
		process_is "$stop_pid" "$stop_time" "$stop_program" || continue
		kill -TERM "$stop_pid" 2>/dev/null || continue
		stop_tries=100
		while process_is "$stop_pid" "$stop_time" "$stop_program"; do
			stop_tries=$((stop_tries - 1))
			[ "$stop_tries" -ne 0 ] || kill -KILL "$stop_pid" 2>/dev/null || true
			[ "$stop_tries" -gt -50 ] || die "process $stop_pid ($stop_program) does not end"
			sleep 0.1
		done
	done
	rm -f "$UP/processes"
}

verb_up() {
	up_nodes=1
	while [ "$#" -gt 0 ]; do
		case "$1" in
		--nodes) up_nodes=${2:-}; [ "$#" -ge 2 ] || usage_error "up: --nodes wants a number"; shift ;;
		*) usage_error "up: unknown word '$1'" ;;
		esac
		shift
	done
	case "$up_nodes" in
	'' | *[!0-9]* | 0*) usage_error "up: --nodes '$up_nodes' is not a number of nodes" ;;
	esac
	up_may_start
	# What the caller reads are two lines; progress is for people.
	{
		build_cluster
		trap 'up_interrupted' INT TERM HUP
		trap 'up_stop; up_keep_logs' EXIT
		up_start_all "$up_nodes"
		trap 'interrupted' INT TERM HUP
		trap - EXIT
	} >&2
	printf 'ANCHORHOLD_URL=%s\nANCHORHOLD_TOKEN=%s\n' "$ANCHORHOLD_URL" "$ANCHORHOLD_TOKEN"
}

up_interrupted() {
	trap '' INT TERM HUP
	printf '\nstopping everything\n' >&2
	up_stop
	exit 130
}

verb_down() {
	words_at_most 0 down "$@"
	if ! up_running; then
		say 'nothing is up'
		return 0
	fi
	up_stop
	rm -rf "$UP"
}

verb_shell() {
	words_at_most 1 shell "$@"
	shell_node=${1:-node-1}
	[ -S "$UP/$shell_node/console.sock" ] ||
		usage_error "no node '$shell_node' is up; './build.sh up' starts one"
	say "the console of $shell_node; Ctrl-] leaves it. A production image has no shell on it."
	socat -,raw,echo=0,escape=0x1d "UNIX-CONNECT:$UP/$shell_node/console.sock"
}
