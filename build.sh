#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
TOP=$(cd "$(dirname "$0")" && pwd)
cd "$TOP"
. packages/engine.sh
. packages/sources.sh
for file in packages/release.sh packages/programs.sh; do . "$file"; done
for file in packages/*/*.sh; do . "$file"; done
case "$1" in
--step) shift; step_run "$@" ;;
lock) shift; source_lock "$@" ;;
*) "$@" ;;
esac
