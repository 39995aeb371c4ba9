# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The lua environment, step `env-lua`, and its hostile twin for the tests, step `env-lua-hostile`:
# one static program each.

# What is linked into the program: package, and where its source has its licence.
env_lua_licences='
lua5.4 src/lua.h
zeromq3 COPYING
zeromq3 COPYING.LESSER
libsodium LICENSE
mbedtls LICENSE
jansson LICENSE
musl COPYRIGHT
'

env_lua() {
	env_lua_step lua manifest lua-kernel
}

env_lua_hostile() {
	env_lua_step lua-hostile manifest-hostile lua-kernel-hostile
}

env_lua_step() { # NAME MANIFEST PROGRAM
	need programs x86_64
	env_key_add "lua/$2" lua/build.sh lua/root lua/licences
	key_add_step programs-x86_64
	key_add_source lua5.4 zeromq3 libsodium mbedtls jansson musl
	step "env-$1" "$1 environment" build_env_lua "$@"
}

build_env_lua() {
	env_lua_version=$(lock_lines lua5.4 | cut -d ' ' -f 2 | cut -d - -f 1)
	env_check_version "environments/lua/$2" "$env_lua_version"
	mkdir "$WORK/root"
	cp -R environments/lua/root/. "$WORK/root/"
	env_lua_licences_collect "$WORK/root/usr/share/licenses"
	env_install "$WORK/root" cell-init "$3"
	env_pack "$1" "$WORK/root" "environments/lua/$2" "$CACHE/release/sign.pem" "$OUT"
}

env_lua_licences_collect() {
	mkdir -p "$1"
	cp LICENSE "$1/Apache-2.0"
	cp environments/lua/licences/* "$1/"
	printf '%s\n' "$env_lua_licences" | while read -r licence_package licence_path; do
		[ -n "$licence_package" ] || continue
		source_unpack "$licence_package" "$WORK/$licence_package" "$licence_path"
		cp "$WORK/$licence_package/$licence_path" "$1/$licence_package-${licence_path##*/}"
	done
	# Lua's licence is the comment that ends its header.
	sed -n '/^\* Copyright (C)/,$p' "$1/lua5.4-lua.h" | sed '/^\*\*\*/,$d' >"$1/lua5.4"
	rm "$1/lua5.4-lua.h"
	grep -q 'Permission is hereby granted' "$1/lua5.4"
}
