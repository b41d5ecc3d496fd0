#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is handed out: the tarball is the same bits whoever makes it, the version stands in one place, and every
# file says its licence.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT

# --- the tarball ---------------------------------------------------------------------------------
files() {
	if git rev-parse --show-toplevel 2>/dev/null | grep -qxF "$PWD"; then
		git ls-files -z --cached --others --exclude-standard | perl -0 -ne 'chomp(my $f = $_); print "$f\0" if -l $f || -e $f'
	else
		find . -path ./build -prune -o -path ./.git -prune -o ! -type d ! -name compile_commands.json -printf '%P\0'
	fi
}
# Two copies of this tree, made in another order, by another umask, at another time.
mkdir "$d/one" "$d/two"
files | sort -z | tar -c --null -T - | (umask 077 && tar -x --no-same-permissions -m -C "$d/one")
files | sort -rz | tar -c --null -T - | (umask 002 && tar -x --no-same-permissions -C "$d/two")
find "$d/two" -type f -exec touch -d 2001-02-03 {} +
made() { SOURCE_DATE_EPOCH=$2 make -s -C "$1" B="$1/build" dist >/dev/null 2>&1 && sha256sum <"$(echo "$1"/build/vpnrun-*.tar.gz)"; }
one=$(made "$d/one" 1700000000)
like "$one" '^[0-9a-f]{64}' 'make dist makes a tarball'
is "$(made "$d/two" 1700000000)" "$one" 'R90: the same bits from a tree with other modes, times and order'
is "$([ "$(made "$d/two" 1700000001)" = "$one" ] || echo differs)" differs 'control: SOURCE_DATE_EPOCH is its time'
version=$(make -s version)
tar -x -C "$d" -f "$d/one/build/vpnrun-$version.tar.gz"
is "$(made "$d/vpnrun-$version" 1700000000)" "$one" 'and from the tarball itself'
is "$(diff -r --no-dereference "$d/one" "$d/vpnrun-$version" | grep -v ': build$')" '' 'nothing is left out of it'

# --- one version ---------------------------------------------------------------------------------
like "$version" '^[0-9]+\.[0-9]+\.[0-9]+$' 'the version is three numbers'
for p in bin/vpnrun bin/vpnctl libexec/vpnrun/vpnrund libexec/vpnrun/vpnrun-hook; do
	like "$("${B:-build}/$p" --version)" " $version\$" "$p says the version that the Makefile has"
done
is "$(sed -n 's/^## \([0-9.]*\).*/\1/p' contrib/CHANGELOG.md | head -n 1)" "$version" 'the changelog begins with it'
is "$(sed -n '1s/^vpnrun (\(.*\)-.*/\1/p' contrib/debian/changelog)" "$version" 'and Debian'"'"'s'
for f in rpm/vpnrun.spec arch/PKGBUILD alpine/APKBUILD; do
	is "$(sed -nE 's/^(pkgver=|Version: +)([0-9.]+)$/\2/p' contrib/$f)" "$version" "contrib/$f has it"
done

# --- licences ------------------------------------------------------------------------------------
# A format without comments, a page for readers and what tests read as it came say it in .reuse/dep5.
unsaid() {
	grep -rL 'SPDX-License-Identifier: GPL-2.0-or-later' "$1"/{Makefile,src,hooks,policy,tests,contrib,.ci} --include='*' |
		sed "s|^$1/||" | grep -vE '\.(json|md|conflist)$|^tests/fuzz/(corpus|dict)/|^tests/fixtures/|^tests/unit/lists\.txt$|^tests/lint/hints\.list$' |
		grep -vE '^contrib/debian/(changelog|control|copyright|not-installed|source/.*|.*README\.Debian|.*\.(docs|examples|install|links|lintian-overrides))$'
}
is "$(unsaid "$d/vpnrun-$version")" '' 'every file that can says its licence in its head'
sed -i 1,3d "$d/vpnrun-$version/src/vpnctl.c"
is "$(unsaid "$d/vpnrun-$version")" src/vpnctl.c 'one that does not is found'

# --- what a merge leaves -------------------------------------------------------------------------
unmerged() { grep -rlE '^(<{7}|>{7}|[|]{7}) ' "$1" | sed "s|^$1/||"; }
is "$(unmerged "$d/vpnrun-$version")" '' 'no file holds two sides of a merge'
printf '%s HEAD\n' '<<<<<<<' >>"$d/vpnrun-$version/README.md"
is "$(unmerged "$d/vpnrun-$version")" README.md 'one that does is found'
finish
