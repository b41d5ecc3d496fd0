#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each message of the sources that names a command to type is in hints.list, beside the test that types it. R28.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
list=tests/lint/hints.list
mapfile -t files < <(find src hooks -name '*.[ch]')
said=$(perl tests/lint/hints.pl "${files[@]}" | LC_ALL=C sort -u)
listed=$(cut -f3 $list | LC_ALL=C sort -u)
is "$(LC_ALL=C comm -23 <(echo "$said") <(echo "$listed"))" '' 'R28: every message with a command is in hints.list, with a test'
is "$(LC_ALL=C comm -13 <(echo "$said") <(echo "$listed"))" '' 'R28: and nothing else is'
planted=$(mktemp --suffix=.c)
printf 'err_set(e, -1, "it is down; "\n\t"first: vpnctl up %%s", n);\n' >"$planted"
is "$(perl tests/lint/hints.pl "$planted")" 'it is down; first: vpnctl up %s' 'a planted one is found'
rm "$planted"
# What a launch says is said to a user: a command for root alone begins with sudo. vpnctl's own messages about such a
# command are read by who has just used it.
rooms=$(sed -n 's/^| `launch\/` | \([^|]*\) |.*/\1/p' src/README.md | tr -d ' ')
for_root=$(perl -0777 -ne 'print join "|", /\{"([a-z-]+)",\s*ctl_\w+,\s*"[^"]*",\s*"[^"]*",\s*\{"[^"]*", \d, \w+, (?:""|later)\}/g' src/vpnctl.c)
like "$rooms $for_root" 'state.* up\|down\|.*import' 'control: the rooms of a launch, and the commands for root'
mapfile -t launcher < <(eval "find src/{launch,$rooms} -name '*.[ch]'")
is "$(perl tests/lint/hints.pl "${launcher[@]}" | grep -P "(?<!sudo )vpnctl ($for_root|policy install|oci enable|default NAME)\b")" '' 'R28: what vpnrun tells a user to type has sudo where it needs it'
# The second column: a file of tests/ that has `hint ID`; FILE: TEXT, a file that has this text; =ID, the same command in a
# state that cannot be made; -: REASON, where nothing can be typed.
while IFS=$'\t' read -r id where _; do
	case $where in
	-:*) ;;
	=*) ok "R28: $id: ${where#=} is tried" grep -q "^${where#=}"$'\t' $list ;;
	*:*) ok "R28: $id: ${where%%:*} types it" grep -qF -- "${where#*: }" "tests/${where%%:*}" ;;
	*) ok "R28: $id: $where types it" grep -q "hint $id " "tests/$where" ;;
	esac
done <$list
finish
