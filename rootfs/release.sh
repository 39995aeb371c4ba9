# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What makes a build a release of somebody's: its version, and the secret folder release/ of the cache.
#
#   seed       64 hex digits: where structure layouts come from (kernel-config/README.md)
#   sign.pem   Ed25519 private key that signs the environments' manifests
#   sign.pub   its public half, 64 hex digits; in every root image as /etc/anchorhold/release.pub
#
# The folder is made by the first build that needs it and is never replaced: whoever has it can
# sign for the nodes that trust it. Copy it to build the same images elsewhere.

release_version() {
	printf '0.1.0\n'
}

# need release: not a step, because its result depends on nothing and must never be rebuilt.
release() {
	[ ! -s "$CACHE/release/sign.pub" ] || return 0
	mkdir -p "$CACHE/release"
	chmod 700 "$CACHE/release"
	(
		flock 9		# two first builds at once: the second finds all done
		umask 077
		cd "$CACHE/release"
		[ -s seed ] || {
			head -c 32 /dev/urandom | hex >seed.new
			mv seed.new seed
		}
		[ -s sign.pem ] || {
			openssl genpkey -algorithm ed25519 -out sign.pem.new
			mv sign.pem.new sign.pem
		}
		[ -s sign.pub ] || {
			# The DER form ends in the 32 bytes of the key.
			openssl pkey -in sign.pem -pubout -outform DER | tail -c 32 | hex >sign.pub.new
			mv sign.pub.new sign.pub
		}
	) 9>"$CACHE/locks/release" || die "cannot make the release secret in $CACHE/release"
}

hex() {
	od -A n -v -t x1 | tr -d ' \n'
	printf '\n'
}
