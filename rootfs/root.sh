# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The node's root image: the rows of rootfs/owners, packed as erofs, with a dm-verity tree behind.
#
#   need root BOARD        (or BOARD-test) a step whose folder holds root.img, and `verity`: three shell
#                          assignments (data_blocks, salt, root_hash) for the kernel's command line
#
# The same inputs give the same bytes, wherever and whenever it is built: times, ids and the salt
# follow from the content alone.

root() {
	root_board=${1%-test}
	need kernel "$root_board"
	need programs x86_64
	need busybox x86_64
	[ "$root_board" = "$1" ] || root_test_needs
	key_add_file rootfs kernel-config/promises.boot
	key_add_step "kernel-$root_board" programs-x86_64 busybox-x86_64
	key_add_text "version $(release_version)" "release key $(cat "$CACHE/release/sign.pub")"
	step "root-$1" "root image for the board $1" root_build "$1"
}

root_build() {
	root_fill "${1%-test}" "$WORK/tree"
	root_all_listed
	[ "${1%-test}" = "$1" ] || root_test_fill "$WORK/tree"
	root_pack "$WORK/tree" "$OUT/root.img" >"$OUT/verity"
}

# Every row of the table, in its order: folders come before what is in them.
root_fill() {
	mkdir "$2"
	sed 's/#.*//' rootfs/owners | while read -r row_path row_uid row_gid row_mode row_kind row_name; do
		[ -n "$row_path" ] || continue
		row_file="$2$row_path"
		case "$row_kind" in
		dir) [ "$row_path" = / ] || mkdir "$row_file" ;;
		tree) cp "rootfs$row_path" "$row_file" ;;
		program) cp "$(step_dir programs-x86_64)/$row_name" "$row_file" ;;
		package) cp "$(step_dir busybox-x86_64)/$row_name" "$row_file" ;;
		made) root_made "$1" "$row_name" >"$row_file" ;;
		link) ln -s "$row_name" "$row_file" ;;
		*) die "rootfs/owners: $row_path: unknown source '$row_kind'" ;;
		esac
		chown -h "$row_uid:$row_gid" "$row_file"
		[ "$row_kind" = link ] || chmod "$row_mode" "$row_file"
	done
}

# root_made BOARD NAME: the files that only a build can write.
root_made() {
	case "$2" in
	promises) cat kernel-config/promises.boot ;;
	build-id) cat "$(step_dir "kernel-$1")/build-id" ;;
	version) release_version ;;
	release.pub) printf '%s\n' "$(cat "$CACHE/release/sign.pub")" ;;
	*) die "rootfs/owners: nothing makes '$2'" ;;
	esac
}

# A file of this folder that the table forgot would be missing in the image without a word.
root_all_listed() {
	find rootfs -mindepth 2 -type f | sed 's/^rootfs//' | while read -r listed_path; do
		awk -v path="$listed_path" '$1 == path && $5 == "tree" { found = 1 } END { exit !found }' \
			rootfs/owners || die "rootfs$listed_path is not in rootfs/owners"
	done
}

# BOARD-test is the board's image for the tests, with what lets them look inside: an agent that
# the kernel starts in front of init, and the tools that it runs. Nothing else differs.
root_test_needs() {
	need toolchain x86_64
	need busybox x86_64 debug
	key_add_step toolchain-x86_64 busybox-x86_64-debug
	key_add_file tests/image
}

root_test_fill() {
	mkdir -p "$1/test/bin"
	for test_program in agent bin/look; do
		# shellcheck disable=SC2046 # flags
		clang-19 --config="$(step_dir toolchain-x86_64)/x86_64.cfg" $(target_cflags x86_64) \
			-Wall -Wextra $(target_ldflags) -o "$1/test/$test_program" \
			"tests/image/${test_program#bin/}.c"
	done
	cp "$(step_dir busybox-x86_64-debug)/busybox" "$1/test/bin/"
	for test_program in attack-taken bare bench-cell cell-init units-cell units-egress units-steps \
		units-uids units-probe; do
		cp "$(step_dir programs-x86_64)/$test_program" "$1/test/bin/"
	done
	# A folder that can stand where hostd's is: what the monitor then starts was taken over.
	mkdir "$1/test/taken"
	ln -s /test/bin/attack-taken "$1/test/taken/hostd"
	for test_applet in $("$1/test/bin/busybox" --list); do
		[ -e "$1/test/bin/$test_applet" ] || ln -s busybox "$1/test/bin/$test_applet"
	done
	chmod -R u=rwX,go=rX "$1/test"
}

# root_pack FOLDER IMAGE: packs a folder, appends the hash tree and prints its three figures.
# The volume's name and the salt are hashes of the content: nothing is drawn at random.
root_pack() {
	mkfs.erofs -z lz4hc,12 -C 65536 -x -1 -T 0 -U 00000000-0000-4000-8000-000000000001 \
		"$2" "$1" >&2
	truncate -s %4096 "$2"
	pack_size=$(stat -c %s "$2")
	pack_salt=$(sha256 <"$2")
	pack_hash=$(veritysetup format --data-block-size=4096 --hash-block-size=4096 \
		--hash=sha256 --salt="$pack_salt" --uuid=00000000-0000-4000-8000-000000000002 \
		--data-blocks="$((pack_size / 4096))" --hash-offset="$pack_size" "$2" "$2" |
		sed -n 's/^Root hash:[[:space:]]*//p')
	truncate -s %4096 "$2"
	printf 'data_blocks=%d\nsalt=%s\nroot_hash=%s\n' "$((pack_size / 4096))" "$pack_salt" "$pack_hash"
}
