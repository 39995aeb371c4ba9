# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The image of a board: one GPT disk by the board's `layout`, and beside it what a launcher needs.
#
#   need image BOARD       a step whose folder is the image: disk.img, root.img, bzImage, vmlinux,
#                          cmdline, build-id, environments/, manifest.json

# image_names IMAGE: the environments that it carries. The tests' has kernels that attack.
image_names() {
	case "$1" in
	*-test) printf 'python lua lua-hostile attack tenants\n' ;;
	*) printf 'python lua\n' ;;
	esac
}

image() {
	image_board=${1%-test}
	[ -f "board/$image_board/layout" ] ||
		usage_error "there is no board '$1'; there are: $(image_boards)"
	! grep -q '^esp ' "board/$image_board/layout" ||
		usage_error "the board '$1' has a kernel and a layout; nothing writes its system partition"
	need kernel "$image_board"
	need root "$1"
	for image_env in $(image_names "$1"); do
		need "env_$(printf %s "$image_env" | tr - _)"
	done
	key_add_file board/image.sh "board/$image_board/layout" "board/$image_board/cmdline"
	key_add_file kernel-config/cmdline
	[ ! -f "board/$image_board/cmdline-smt" ] || key_add_file "board/$image_board/cmdline-smt"
	key_add_step "kernel-$image_board" "root-$1"
	for image_env in $(image_names "$1"); do
		key_add_step "env-$image_env"
	done
	step "image-$1" "image for the board $1" image_build "$1"
}

image_boards() {
	for boards_layout in board/*/layout; do
		boards_name=${boards_layout#board/}
		printf '%s ' "${boards_name%/layout}"
	done
}

image_build() {
	image_board=${1%-test}
	image_kernel=$(step_dir "kernel-$image_board") image_root=$(step_dir "root-$1")
	cp "$image_kernel/bzImage" "$image_kernel/vmlinux" "$image_kernel/build-id" "$OUT/"
	cp "$image_root/root.img" "$OUT/"
	image_environments "$1"
	image_cmdline "$image_board" slot-a >"$OUT/cmdline"
	if [ -f "board/$image_board/cmdline-smt" ]; then
		image_cmdline "$image_board" slot-a cmdline-smt >"$OUT/cmdline-smt"
	fi
	# The tests' agent runs first, and becomes init.
	[ "$image_board" = "$1" ] ||
		sed -i 's,init=/sbin/init,init=/test/agent,' "$OUT"/cmdline*
	image_disk "board/$image_board/layout" "$OUT/disk.img"
	image_manifest "$1" >"$OUT/manifest.json"
}

image_environments() {
	for image_env in $(image_names "$1"); do
		mkdir -p "$OUT/environments/$image_env"
		for image_file in image manifest manifest.sig; do
			cp "$(step_dir "env-$image_env")/$image_file" "$OUT/environments/$image_env/"
		done
	done
}

# layout_rows FILE: its rows, with the partition's start in MiB in front.
layout_rows() {
	awk '!/^#/ && NF { printf "%d %s\n", start + 1, $0; start += $3 }' "$1"
}

# image_cmdline BOARD SLOT [FILE]: the whole command line; the root hash in it is what the board
# trusts. FILE of the board has more words, and with a minus those that its line has not.
image_cmdline() {
	cmdline_device=PARTUUID=$(layout_rows "board/$1/layout" | awk -v slot="$2" '$2 == slot { print $5 }')
	# shellcheck disable=SC1091 # written by root_pack: data_blocks, root_hash and salt
	. "$image_root/verity"
	# shellcheck disable=SC2154
	printf 'dm-mod.create="root,,,ro,0 %d verity 1 %s %s 4096 4096 %d %d sha256 %s %s 1 panic_on_corruption" ' \
		"$((data_blocks * 8))" "$cmdline_device" "$cmdline_device" \
		"$data_blocks" "$((data_blocks + 1))" "$root_hash" "$salt"
	cat kernel-config/cmdline "board/$1/cmdline" ${3:+"board/$1/$3"} |
		sed -e 's/[[:space:]]*#.*//' -e '/^$/d' |
		awk '/^-/ { gone[substr($0, 2)] = 1; next }
			{ words[++count] = $0 }
			END { for (i = 1; i <= count; i++) if (!(words[i] in gone)) print words[i] }' |
		tr '\n' ' ' | sed 's/ $//'
	printf '\n'
}

# image_disk LAYOUT DISK: the table, then each partition's content.
image_disk() {
	image_end=$(layout_rows "$1" | awk '{ end = $1 + $4 } END { print end }')
	truncate -s "$((image_end + 1))M" "$2"	# the table's second copy is at the end
	image_table "$1" | sfdisk -q --no-reread --no-tell-kernel "$2"
	layout_rows "$1" | while read -r row_start row_name row_type row_size row_uuid row_content; do
		row_file="$WORK/$row_name"
		case "$row_content" in
		empty) continue ;;
		slot) image_slot "$row_file" "$row_size" ;;
		state) image_state "$row_file" "$row_size" "$row_uuid" ;;
		work) image_work "$row_file" "$row_size" "$row_uuid" ;;
		*) die "$1: nothing makes the content '$row_content' of $row_name" ;;
		esac
		dd if="$row_file" of="$2" bs=1M seek="$row_start" conv=notrunc,sparse status=none
		rm "$row_file"
	done
}

image_table() {
	printf 'label: gpt\nlabel-id: a1c0f0de-0000-4000-8000-616e63686f72\nunit: sectors\n'
	layout_rows "$1" | while read -r row_start row_name row_type row_size row_uuid row_content; do
		printf 'start=%d, size=%d, type=%s, uuid=%s, name=%s\n' \
			"$((row_start * 2048))" "$((row_size * 2048))" "$row_type" "$row_uuid" "$row_name"
	done
}

# A slot: the root at 0, where its verity table expects it, the kernel from the middle on.
image_slot() {
	slot_half=$(($2 * 524288))
	for slot_part in root.img bzImage; do
		[ "$(stat -c %s "$OUT/$slot_part")" -le "$slot_half" ] ||
			die "$slot_part has outgrown half a slot; the layout wants larger ones"
	done
	truncate -s "$2M" "$1"
	dd if="$OUT/root.img" of="$1" conv=notrunc status=none
	dd if="$OUT/bzImage" of="$1" bs=1M seek="$(($2 / 2))" conv=notrunc status=none
}

# image_ext4 FILE MIB UUID TREE EXTENDED-OPTIONS [OPTIONS...]: nothing drawn at random, no clock.
image_ext4() {
	ext4_file=$1 ext4_size=$2 ext4_uuid=$3 ext4_tree=$4 ext4_extended=$5
	shift 5
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -F -t ext4 -b 4096 -i 16384 -m 0 \
		-J size=8 -U "$ext4_uuid" -d "$ext4_tree" \
		-E "nodiscard,root_owner=0:0,hash_seed=$ext4_uuid${ext4_extended:+,$ext4_extended}" \
		"$@" "$ext4_file" "${ext4_size}M" >&2
	# mke2fs takes the files' change times too, which no tool but debugfs can set.
	find "$ext4_tree" -mindepth 1 -printf "set_inode_field /%P ctime @$SOURCE_DATE_EPOCH\n" |
		E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH debugfs -w -f - "$ext4_file" >&2
	# mke2fs -d does not account what it copies: the first check does, and corrects (exit 1).
	ext4_rc=0
	E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH e2fsck -fy "$ext4_file" >&2 || ext4_rc=$?
	[ "$ext4_rc" -le 1 ] || die "$ext4_file: e2fsck ended with $ext4_rc"
}

# Empty: a node's own copy gets its configuration and key (board/qemu/disk).
image_state() {
	mkdir -p "$WORK/tree-state"
	image_ext4 "$1" "$2" "$3" "$WORK/tree-state" ''
}

# `work` must be able to grow from the template to any disk's size while mounted: descriptor
# blocks are reserved for 4 TiB (2 MiB of them). Projects and users are accounted from the first
# file on: the former for their quota, the latter to prove that no cell's uid owns any.
image_work() {
	mkdir -p "$WORK/tree-work"
	cp -r "$OUT/environments" "$WORK/tree-work/"
	chmod -R u=rwX,go=rX "$WORK/tree-work"
	chown -R 0:0 "$WORK/tree-work"
	find "$WORK/tree-work" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	image_ext4 "$1" "$2" "$3" "$WORK/tree-work" quotatype=usrquota:prjquota,resize=1073741824 \
		-O quota,project
}

# What the image is made of, for people and tests.
image_manifest() {
	# shellcheck disable=SC1091
	. "$image_root/verity"
	printf '{\n  "board": "%s",\n  "version": "%s",\n  "kernel": "%s",\n' \
		"$1" "$(release_version)" "$(kernel_version)"
	printf '  "build_id": "%s",\n  "root_hash": "%s",\n  "files": {' \
		"$(cat "$OUT/build-id")" "$root_hash"
	manifest_comma=
	for manifest_file in bzImage root.img cmdline; do
		printf '%s\n    "%s": {"bytes": %d, "sha256": "%s"}' "$manifest_comma" "$manifest_file" \
			"$(stat -c %s "$OUT/$manifest_file")" "$(sha256 <"$OUT/$manifest_file")"
		manifest_comma=,
	done
	printf '\n  }\n}\n'
}
