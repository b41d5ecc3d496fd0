#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Manual pages are well-formed, every command and option that --help names is in its page, and --help
# fits a screen. R28.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
B=${B:-build}
for page in src/man/*.[1-8]; do
	if command -v mandoc >/dev/null; then
		ok "$page is well-formed" mandoc -T lint -W warning "$page"
	else
		skip 'mandoc is not installed' "$page is well-formed"
	fi
done
plain() { sed -e 's/\\-/-/g' -e 's/Fl -/--/g' -e 's/ | -/ --/g' "$1"; }
# Three are in the row of another.
commands() { "$B/bin/vpnctl" --help | awk '/^  [a-z]/ { print $1 }'; echo rename unwrap release; }
for c in $(commands); do
	ok "R28: vpnctl.8 has '$c'" grep -q "Ss $c" src/man/vpnctl.8
done
# The table of commands says who needs root; the page says the same.
table() {
	local c said
	for c in $(commands); do
		said=$("$B/bin/vpnctl" "$c" --help | sed -n 's/.* Needs root\( for \([^.]*\)\)*\..*/\2/p; ')
		"$B/bin/vpnctl" "$c" --help | grep -q 'Needs root' && echo "$c" ${said// and / }
	done
}
page() {
	sed -n '/^Root is needed by/,/^\.Ss/p' src/man/vpnctl.8 | sed -nE 's/^\.Cm ([a-z-]+).*/\1/p; s/^\.Fl -([a-z]+).*/--\1/p'
}
is "$(page | sort | xargs)" "$(table | xargs -n1 | sort | xargs)" 'R28: vpnctl.8 says which commands need root, as the table has it'
for o in $("$B/bin/vpnrun" --help | grep -oE -e '--[a-z-]+' | sort -u); do
	ok "R28: vpnrun.1 has '$o'" grep -qF -e "$o" <(plain src/man/vpnrun.1)
	ok "the completion knows '$o'" grep -qxF -e "$o" <("$B/bin/vpnctl" complete vpnrun -)
done
# What the completion offers, which is what the parser takes, is in the page, and what the page's synopsis has is offered.
flags() { perl -ne 'next if !s/^\.//; my $is = 0; for (split) { if (/^[A-Z][a-z]$/) { $is = $_ eq "Fl" } elsif ($is && /^[-\w]/) { s/\\-/-/g; print "-$_\n" } }' | sort -u; }
offered() { "$B/bin/vpnctl" complete "$@" - | sort -u; }
synopsis() { awk -v c="$1" '/^\.Sh/ { on = /SYNOPSIS/ } on && /^\.Nm/ { mine = 0 } on && $1 == ".Cm" && $2 == c { mine = 1 } on && mine' src/man/vpnctl.8; }
of_page() {
	synopsis "$1"
	sed -n "/^\.Ss $1$/,/^\.S[sh] /p" src/man/vpnctl.8
	[ ! -e "src/man/vpnctl-$1.8" ] || cat "src/man/vpnctl-$1.8"
}
for c in $(commands); do
	# What vpnctl calls itself by, inside a VPN, is nobody else's.
	is "$(comm -23 <(offered vpnctl "$c") <({ of_page "$c" | flags; echo --help; echo --here; } | sort -u) | xargs)" '' "R28: vpnctl.8 has each option of $c that the completion offers"
	is "$(comm -13 <(offered vpnctl "$c") <(synopsis "$c" | flags) | xargs)" '' "the completion knows each option that vpnctl.8 says of $c"
done
is "$(comm -3 <(offered vpnrun) <(grep '^\.It Fl' src/man/vpnrun.1 | flags) | xargs)" '' 'R28: the options of vpnrun.1 are those that the completion offers'
is "$(comm -23 <(printf '%s\n' --json --none) <(synopsis status | flags))" --none 'control: an option that is not in the page is found'
for k in $(grep -oE '^	\{"[a-z_0-9]+", ' src/conf/profile.c | tr -d '	{", '); do
	ok "R28: vpnrun.json.5 has '$k'" grep -qE "^\\.It Cm (.* )?$k( |$)" src/man/vpnrun.json.5
done
for p in vpnrun vpnctl; do
	ok "R28: $p --help fits a screen" test "$("$B/bin/$p" --help | wc -l)" -le 24
	ok "R28: $p --help fits its width" test "$("$B/bin/$p" --help | wc -L)" -le 100
done
finish
