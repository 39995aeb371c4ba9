# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# run: real notebooks by an unmodified client, through a gateway, in a cell on a booted node.

RUN_EXAMPLES=/usr/lib/python3/dist-packages/nbclient/tests/files
RUN_MANAGER=jupyter_server.gateway.managers.GatewayKernelManager

verb_run() {
	run_once=
	run_files=0
	for run_word; do
		shift
		case "$run_word" in
		--once) run_once=1 ;;
		-*) usage_error "run: unknown option '$run_word'" ;;
		*)
			[ -f "$run_word" ] || usage_error "run: there is no notebook '$run_word'"
			[ -r "$run_word" ] || usage_error "run: the notebook '$run_word' cannot be read"
			# A bare machine has no Python yet; then nbconvert will say it.
			[ ! -x /usr/bin/python3 ] || /usr/bin/python3 packages/jupyter/nbfile.py check "$run_word" ||
				usage_error "run: '$run_word' is not a notebook"
			set -- "$@" "$run_word"
			run_files=$((run_files + 1))
			;;
		esac
	done
	up_may_start
	build_cluster
	trap 'up_interrupted' INT TERM HUP
	trap 'run_end' EXIT
	up_start_all 1
	if [ "$run_files" -eq 0 ]; then
		run_code=0
		run_notebook "$RUN_EXAMPLES/Factorials.ipynb" || run_code=1
		run_notebook "$RUN_EXAMPLES/SVG.ipynb" || run_code=1
		# This one is meant to fail in its first cell and to go on.
		run_notebook "$RUN_EXAMPLES/Skip Exceptions.ipynb" --allow-errors || run_code=1
	else
		run_code=0
		for run_file; do
			run_notebook "$run_file" || run_code=1
		done
	fi
	if [ -z "$run_once" ]; then
		run_stay
	fi
	exit "$run_code"
}

# Stops everything; keys, disks and token go, and the logs of a run that failed stay.
run_end() {
	up_stop
	if [ "${run_code:-1}" -eq 0 ]; then
		rm -rf "$UP"
	else
		up_keep_logs
	fi
}

# run_notebook FILE [OPTIONS]: executes a copy and prints what it printed.
run_notebook() {
	run_name=${1##*/}
	run_copy="$UP/notebook.ipynb"
	printf '\n== %s\n' "$run_name"
	run_kernel=$(/usr/bin/python3 packages/jupyter/nbfile.py kernel "$1")
	case "$run_kernel" in
	python) run_manager=$RUN_MANAGER ;;
	*) run_manager=named_manager.NamedKernelManager ;;
	esac
	rm -rf "$UP/jupyter" "$run_copy"
	mkdir -p "$UP/jupyter"
	run_rc=0
	run_input=$1
	shift
	run_began=$(date +%s)
	# A configuration of this machine's user must not play in.
	JUPYTER_GATEWAY_URL="$ANCHORHOLD_URL/t/$ANCHORHOLD_TOKEN" JUPYTER_CONFIG_DIR="$UP/jupyter" \
		JUPYTER_DATA_DIR="$UP/jupyter" JUPYTER_RUNTIME_DIR="$UP/jupyter" IPYTHONDIR="$UP/jupyter" \
		PYTHONPATH=packages/jupyter PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m nbconvert --log-level=WARN --to notebook --execute "$run_input" \
		--output-dir "$UP" --output notebook.ipynb \
		--ExecutePreprocessor.kernel_manager_class="$run_manager" \
		--ExecutePreprocessor.kernel_name="$run_kernel" --ExecutePreprocessor.timeout=600 \
		--ExecutePreprocessor.startup_timeout=300 \
		"$@" >"$UP/log/nbconvert" 2>&1 || run_rc=$?
	if [ "$run_rc" -ne 0 ]; then
		run_traceback <"$UP/log/nbconvert"
		say "== $run_name failed"
		return 1
	fi
	/usr/bin/python3 packages/jupyter/nbfile.py show "$run_copy"
	say "== $run_name: done in $(($(date +%s) - run_began)) s on the kernel '$run_kernel'"
}

# What nbconvert said; the way through its own frames to a cell's error is left out.
run_traceback() {
	awk '/^Traceback \(most recent call last\):/ { held = 1 }
		held && /^nbclient\./ { held = 0; text = "" }
		held { text = text "    | " $0 "\n"; next }
		{ print "    | " $0 }
		END { printf "%s", text }'
}

# Stays until Ctrl-C, which the traps of verb_run answer.
run_stay() {
	cat <<-EOT

		The cluster stays up until Ctrl-C.
		  ANCHORHOLD_URL=$ANCHORHOLD_URL
		  ANCHORHOLD_TOKEN=$ANCHORHOLD_TOKEN
		A notebook server of yours runs its kernels on it when started like this:
		  JUPYTER_GATEWAY_AUTH_TOKEN=$ANCHORHOLD_TOKEN jupyter notebook --gateway-url=$ANCHORHOLD_URL
	EOT
	while up_all_live; do
		sleep 1
	done
	run_code=1
	die "$dead_program ended by itself; its log is in $UP/log"
}
