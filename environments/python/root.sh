# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The python environment's root, assembled from .deb files. Sourced; only functions.
#
# No maintainer script is run: what the packages' scripts would set up is in root/.
# Every step checks what it relies on, so that a changed package fails the build.

env_python_triplet=x86_64-linux-gnu

env_python_words() { # FILE: the first word of each line that is not a comment
	sed -e 's/#.*//' -e 's/^[[:space:]]*//' -e 's/[[:space:]].*//' -e '/^$/d' "$1"
}

# env_python_extract DEBS TREE: unpacks all, /bin and its kin being links into /usr.
env_python_extract() {
	mkdir -p "$2"
	for dir in bin lib lib64 sbin; do
		mkdir -p "$2/usr/$dir"
		ln -s "usr/$dir" "$2/$dir"
	done
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$2" --no-same-owner --keep-directory-symlink
	done
}

# env_python_licences TREE: every package's copyright file, and the texts they name.
env_python_licences() {
	mkdir -p "$1/usr/share/licenses"
	for dir in "$1"/usr/share/doc/*; do
		[ -e "$dir/copyright" ] || continue
		cp -L "$dir/copyright" "$1/usr/share/licenses/${dir##*/}"
	done
	cp -a "$1/usr/share/common-licenses" "$1/usr/share/licenses/common"
	rm -r "$1/usr/share/common-licenses"
}

# env_python_leave_out TREE LIST: removes what the list names; each line must match.
env_python_leave_out() {
	env_python_words "$2" | while read -r pattern; do
		hit=
		for path in "$1"/$pattern; do
			[ -e "$path" ] || [ -L "$path" ] || continue
			rm -r "$path"
			hit=1
		done
		[ "$hit" ] || {
			echo "environments/python/left-out: $pattern matches nothing" >&2
			return 1
		}
	done
}

# env_python_keep DIR LIST: the directory keeps the list's names, all of which must be there.
env_python_keep() {
	env_python_words "$2" >"$1/.keep"
	while read -r name; do
		[ -e "$1/$name" ] || [ -L "$1/$name" ] || {
			echo "$2: no $name in any package" >&2
			return 1
		}
	done <"$1/.keep"
	find "$1" -mindepth 1 -maxdepth 1 | sed 's|.*/||' | grep -vxF -f "$1/.keep" |
		while read -r name; do
			rm "$1/$name"
		done
}

env_python_needed() { # ELF...: the libraries they ask for
	readelf -d "$@" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u
}

# env_python_libraries TREE: keeps the shared libraries that programs and extension
# modules reach by DT_NEEDED, and fails if one of those is missing.
env_python_libraries() {
	lib="$1/usr/lib/$env_python_triplet"
	# libgcc_s is opened by name when a thread is cancelled.
	printf '%s\n' libgcc_s.so.1 >"$1/.reached"
	find "$1/usr/bin" "$1/usr/lib/python3" "$1/usr/lib/python3.11" -type f \
		\( -perm -u+x -o -name '*.so' \) -exec readelf -d {} + 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >>"$1/.reached"
	while :; do
		sort -u "$1/.reached" >"$1/.before"
		while read -r name; do
			[ -e "$lib/$name" ] || {
				echo "environments/python: no package has $name" >&2
				return 1
			}
			env_python_needed "$lib/$name"
		done <"$1/.before" >"$1/.more"
		sort -u "$1/.more" "$1/.before" >"$1/.reached"
		cmp -s "$1/.before" "$1/.reached" && break
	done
	while read -r name; do
		printf '%s\n' "$name"
		readlink "$lib/$name" || :
	done <"$1/.reached" | sort -u >"$1/.before"
	for path in "$lib"/*; do
		grep -qxF "${path##*/}" "$1/.before" || rm -r "$path"
	done
	rm "$1/.before" "$1/.more" "$1/.reached"
}

# env_python_terminals TREE: the descriptions that a web terminal or a pty may ask for.
env_python_terminals() {
	for path in "$1"/usr/lib/terminfo/*/*; do
		case ${path##*/} in
		ansi | dumb | linux | screen | vt100 | xterm | xterm-256color | xterm-color) ;;
		*) rm "$path" ;;
		esac
	done
	find "$1/usr/lib/terminfo" -type d -empty -delete
}

# env_python_run TREE ARGS...: the tree's own interpreter, without entering the tree.
env_python_run() {
	env_tree=$1
	shift
	env -i LANG=C.UTF-8 HOME=/dev/null PYTHONHASHSEED=0 \
		"$env_tree/usr/lib/$env_python_triplet/ld-linux-x86-64.so.2" \
		--library-path "$env_tree/usr/lib/$env_python_triplet" \
		"$env_tree/usr/bin/python3.11" -s -P -B "$@"
}

# env_python_compile TREE WARM: bytecode beside the modules that WARM names, made in one
# process and in sorted order, since its bytes depend on what was compiled before.
# Not checked against the source when loaded: dm-verity vouches for both, and a kernel's start
# reads 7 MB less (a tenth of its CPU time, a third of its time from a cold disk).
env_python_compile() {
	find "$1" -name __pycache__ -prune -exec rm -r {} +
	env_python_run "$1" -m compileall -q -f -j1 -s "$1" -p / \
		--invalidation-mode unchecked-hash \
		"$1/usr/lib/python3.11" "$1/usr/lib/python3/dist-packages"
	env_python_run "$1" "$2" |
		sed 's|\([^/]*\)\.py$|__pycache__/\1.cpython-311.pyc|' >"$1/.warm"
	grep -q '/__pycache__/anchorhold_kernel\.' "$1/.warm"
	find "$1" -name '*.pyc' | grep -vxF -f "$1/.warm" | tr '\n' '\0' | xargs -0 rm
	find "$1" -name __pycache__ -type d -empty -delete
	rm "$1/.warm"
}

# env_python_root DEBS SOURCE TREE: the whole root, from nothing, but for our own programs.
env_python_root() {
	env_python_extract "$1" "$3"
	env_python_licences "$3"
	env_python_leave_out "$3" "$2/left-out"
	env_python_keep "$3/usr/bin" "$2/commands"
	env_python_keep "$3/usr/lib/python3/dist-packages/pygments/lexers" "$2/lexers"
	env_python_terminals "$3"
	env_python_libraries "$3"
	cp -R "$2/root/." "$3/"
	env_python_compile "$3" "$2/warm.py"
	find "$3" -type d -exec chmod 0755 {} +
	find "$3" -type f -perm /111 -exec chmod 0755 {} +
	find "$3" -type f ! -perm /111 -exec chmod 0644 {} +
	env_python_run "$3" -c 'import anchorhold_kernel, ssl, sqlite3, ctypes, curses, readline'
}
