#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each command that README.md, contrib/compose/README.md or the EXAMPLES of a manual page shows is in examples.list, beside the
# test that types it. R28.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
list=tests/lint/examples.list
said=$(perl tests/lint/examples.pl README.md contrib/compose/README.md src/man/*.[1-8] | cut -f2 | LC_ALL=C sort -u)
listed=$(grep -v '^#' $list | cut -f2 | LC_ALL=C sort -u)
is "$(LC_ALL=C comm -23 <(echo "$said") <(echo "$listed"))" '' 'R28: every command that is shown is in examples.list, with a test'
is "$(LC_ALL=C comm -13 <(echo "$said") <(echo "$listed"))" '' 'R28: and nothing else is'
planted=$(mktemp --suffix=.8)
printf '.Sh EXAMPLES\n.Bd -literal\nsudo vpnctl up \\e\n    work\n[Service]\n.Ed\nThen\n.Ic vpnctl default work .\n' >"$planted"
is "$(perl tests/lint/examples.pl "$planted" | cut -f2)" $'sudo vpnctl up work\nvpnctl default work' 'planted ones are found'
rm "$planted"
# The first column: leak/examples.t, which types the command as it stands; FILE: TEXT, another test that has this text, with
# what is there in place of the names; -: REASON, where there is nothing of vpnrun's to try.
while IFS=$'\t' read -r where command; do
	case $where in
	'#'* | -:*) ;;
	*:*) ok "R28: $command: in ${where%%:*}" grep -qF -- "${where#*: }" "tests/${where%%:*}" ;;
	*) ok "R28: $command: typed" grep -qF -- "try '$command'" "tests/$where" ;;
	esac
done <$list
finish
