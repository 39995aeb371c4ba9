# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# An environment's root folder made into what a node carries: `image` (erofs, then its
# dm-verity tree), `manifest`, and `manifest.sig`. Sourced; only functions.
#
# Equal roots give equal files: times, owners and UUIDs are fixed, the salt is a hash of the
# content. The salt need not be secret or random: it only keeps precomputed collisions of
# one image from serving for another.

env_pack_block=4096
env_pack_time=1700000000

# env_key_add FILE...: what every environment's step depends on, and these files of its own.
env_key_add() {
	key_add_file environments/pack.sh
	for key_env_file; do
		key_add_file "environments/$key_env_file"
	done
	key_add_text "$(cat "$CACHE/release/sign.pub")"
}

# env_install ROOT PROGRAM...: our programs, and the places that a cell mounts on.
env_install() {
	install_root=$1
	shift
	for install_dir in proc dev tmp home/user run/kernel work usr/lib/anchorhold; do
		mkdir -p "$install_root/$install_dir"
	done
	# A cell that has resolvers finds them there; without, as where the file is missing.
	ln -sfn ../run/kernel/resolv.conf "$install_root/etc/resolv.conf"
	for install_program; do
		install -m 0755 "$(step_dir programs-x86_64)/$install_program" \
			"$install_root/usr/lib/anchorhold/"
	done
}

env_pack_uuid() { # TEXT: a UUID that is the text's hash
	printf '%s' "$1" | sha256sum |
		sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-8\3-8\4-\5/'
}

# env_check_version MANIFEST VERSION: the manifest tells users what is really inside.
env_check_version() {
	grep -qxF "version = $2" "$1" || {
		echo "$1: it says another version than $2, which is what is packed" >&2
		return 1
	}
}

# env_pack_image NAME ROOT IMAGE: prints `data_blocks`, `root_hash` and `salt` lines.
# lz4hc in clusters of 64 KiB: zstd reads slower where a start is bound by decompression.
env_pack_image() {
	rm -f "$3"
	mkfs.erofs --quiet -zlz4hc,12 -C65536 -Eztailpacking -x-1 --all-root -T "$env_pack_time" \
		-U "$(env_pack_uuid "anchorhold environment $1")" "$3" "$2" >&2
	size=$(stat -c %s "$3")
	blocks=$(((size + env_pack_block - 1) / env_pack_block))
	truncate -s $((blocks * env_pack_block)) "$3"
	salt=$(sha256sum <"$3" | cut -c 1-64)
	root_hash=$(veritysetup format "$3" "$3" --data-blocks="$blocks" \
		--data-block-size="$env_pack_block" --hash-block-size="$env_pack_block" \
		--hash-offset=$((blocks * env_pack_block)) --hash=sha256 --salt="$salt" \
		--uuid="$(env_pack_uuid "$salt")" | sed -n 's/^Root hash:[[:space:]]*//p')
	[ "${#root_hash}" -eq 64 ] || {
		echo "environments/pack.sh: veritysetup gave no root hash" >&2
		return 1
	}
	printf 'data_blocks = %s\nroot_hash = %s\nsalt = %s\n' "$blocks" "$root_hash" "$salt"
}

# env_pack NAME ROOT DESCRIPTION KEY OUT: DESCRIPTION is the manifest without what only the
# image knows; KEY is the release's Ed25519 key (PEM).
env_pack() {
	{
		sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$3"
		env_pack_image "$1" "$2" "$5/image"
	} >"$5/manifest"
	openssl pkeyutl -sign -rawin -inkey "$4" -in "$5/manifest" -out "$5/manifest.sig"
	[ "$(stat -c %s "$5/manifest.sig")" -eq 64 ] || {
		echo "environments/pack.sh: $4 is not an Ed25519 key" >&2
		return 1
	}
}
