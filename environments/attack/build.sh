# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The environment `attack`, for the tests alone: the Lua kernel, and attack-probe in the place of a
# shell, so that io.popen runs it.

env_attack() {
	need programs x86_64
	env_key_add attack lua/root
	key_add_step programs-x86_64
	step env-attack 'attack environment' build_env_attack
}

build_env_attack() {
	mkdir "$WORK/root"
	cp -R environments/lua/root/. "$WORK/root/"
	env_install "$WORK/root" cell-init lua-kernel
	mkdir "$WORK/root/bin"
	install -m 0755 "$(step_dir programs-x86_64)/attack-probe" "$WORK/root/bin/sh"
	env_pack attack "$WORK/root" environments/attack/manifest "$CACHE/release/sign.pem" "$OUT"
}
