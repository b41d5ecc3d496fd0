#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is measured is what has run: lines of a program that is killed, that execs, that forks, that has no privilege and no
# file system any more; and no other line. Run by `make coverage`, which sets COVERAGE_FLAGS.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
here=$PWD/tests/coverage
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
chmod 755 "$d"
mkdir -p "$d"/{bin,libexec,tests,tools,blocks,src/room,hooks}
cat >"$d/src/room/known.c" <<'X'
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
static void killed(void)
{
	kill(getpid(), SIGKILL);
}
static void execs(void)
{
	execl("/bin/true", "true", NULL);
}
static void bare(void)
{
	if (chroot("/proc/self/fdinfo") || setuid(65534))
		abort();
	prctl(PR_SET_SECCOMP, 1);
	for (;;)
		if (getppid() == 1)
			abort();
}
int main(int argc, char **argv)
{
	(void)argv;
	if (argc == 1)
		killed();
	if (argc == 2)
		execs();
	if (argc == 3 && fork() == 0)
		bare();
	return 0;
}
X
# lines WHAT: those that the report calls not run, after the program was called in that way.
lines() { (cd "$d" && perl "$here/report.pl" --lines blocks 100) 2>&1 | sed -n 's/^src.room.known.c: //p'; }
build() {
	# shellcheck disable=SC2086
	clang -O1 -fPIE -DCOVERAGE_DIR="\"$d/blocks\"" -c "$here/keep.c" -o "$d/keep.o" &&
		(cd "$d" && clang $COVERAGE_FLAGS -fPIE -pie -D_GNU_SOURCE -Wl,-T,"$here/keep.ld" keep.o src/room/known.c -o bin/known)
}
ok 'a program is built with it' build
"$d/bin/known" a b c
is "$(ls "$d"/blocks)" '' 'without its file it keeps nothing, and makes none'
"$here/seed" "$d"
is "$(find "$d/blocks" -name '*.cov' -perm 666 | wc -l)" 1 'its file is there, for every user'
is "$(lines)" '6-8 10-12 14-20 23 25-31' 'nothing has run'
exit_of() { "$@" >/dev/null 2>&1; echo $?; }
is "$(exit_of bash -c "'$d/bin/known'; exit \$?") $(lines)" '137 10-12 14-20 27-31' 'killed at once: what it ran until then'
is "$(exit_of setpriv --reuid 65534 --clear-groups "$d/bin/known" a) $(lines)" '0 14-20 29-31' 'it execs, as another user'
cp "$d/bin/known" "$d/other"
is "$(exit_of "$d/other" a b) $(wait_for 5 eval '! lines | grep -q 17'; lines)" '0 16 18 20' 'a copy of it, in a bare root, allowed nothing'
"$here/seed" "$d"
is "$(lines)" '16 18 20' 'a second run adds to the first'
finish
