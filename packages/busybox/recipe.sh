# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# BusyBox in two flavours: production (packages/busybox/applets) and debug (applets-debug as well).
# Not built with CFI: its applets are found through tables of functions of many types.

busybox() {
	need compiler "$1"
	key_add_file packages/busybox/recipe.sh packages/busybox/applets
	[ -z "${2:-}" ] || key_add_file "packages/busybox/applets-$2"
	key_add_source busybox
	key_add_text "$(target_cflags "$1") $(target_ldflags)"
	key_add_step "compiler-$1"
	step "busybox-$1${2:+-$2}" "BusyBox${2:+ for $2} ($1)" build_busybox "$1" "${2:-}"
}

# busybox_config FILE...: later lines win. Anything asked for must survive kconfig.
busybox_config() {
	sed -e '/^#/d' -e '/^$/d' "$@" | awk '{
		value[$1] = $2
	} END {
		for (name in value)
			print value[name] == "n" ? "# CONFIG_" name " is not set" : "CONFIG_" name "=" value[name]
	}' | LC_ALL=C sort
}

build_busybox() {
	target_env "$1"
	busybox_flags="$(target_cflags "$1")-ffile-prefix-map=$WORK=."
	source_unpack busybox "$WORK/src"
	source_patch busybox "$WORK/src"
	cd "$WORK/src"
	# kconfig takes the first of two lines for an option: what is asked for goes in front.
	make allnoconfig KCONFIG_ALLCONFIG=/dev/null >/dev/null
	if [ -n "$2" ]; then
		busybox_config "$TOP/packages/busybox/applets" "$TOP/packages/busybox/applets-$2" >asked
	else
		busybox_config "$TOP/packages/busybox/applets" >asked
	fi
	sed -E 's/^(# )?(CONFIG_[A-Z0-9_]*).*/\2/' asked | sed 's/.*/^(# )?&[= ]/' >patterns
	grep -v -E -f patterns .config >.config.rest
	cat asked .config.rest >.config
	yes '' 2>/dev/null | make oldconfig >/dev/null
	grep -v 'is not set' asked | while read -r busybox_line; do
		grep -q -x -F -e "$busybox_line" .config || die "BusyBox: '$busybox_line' did not survive"
	done
	grep '=y' .config >&2
	make -j "$JOBS" busybox_unstripped CC="$target_cc" HOSTCC=gcc AR=llvm-ar-19 NM=llvm-nm-19 \
		STRIP=llvm-strip-19 OBJCOPY=llvm-objcopy-19 LD=ld.lld-19 ARCH="$1" SKIP_STRIP=y V=1 \
		ARCH_PIE=-static-pie CONFIG_EXTRA_CFLAGS="$busybox_flags" \
		CONFIG_EXTRA_LDFLAGS="$(target_ldflags | sed 's/-static-pie//')"
	llvm-strip-19 -o "$OUT/busybox" busybox_unstripped
}
