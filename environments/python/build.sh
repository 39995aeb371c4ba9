# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The python environment: step `env-python`. Its root is a step of its own, so that a change of our
# programs does not unpack and compile Python again.

env_python_packages() {
	env_python_words environments/python/sources.list
}

env_python_tree() {
	key_add_file environments/python
	# shellcheck disable=SC2046 # names of packages
	key_add_source $(env_python_packages)
	step env-python-tree 'root of the python environment' build_env_python_tree
}

env_python() {
	need env_python_tree
	need programs x86_64
	env_key_add python/manifest python/build.sh python/root.sh
	key_add_step env-python-tree programs-x86_64
	step env-python 'python environment' build_env_python
}

build_env_python_tree() {
	mkdir "$WORK/debs" "$OUT/root"
	for env_python_package in $(env_python_packages); do
		env_python_deb=$(source_fetch "$env_python_package")
		ln -s "$env_python_deb" "$WORK/debs/"
	done
	env_python_root "$WORK/debs" environments/python "$OUT/root"
}

build_env_python() {
	cp -a "$(step_dir env-python-tree)/root" "$WORK/root"
	env_check_version environments/python/manifest "$(env_python_run "$WORK/root" -c \
		'import platform; print(platform.python_version())')"
	env_install "$WORK/root" cell-init
	env_pack python "$WORK/root" environments/python/manifest "$CACHE/release/sign.pem" "$OUT"
}
