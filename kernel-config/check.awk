# SPDX-License-Identifier: Apache-2.0
# check.awk GOT ASKED: prints each option of ASKED that GOT (a finished .config) does not have
# as asked, and exits with 1 if there is one. An option that is unset and one that is not there
# are the same: both are off.

function option(line) {
	if (line ~ /^CONFIG_[A-Z0-9_]+=/)
		return substr(line, 1, index(line, "=") - 1)
	if (line ~ /^# CONFIG_[A-Z0-9_]+ is not set$/)
		return substr(line, 3, index(line, " is not set") - 3)
	return ""
}

function value(line, name) {
	return line ~ /^#/ ? "n" : substr(line, length(name) + 2)
}

{
	name = option($0)
	if (name == "")
		next
	if (FNR == NR) {
		got[name] = value($0, name)
	} else {
		# A later fragment overrides an earlier one.
		asked[name] = value($0, name)
		if (!(name in order)) {
			order[name] = ++count
			names[count] = name
		}
	}
}

END {
	for (i = 1; i <= count; i++) {
		name = names[i]
		have = name in got ? got[name] : "n"
		if (have != asked[name]) {
			printf "%s: wanted %s, got %s\n", name, asked[name], have
			bad = 1
		}
	}
	exit bad
}
