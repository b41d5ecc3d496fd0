#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each corpus once, with the sanitizers, by a main of our own: whatever was found once stays found.
# Runs on what `make asan` has built, or another build that FUZZ_BIN names.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
bin=${FUZZ_BIN:-${B:-build}/asan/libexec/vpnrun}

plan_targets=$(cd tests/fuzz && for f in fuzz_*.c; do f=${f#fuzz_}; echo "${f%.c}"; done)
for t in $plan_targets; do
	want=$(find "tests/fuzz/corpus/$t" -type f | wc -l)
	out=$(ASAN_OPTIONS=detect_leaks=1 timeout 120 "$bin/fuzz_$t" "tests/fuzz/corpus/$t" 2>&1)
	is "$? $(tail -n 1 <<<"$out")" "0 $want files" "$t: each file of its corpus" ||
		tail -n 12 <<<"$out" | sed 's/^/# /'
done
finish
