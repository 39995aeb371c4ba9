# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The release: its version, and its secrets, which are in the cache and never in the tree.
#
# `seed` orders the kernel's structures, `sign.pem` signs the environments. Whoever holds the same
# secrets builds the same images; nobody else can tell the layouts or sign an environment.

release_version() {
	sed -n "s/^ *version: '\(.*\)',/\1/p" meson.build
}

# Makes what is missing; each file appears whole or not at all.
release() {
	(
		umask 077
		mkdir -p "$CACHE/release"
		cd "$CACHE/release"
		exec 8>lock
		flock 8
		[ -s seed ] || {
			openssl rand -hex 32 | tr -d '\n' >seed.new
			mv seed.new seed
		}
		[ -s sign.pem ] || {
			openssl genpkey -algorithm ed25519 -out sign.pem.new
			mv sign.pem.new sign.pem
		}
		# The last 32 bytes of the DER form are the key itself.
		[ -s sign.pub ] || {
			openssl pkey -in sign.pem -pubout -outform DER | tail -c 32 | od -An -v -tx1 |
				tr -d ' \n' >sign.pub.new
			mv sign.pub.new sign.pub
		}
	)
}
