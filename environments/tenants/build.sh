# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The tenants environment, step `env-tenants`, for the tests alone: what python has, and Debian's
# stress-ng and trinity.

# Of python's own packages, those whose libraries python leaves out and these programs want.
env_tenants_shared='libbsd0 libmd0 libcrypt1 libexpat1 libffi8 libssl3 zlib1g liblzma5'

env_tenants() {
	need env_python_tree
	need programs x86_64
	env_key_add tenants python/manifest python/root.sh
	# shellcheck disable=SC2046,SC2086 # names of packages
	key_add_source $(env_python_words environments/tenants/sources.list) $env_tenants_shared
	key_add_step env-python-tree programs-x86_64
	step env-tenants 'tenants environment, for the tests' build_env_tenants
}

build_env_tenants() {
	cp -a "$(step_dir env-python-tree)/root" "$WORK/root"
	# shellcheck disable=SC2046,SC2086
	for tenants_package in $(env_python_words environments/tenants/sources.list) $env_tenants_shared; do
		tenants_deb=$(source_fetch "$tenants_package")
		mkdir "$WORK/deb"
		dpkg-deb -x "$tenants_deb" "$WORK/deb"
		tenants_merge "$WORK/deb" "$WORK/root"
		rm -r "$WORK/deb"
	done
	env_tenants_check "$WORK/root"
	env_install "$WORK/root" cell-init
	env_pack tenants "$WORK/root" environments/tenants/manifest "$CACHE/release/sign.pem" "$OUT"
}

# tenants_merge FROM TREE: its programs and libraries; /lib is a link into /usr there.
tenants_merge() {
	for tenants_dir in usr/bin usr/lib lib; do
		[ ! -d "$1/$tenants_dir" ] || cp -a "$1/$tenants_dir/." "$2/usr/${tenants_dir#usr/}/"
	done
}

# Both start, and say which version they are, with nothing but what is in the tree.
env_tenants_check() {
	for tenants_program in stress-ng trinity; do
		"$1/usr/lib/$env_python_triplet/ld-linux-x86-64.so.2" --library-path \
			"$1/usr/lib/$env_python_triplet" --list "$1/usr/bin/$tenants_program" >"$WORK/list"
		! grep 'not found' "$WORK/list" >&2
	done
}
