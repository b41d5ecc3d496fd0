#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Plain English, as far as words.pl can judge it: of comments that begin with a fragment at most two in a hundred, of
# strings that say "is no X" for "is not an X" at most ten.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
mapfile -t files < <(find src hooks -name '*.[ch]')
read -r _ comments _ fragments _ _ _ isno < <(perl tests/lint/words.pl "${files[@]}")
ok "comments that begin with a fragment: $fragments of $comments" test "$((fragments * 50))" -le "$comments"
ok "strings that say \"is no X\": $isno" test "$isno" -le 10
planted=$(mktemp --suffix=.c)
cat >"$planted" <<'X'
/* Of at least four bytes. */
int a(void);

/* What is connected by the address that it had before. */
int b(void)
{
	/* For good, once the socket is there. */
	return err_set(e, -1, "%s is no socket", name);
}

/* Returns what was read, which is never more than was asked for. */
int c(void);
X
is "$(perl tests/lint/words.pl "$planted")" 'comments 4 fragments 3 strings 1 is-no 1' 'planted ones are seen, and a sentence is none'
rm "$planted"
finish
