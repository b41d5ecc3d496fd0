#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The pages for who reads: README.md is short, src/README.md says of each room what layers.pl says, tests/README.md knows
# every id that a test names, and each test of the threat model names its id.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
ok 'README.md has at most 120 lines' test "$(wc -l <README.md)" -le 120
ok 'and 100 columns' perl -CSD -ne 'chomp; exit 1 if length > 100' README.md

rooms() {
	perl -ne '$in = 1 if /^my %may/; last if $in && /^\);/;
		if ($in && m{^\t\x27?([\w/]+)\x27?\s*=> \[(.*?)\]}) { print "$1: ", join(", ", $2 =~ /\x27([^\x27]+)\x27/g), "\n" }' tests/lint/layers.pl
}
said() { perl -CSD -ne '$in = m{^## The rooms} if m{^## }; print "$1: ", $2 =~ s/^\x{2013}$//r, "\n" if $in && m{^\| `([a-z/]+)/` \| (.*?) \|}' src/README.md; }
is "$(said | sort)" "$(rooms | sort)" 'src/README.md: each room, and what it may use, as layers.pl has it'
is "$(for d in src/*/ hooks/*/; do d=${d%/}; d=${d#src/}; [ "$d" = man ] || said | grep -q "^$d:" || echo "$d"; done)" '' 'and no room is left out'

cited() { grep -rohE '\b[RL][0-9]{2}\b' tests --include='*.t' --include='*.c' --include='*.sh' tests/nspawn tests/vm | sort -u; }
known() { sed -n 's/^| \([RL][0-9][0-9]\) |.*/\1/p' tests/README.md | sort -u; }
is "$(comm -23 <(cited) <(known))" '' 'tests/README.md: every id that a test names'
wrong=
rows=0
while IFS='|' read -r _ id _ _ tests _; do
	rows=$((rows + 1))
	for t in $tests; do
		grep -qE "\b${id// /}\b" "tests/$t" 2>/dev/null || wrong+="${id// /} is not in $t "
	done
	[ -n "${tests// /}" ] || wrong+="$id has no test "
done < <(grep '^| L[0-9]' tests/README.md)
is "$rows rows $wrong" '63 rows ' 'the threat model: a row a channel, and each test that it names, names it'
is "$(comm -23 <(grep -oE '\bL[0-9]{2}\b' README.md | sort -u) <(known))" '' 'README.md: each id is one of these'

not_there=
while IFS=$'\t' read -r t why; do
	case $t in '' | '#'*) continue ;; esac
	[ -x "tests/${t#bridge:}" ] && [ -n "$why" ] || not_there+=" $t"
done <tests/vm/tests.list
is "$not_there" '' 'what runs in the guest is there, and says why'

threats=tests/lint/threats.pl
ok 'the threat model: each mutation that a row names is one, and a test of that row notices it' $threats --names
# The judge itself: a row is green by a test that ran, named it and came to its end; not by one that only ran.
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
tap() { printf '%s\n' "${@:2}" >"$runs/$1.tap"; }
judged() { $threats "$@" "$runs" | grep -oE '^(not )?ok [0-9]+ - L01: .*' | sed -E 's/ [0-9]+ -//'; }
is "$(judged)" '' 'what did not run is not judged'
ok 'and is said' sh -c "$threats '$runs' | grep -q '^# not judged in this run: L01 L02 '"
is "$(judged --whole)" 'not ok L01: none of its tests ran' 'in a whole run it fails'
tap tests_leak_die.t '1..1' 'ok 1 - L01 nothing left'
is "$(judged)" 'ok L01: green in leak/die.t' 'a test that ran and names the row'
tap tests_leak_die.t '1..2' 'ok 1 - L01 nothing left'
is "$(judged)" 'not ok L01: failed in leak/die.t' 'a test that broke off'
tap tests_leak_die.t '1..1' 'ok 1 - nothing left'
is "$(judged)" 'not ok L01: no test that ran says L01' 'a test that does not say the row'
tap tests_leak_die.t '1..1' 'ok 1 - L01 nothing left # SKIP no capture'
is "$(judged)" 'not ok L01: no test that ran says L01' 'a test that was skipped'
tap tests_leak_die.t '1..0 # SKIP no capture'
is "$(judged --whole)" 'not ok L01: none of its tests ran' 'nor is one that was skipped whole'
rm "$runs"/*
tap bridgetests_leak_die.t '1..1' 'ok 1 - nothing left'
is "$(judged)" '' 'what a test leaves out in the layout bridge is not judged there'
tap tests_leak_die.t '1..1' 'ok 1 - L01 nothing left'
tap bridgetests_leak_die.t 1..1 'not ok 1 - L01 nothing left'
is "$(judged)" 'not ok L01: failed in leak/die.t' 'in either layout'
ok 'and the script fails' sh -c "! $threats '$runs' >/dev/null"
finish
