#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# suite.sh [TEST…]: runs test files in the guest and makes one TAP stream of theirs, each line led
# by the file's name. Without arguments: what tests.list names, with the reason for each. bridge:TEST
# has the VPNs in the layout "bridge".
# Tests find RIG_SLOW=1 here and scale their loops and patience to a machine 20 times slower.
export RIG_SLOW=1 RIG_SLOW_FACTOR=10 RIG_WG=kernel RIG_PATIENCE=30
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit
export B=$PWD/build VPNCTL=$PWD/build/bin/vpnctl TAP_DIR=/tmp/tap
mkdir -p $TAP_DIR

tests=("$@")
if [ $# = 0 ]; then
	while IFS=$'\t' read -r t _; do
		case $t in
		'' | '#'*) ;;
		bridge:*) tests+=("bridge:tests/${t#bridge:}") ;;
		*) tests+=("tests/$t") ;;
		esac
	done <tests/vm/tests.list
fi

n=0 failed=0
result()
{
	n=$((n + 1))
	case $1 in not*) [[ $2 =~ '# TODO' ]] || failed=$((failed + 1)) ;; esac
	echo "$1 $n - $2"
}
run()
{
	local t=${1#bridge:} name line plan='' got=0 status start=$SECONDS

	name=$(basename "$t" .t)
	[ "$t" = "$1" ] || name="bridge $name"
	exec {from}< <(RIG_LAYOUT=$([ "$t" = "$1" ] && echo netns || echo bridge) timeout -k 5 "${VM_TEST_TIMEOUT:-900}" tests/exec "$t" 2>&1 </dev/null; echo "+status $?")
	while IFS= read -r line <&$from; do
		if [[ $line =~ ^(ok|not\ ok)(\ [0-9]+)?(\ -)?\ ?(.*)$ ]]; then
			got=$((got + 1))
			result "${BASH_REMATCH[1]}" "$name: ${BASH_REMATCH[4]}"
		elif [[ $line =~ ^1\.\.([0-9]+)(.*)$ ]]; then
			plan=${BASH_REMATCH[1]}
			[ "$plan" != 0 ] || result ok "$name: skipped ${BASH_REMATCH[2]}"
		elif [[ $line == '+status '* ]]; then
			# Not the end of the stream: a daemon that a test left may hold it open.
			status=${line#+status }
			break
		else
			echo "# ${line#\# }"
		fi
	done
	exec {from}<&-
	if [ "$plan" != "$got" ]; then
		result 'not ok' "$t: ended early, status $status, $got of ${plan:-?} tests"
	elif [ "$status" = 124 ]; then
		result 'not ok' "$t: took too long"
	fi
	echo "# $1: $((SECONDS - start)) s"
}
for t in "${tests[@]}"; do
	run "$t"
done
echo "1..$n"
exit $((failed > 0))
