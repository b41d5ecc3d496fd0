#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Static analysis: cppcheck, gcc's -fanalyzer on the privileged parts, and the format. What takes a processor for
# minutes has a file of its own, since a file has a limit: clang.t, scripts.t.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
n=0
cpus=$(nproc)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
t() {
	n=$((n + 1))
	local what=$1; shift
	if ! command -v "$1" >/dev/null; then
		echo "ok $n - $what # SKIP $1 is not installed"
	elif "$@" >"$out" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"; grep -vE '^  (CC|AR|GEN|MUSL|LD) ' "$out" | sed 's/^/# /' | head -n 40
	fi
}
echo 1..6
# memleak, resourceLeak: cppcheck does not know the cleanup attribute of AUTO_FREE and AUTO_CLOSE.
# missingIncludeSystem: not given the system's headers on purpose, so of what they define it is told what stands
# between strings. normalCheckLevel…: information, which is an error to cppcheck 2.17.
mapfile -t words < <(grep -rohE '\bDBUS_(SERVICE|PATH|INTERFACE)_[A-Z]+' src hooks | sort -u | sed 's/.*/-D&="x"/')
t 'cppcheck finds nothing' cppcheck -j "$cpus" --quiet --error-exitcode=1 --enable=warning,portability,performance \
	--inline-suppr --suppress=memleak --suppress=resourceLeak --suppress=missingIncludeSystem \
	--suppress=uninitvar --suppress=normalCheckLevelMaxBranches "${words[@]}" -D_GNU_SOURCE -DVPNRUN_VERSION='"x"' -Isrc -Ihooks -I"$B/gen" src hooks
# What runs with a capability, or on the way to a command. The check for uninitialised values is off: the
# analyser does not see that err_set() returns the negative code that it is given; that for descriptors, of gcc 14,
# knows neither the cleanup attribute nor that dup2() onto a number is for whoever has that number.
objects() {
	local f
	for f in src/{base,nf,nl,ns,session,box,ipc,broker,plugd,line,launch}/*.c src/{state,plug}/*.c src/vpnrun.c src/vpnrund.c; do
		case $f in src/base/json.c) continue ;; esac
		f=${f#src/}
		echo "$B/fanalyzer/obj/${f%.c}.o"
	done
}
# shellcheck disable=SC2046
t 'gcc -fanalyzer finds nothing in the broker and the launcher' make -s -j"$cpus" WERROR=1 B="$B/fanalyzer" \
	CFLAGS='-O1 -fanalyzer -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-fd-leak' $(objects)
t 'what runs with a capability is within its limit' make -s -j"$cpus" B="$B" tcb
t 'and what is over a limit is said' bash -c '! perl tests/lint/tcb.pl --max 1 "$0" src' "$B/tcb/libexec/vpnrun/vpnrund-plug"
# Each version has a taste of its own in what they are to be.
judge=$(make -s clang-format-judges)
case $judge in
'') t 'the C files are formatted' clang-format ;;
no*)
	n=$((n + 1))
	echo "ok $n - the C files are formatted # SKIP $judge" ;;
*) t 'the C files are formatted' make -s check-format ;;
esac
t 'nothing in the tree needs to be kept from users' bash -c '! grep -rnE "\b(TODO|FIXME|XXX|HACK)\b" src policy contrib hooks 2>/dev/null'
