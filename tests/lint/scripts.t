#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every script that is handed out, or that tests, is read by shellcheck.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
what='shellcheck finds nothing'
# SC2319: the status of a condition is what `ok $?` is for.
scripts() {
	grep -lrE '^#!/bin/(ba)?sh' tests .ci contrib hooks 2>/dev/null | xargs -P "$(nproc)" -n 12 shellcheck -x -S warning -e SC2319
}
if command -v shellcheck >/dev/null; then ok "$what" scripts; else skip 'shellcheck is not installed' "$what"; fi
finish
