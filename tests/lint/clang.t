#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All of it is built by the other compiler, and nothing is warned of.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
B=${B:-build}
what='clang builds everything without a warning'
# What it warns of is seen before it optimises; the launcher, too, which is musl's elsewhere.
built() {
	make -s -j"$(nproc)" CC=clang LAUNCHER_CC= CFLAGS=-O1 WERROR=1 B="$B/clang" all 2>&1 | grep -vE '^  (CC|AR|GEN|MUSL|LD) '
	return "${PIPESTATUS[0]}"
}
if command -v clang >/dev/null; then
	ok "$what" built
else
	skip 'clang is not installed' "$what"
fi
finish
