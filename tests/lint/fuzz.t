#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/fuzz/README.md is whole: each target has a row and a corpus, each row a target that is there, and each file
# of src/ and hooks/ that reads by itself is in a row, or among those that are none, with the reason.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
fuzz=tests/fuzz
page=$fuzz/README.md

targets() { for f in "$fuzz"/fuzz_*.c; do f=${f##*/fuzz_}; echo "${f%.c}"; done | sort; }
rows() { grep -E '^\| .* \| .* \| .* \| .* \|$' "$1" | grep -v '^| reader |\|^|--'; }
# The words between backquotes of the third column.
named() { rows "$1" | awk -F'|' '{print $4}' | grep -oE '`[a-z0-9_]+`' | tr -d '`' | sort -u; }
files() { rows "$1" | awk -F'|' '{print $3}' | tr ' ' '\n' | grep -E '\.c$' | sort -u; }
excused() { sed -n 's/^- `\([^`]*\.c\)`: .*/\1/p' "$1" | sort -u; }
at() { case $1 in hooks/*) echo "$1" ;; *) echo "src/$1" ;; esac; }
readers() {
	grep -rlE '\b(file_read(_named|_fd)?|recv|recvfrom|recvmsg|json_loadb?s?|getline|fgets|sscanf|read|pread|nl_dump|nl_query|nl_read_table)\(' \
		"${@:-src hooks}" --include='*.c' | sed 's#^src/##' | sort
}

is "$(comm -3 <(targets) <(named $page))" '' 'each target has a row, and each row a target'
is "$(for t in $(targets); do [ -n "$(find "$fuzz/corpus/$t" -type f 2>/dev/null | head -n 1)" ] || echo "$t"; done)" '' \
	'each target has a corpus'
is "$(for d in "$fuzz"/corpus/* "$fuzz"/dict/*; do targets | grep -qx "${d##*/}" || echo "$d"; done)" '' \
	'and no corpus or dictionary is left without a target'
is "$(for f in $(files $page) $(excused $page); do [ -f "$(at "$f")" ] || echo "$f"; done)" '' 'each file of a row is there'
# shellcheck disable=SC2046
is "$(comm -23 <(readers src hooks) <({ files $page; excused $page; } | sort -u))" '' 'each file that reads is in a row'
is "$(comm -12 <(files $page) <(excused $page))" '' 'and none is in both lists'
big=$(find "$fuzz/corpus" -type f -size +64k)
is "$big" '' 'files of a corpus are small'

# The judge itself.
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
grep -v 'tunnel/uapi.c' $page >"$d/page"
is "$(comm -23 <(targets) <(named "$d/page"))" uapi 'a row that is taken away is missed'
is "$(comm -23 <(readers src hooks) <({ files "$d/page"; excused "$d/page"; } | sort -u))" tunnel/uapi.c 'and its reader'
mkdir -p "$d/src" && echo 'int f(int fd, char *b) { return read(fd, b, 1); }' >"$d/src/new.c"
is "$(readers "$d/src")" "$d/src/new.c" 'a new reader is seen'
finish
