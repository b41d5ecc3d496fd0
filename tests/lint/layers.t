#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rule of the rooms holds in src/ and hooks/, there is no circle, and the checkers catch planted violations.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
n=0
t() { n=$((n + 1)); if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi; }
# A tree with nothing but these: FILE TEXT [FILE TEXT]...
plant() {
	rm -rf "$d"; mkdir -p "$d/src" "$d/hooks"
	while [ $# -gt 0 ]; do
		mkdir -p "$d/${1%/*}"; printf '%s\n' "$2" >"$d/$1"; shift 2
	done
}
planted() { plant "$@"; perl tests/lint/layers.pl "$d" >/dev/null; [ $? -eq 1 ]; }
fine() { plant "$@"; perl tests/lint/layers.pl "$d"; }
# In a tree of those files, all of them compiled, the figure is that.
counted() {
	local what=$1 want=$2 f obj; shift 2
	plant "$@"
	obj=
	for f in $(cd "$d" && find src hooks -name '*.c'); do
		obj=1
		mkdir -p "$d/obj/$(dirname "${f#src/}")"
		cc -I"$d/src" -I"$d/hooks" -c "$d/$f" -o "$d/obj/$(dirname "${f#src/}")/$(basename "$f" .c).o" || return 1
	done
	[ "$(perl tests/lint/house.pl "$d" ${obj:+"$d/obj"} | sed -n "s/^$what *\([0-9.]*\).*/\1/p")" = "$want" ]
}
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
t 'the tree keeps the rule of its rooms' perl tests/lint/layers.pl .
t 'a planted upward include is caught' planted src/nl/x.c '#include "state/record.h"'
t 'a planted foreign library is caught' planted src/broker/x.c '#include <jansson.h>'
t 'a planted shell call is caught' planted src/up/x.c 'int f(void) { return system("ip a"); }'
t 'a planted open that waits for a FIFO is caught' planted src/up/x.c '	int fd = open(path, O_RDONLY | O_CLOEXEC);'
t 'a planted fopen that waits for a FIFO is caught' planted src/up/x.c '	FILE *f = fopen(path, "re");'
t 'in hooks/, too: another plugin is not looked into' planted hooks/cni/x.c '#include "netavark/netavark.h"'
t 'nor a room that hooks do not stand on' planted hooks/oci/x.c '#include "up/apply.h"'
t 'and src/ does not look into hooks/' planted src/plug/x.c '#include "common/wire.h"'
t 'an include without its room is caught' planted hooks/oci/x.c '#include "hook.h"'
t 'and one that climbs' planted hooks/runtime/x.c '#include "../oci/hook.h"'
t 'what may be is not caught' fine hooks/runtime/x.c '#include "oci/hook.h"' src/up/x.c '#include "nl/route.h"'

t 'the figures of the house are as they should be' perl tests/lint/house.pl --assert . "$B/obj"
one='int one(void); int two(void);'
t 'a planted circle of includes is counted' counted 'circles of files, by includes' 1 \
	src/nl/one.c "#include \"nl/two.h\"" src/nl/one.h '' src/nl/two.h "#include \"nl/one.h\""
t 'a planted circle of calls is counted' counted 'circles of files, by calls' 1 \
	src/nl/one.c "$one int one(void) { return two(); }" src/nl/two.c "$one int two(void) { return one(); }"
t 'also one of three, in hooks/' counted 'circles of files, by calls' 1 \
	hooks/cni/one.c "$one int three(void); int one(void) { return two(); }" \
	hooks/cni/two.c "$one int three(void); int two(void) { return three(); }" \
	hooks/cni/three.c "$one int three(void); int three(void) { return one(); }"
t 'a planted circle of folders is counted' counted 'circles of folders, by calls' 1 \
	src/nl/one.c "$one int one(void) { return two(); }" src/ns/two.c "$one int four(void); int two(void) { return 0; } int three(void); int three(void) { return four(); }" \
	src/nl/four.c 'int four(void); int four(void) { return 0; }'
t 'a call downwards is none' counted 'circles of files, by calls' 0 \
	src/nl/one.c "$one int one(void) { return two(); }" src/nl/two.c "$one int two(void) { return 0; }"

# unsaid TESTS PAGE: prints each requirement that a test cites and the page does not say.
unsaid() {
	comm -23 <(grep -rhoE '\b[LR][0-9]{2}\b' "$1" --include='*.t' --include='*.c' | sort -u) \
		<(grep -oE '^\| [LR][0-9]{2} ' "$2" | grep -oE '[LR][0-9]{2}' | sort -u)
}
t 'each requirement that a test cites is said in tests/README.md' test -z "$(unsaid tests tests/README.md)"
nines=L"99"
plant src/x.t "ok $nines"; echo '| L''98 | x |' >"$d/page"
t 'one that is not is found' test "$(unsaid "$d/src" "$d/page")" = "$nines"
echo "1..$n"
