# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Debian's packages: the machine's own, and the pinned sources that the image is made of.
#
# `sources.list` files say which packages we take and from which release; `sources.lock` beside each
# pins every file: PACKAGE VERSION PATH-BELOW-THE-MIRROR SHA256. No host name stands in the tree:
# the mirror is the one that this machine's apt is set to.

# Installs those packages of packages/host.list that are missing.
host_packages() {
	host_wanted=$(sed 's/#.*//' packages/host.list | tr -s ' \t\n' ' ')
	# shellcheck disable=SC2086 # a list of names
	host_have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $host_wanted 2>/dev/null |
		sed -n 's/ installed$//p' | tr '\n' ' ') || true
	host_missing=
	for host_name in $host_wanted; do
		case " $host_have" in
		*" $host_name "*) ;;
		*) host_missing="$host_missing $host_name" ;;
		esac
	done
	[ -n "$host_missing" ] || return 0
	grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release ||
		die "this machine is not Debian 12 (bookworm); packages needed:$host_missing"
	[ "$(id -u)" -eq 0 ] || die "packages are missing; run as root, or: apt-get install$host_missing"
	host_log="$CACHE/logs/host-packages.log"
	mkdir -p "$CACHE/logs"
	# shellcheck disable=SC2086
	set -- $host_missing
	printf '%d Debian packages to install ... ' "$#"
	host_start=$(date +%s)
	# The lists may be absent or too old: asked again only if they do not do.
	host_install "$@" >"$host_log" 2>&1 || {
		apt-get update && host_install "$@"
	} >>"$host_log" 2>&1 || {
		say failed
		tail -n 20 "$host_log" | sed 's/^/    | /' >&2
		die "apt-get could not install the packages; the whole log: $host_log"
	}
	say "$(($(date +%s) - host_start)) s"
}

host_install() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=120 install "$@" </dev/null
}

# mirror main|security: the address below which the pinned paths lie, from the machine's own sources
# in whichever format they are.
mirror() {
	mirror_all=$(apt-get indextargets --no-release-info \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages')
	mirror_main=$(printf '%s\n' "$mirror_all" |
		sed -n -E 's,/? (bookworm|stable|oldstable) main$,,p' | head -n 1)
	mirror_security=$(printf '%s\n' "$mirror_all" |
		sed -n -E 's,/? (bookworm|stable|oldstable)-security main$,,p' | head -n 1)
	[ -n "$mirror_main" ] || die "apt knows no mirror of Debian 12: 'apt-get indextargets' names none"
	case "$1" in
	security) printf '%s\n' "${mirror_security:-$mirror_main-security}" ;;
	*) printf '%s\n' "$mirror_main" ;;
	esac
}

# apt_private RELEASE COMMAND...: runs an apt command with lists, sources and keys of our own.
apt_private() {
	apt_release=$1
	shift
	apt_dir="$CACHE/apt/$apt_release"
	if [ ! -f "$apt_dir/apt.conf" ]; then
		apt_private_make
	fi
	APT_CONFIG="$apt_dir/apt.conf" "$@"
}

apt_private_make() {
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
	apt_main=$(mirror main)
	apt_security=$(mirror security)
	for apt_type in deb deb-src; do
		apt_flags="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg arch=amd64]"
		printf '%s %s %s %s main\n' "$apt_type" "$apt_flags" "$apt_main" "$apt_release"
		printf '%s %s %s %s-security main\n' "$apt_type" "$apt_flags" "$apt_security" "$apt_release"
	done >"$apt_dir/sources.list"
	: >"$apt_dir/status"
	cat >"$apt_dir/apt.conf.new" <<-EOT
		Dir::Etc::sourcelist "$apt_dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$apt_dir/lists";
		Dir::State::status "$apt_dir/status";
		Dir::Cache "$apt_dir/cache";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	EOT
	mv "$apt_dir/apt.conf.new" "$apt_dir/apt.conf"
}

apt_private_update() {
	rm -f "$CACHE/apt/$1/apt.conf"
	apt_private "$1" apt-get -q update >"$CACHE/logs/apt-$1.log" 2>&1 || {
		tail -n 20 "$CACHE/logs/apt-$1.log" >&2
		die "the indexes of $1 could not be fetched"
	}
}

# The files that say what we take: ours, and those of environments that take more.
source_lists() {
	for source_list in packages/sources.list environments/*/sources.list; do
		[ ! -f "$source_list" ] || printf '%s\n' "$source_list"
	done
}

# source_wanted PACKAGE: "LIST FILES RELEASE" of a package, or dies.
source_wanted() {
	for source_list in $(source_lists); do
		source_row=$(awk -v name="$1" '$1 == name { print $2, $3; exit }' "$source_list")
		if [ -n "$source_row" ]; then
			printf '%s %s\n' "$source_list" "$source_row"
			return 0
		fi
	done
	usage_error "no sources.list names the package '$1'"
}

# lock_lines PACKAGE...: their pinned files. Of two lists that name one package the first counts.
lock_lines() {
	lock_files=
	for lock_file in packages/sources.lock environments/*/sources.lock; do
		[ ! -f "$lock_file" ] || lock_files="$lock_files $lock_file"
	done
	# shellcheck disable=SC2086 # a list of paths of this tree
	awk -v names="$*" '
		BEGIN { count = split(names, wanted) ; for (i in wanted) missing[wanted[i]] = 1 }
		($1 in missing) && (!($1 in from) || from[$1] == FILENAME) { from[$1] = FILENAME; print }
		END {
			for (i = 1; i <= count; i++)
				if (!(wanted[i] in from)) {
					print wanted[i] >"/dev/stderr"
					failed = 1
				}
			exit failed
		}' /dev/null $lock_files || die "not pinned, see the names above; pin with: ./build.sh lock NAME"
}

# source_fetch PACKAGE: fetches what the cache lacks, checks all, prints the paths.
source_fetch() {
	fetch_lines=$(lock_lines "$1") || exit 1
	printf '%s\n' "$fetch_lines" | while read -r fetch_name fetch_version fetch_path fetch_sum; do
		fetch_file="$CACHE/sources/$fetch_sum/${fetch_path##*/}"
		[ -f "$fetch_file" ] || source_download
		printf '%s  %s\n' "$fetch_sum" "$fetch_file" | sha256sum --quiet -c - >&2 || {
			rm -f "$fetch_file"
			die "$fetch_file was damaged and is removed; run it again"
		}
		printf '%s\n' "$fetch_file"
	done
}

# Fetches one file of source_fetch's loop by apt's own means, so that its proxies hold here too.
source_download() {
	case "$fetch_path" in
	pool/updates/*) fetch_mirror=$(mirror security) ;;
	*) fetch_mirror=$(mirror main) ;;
	esac
	mkdir -p "$CACHE/tmp"
	fetch_tmp="$CACHE/tmp/fetch.$$"
	rm -rf "$fetch_tmp"
	mkdir "$fetch_tmp"
	if ! /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root download-file \
		"$fetch_mirror/$fetch_path" "$fetch_tmp/file" "SHA256:$fetch_sum" >"$fetch_tmp/log" 2>&1; then
		source_vanished
	fi
	mkdir -p "${fetch_file%/*}"
	mv "$fetch_tmp/file" "$fetch_file"
	rm -rf "$fetch_tmp"
}

# Says why a file could not be fetched: a full disk, a pin that is gone, or anything else.
source_vanished() {
	say failed >&2
	sed 's/^/    | /' "$fetch_tmp/log" >&2
	if grep -q 'No space left on device' "$fetch_tmp/log"; then
		rm -rf "$fetch_tmp"
		die "the disk is full: ${fetch_path##*/} does not fit into $CACHE"
	fi
	if ! grep -q -E ' 404 |Hash Sum mismatch' "$fetch_tmp/log"; then
		rm -rf "$fetch_tmp"
		die "$fetch_name: ${fetch_path##*/} could not be fetched from the mirror"
	fi
	vanished_row=$(source_wanted "$fetch_name") || exit 1
	# shellcheck disable=SC2086 # LIST FILES RELEASE
	set -- $vanished_row
	apt_private_update "$3"
	vanished_offer=$(source_offered "$fetch_name" "$2" "$3" | head -n 1 | cut -d ' ' -f 2)
	rm -rf "$fetch_tmp"
	die "$fetch_name: version $fetch_version is pinned, but the mirror does not serve ${fetch_path##*/};
    it offers version ${vanished_offer:-(none)} in $3. To take that one: ./build.sh lock $fetch_name"
}

# source_offered PACKAGE FILES RELEASE: lock lines of what the index offers now.
source_offered() {
	case "$2" in
	orig) offered_command='apt-get source --only-source' offered_files='\.orig\.tar\.[a-z0-9]* ' ;;
	patched) offered_command='apt-get source --only-source' offered_files='\.tar\.[a-z0-9]* ' ;;
	binary) offered_command='apt-get download' offered_files='\.deb ' ;;
	*) die "a sources.list asks for '$2' of '$1'; known are orig, patched, binary" ;;
	esac
	offered_main=$(mirror main)
	offered_security=$(mirror security)
	# shellcheck disable=SC2086 # a command and its option
	offered_uris=$(apt_private "$3" $offered_command --download-only --print-uris "$1" \
		2>"$CACHE/logs/offered.log") || {
		cat "$CACHE/logs/offered.log" >&2
		return 1
	}
	offered_version=$(source_version "$1" "$2" "$3")
	printf '%s\n' "$offered_uris" | tr -d "'" |
		sed -n "s,^\($offered_main\|$offered_security\)/\([^ ]*\) .* SHA256:\([0-9a-f]*\)\$,$1 $offered_version \2 \3,p" |
		grep -e "$offered_files" || true
}

source_version() {
	case "$2" in
	binary) apt_private "$3" apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p' ;;
	*) apt_private "$3" apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | version_newest ;;
	esac
}

version_newest() {
	version_best=
	while read -r version_next; do
		if [ -z "$version_best" ] || dpkg --compare-versions "$version_next" gt "$version_best"; then
			version_best=$version_next
		fi
	done
	printf '%s\n' "$version_best"
}

# lock [PACKAGE...]: pins what the indexes offer now; without an argument, every package.
source_lock() {
	# shellcheck disable=SC2046 # names have no spaces
	[ "$#" -gt 0 ] || set -- $(source_lists | xargs awk '!/^#/ && NF { print $1 }')
	mkdir -p "$CACHE/logs" "$CACHE/tmp"
	lock_updated=' '
	for lock_name; do
		lock_row=$(source_wanted "$lock_name") || exit $?
		lock_list=${lock_row%% *} lock_release=${lock_row##* }
		lock_files=${lock_row#* } lock_files=${lock_files% *}
		case "$lock_updated" in
		*" $lock_release "*) ;;
		*) apt_private_update "$lock_release" ;;
		esac
		lock_updated="$lock_updated$lock_release "
		lock_new=$(source_offered "$lock_name" "$lock_files" "$lock_release") || exit 1
		[ -n "$lock_new" ] || die "the indexes of $lock_release offer no files of '$lock_name'"
		lock_write "${lock_list%.list}.lock"
	done
}

lock_write() {
	[ -f "$1" ] || : >"$1"
	{
		awk -v name="$lock_name" '$1 != name' "$1"
		printf '%s\n' "$lock_new"
	} | LC_ALL=C sort >"$1.new"
	mv "$1.new" "$1"
	say "$lock_name: $(printf '%s\n' "$lock_new" | head -n 1 | cut -d ' ' -f 2)"
}

# source_unpack PACKAGE FOLDER [PATH...]: the upstream sources, or only some folders of them; the
# Debian files and patches are left out (see source_patch).
source_unpack() {
	unpack_name=$1 unpack_dir=$2
	shift 2
	unpack_orig=$(source_fetch "$unpack_name" | grep -E '\.orig\.tar\.|\.tar\.' | grep -v '\.debian\.tar\.')
	mkdir -p "$unpack_dir"
	if [ "$#" -eq 0 ]; then
		tar -x -f "$unpack_orig" -C "$unpack_dir" --strip-components=1
	else
		unpack_top=$(tar -t -f "$unpack_orig" 2>/dev/null | head -n 1 | cut -d / -f 1)
		# shellcheck disable=SC2046 # paths in a tarball of ours have no spaces
		tar -x -f "$unpack_orig" -C "$unpack_dir" --strip-components=1 \
			$(for unpack_path; do printf '%s/%s ' "$unpack_top" "$unpack_path"; done)
	fi
}

# source_patch PACKAGE FOLDER: Debian's patches, in their order.
source_patch() {
	patch_tar=$(source_fetch "$1" | grep '\.debian\.tar\.')
	tar -x -f "$patch_tar" -C "$2"
	sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$2/debian/patches/series" | while read -r patch_name; do
		patch -d "$2" -p1 -s -i "debian/patches/$patch_name"
	done
}
