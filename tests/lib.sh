# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# TAP for shell tests. Source it, make assertions, end with `finish`. Names of requirements go into
# the descriptions. Nothing here sleeps for luck: wait_for polls a state.

tap_n=0
tap_failed=0

ok() { # ok DESCRIPTION COMMAND...: passes if the command succeeds
	local what=$1 out
	shift
	tap_n=$((tap_n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $tap_n - $what"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_n - $what"
		printf '%s\n' "command: $*" "$out" | sed 's/^/#   /' | head -n 30
	fi
}

not() { ! "$@"; }

is() { # is GOT WANTED DESCRIPTION
	tap_n=$((tap_n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $tap_n - $3"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_n - $3"
		printf '%s\n' "got:    $1" "wanted: $2" | sed 's/^/#   /' | head -n 30
		# If it counted packets, which.
		[ "$2" != 0 ] || [ -z "${RIG_CAPTURE:-}" ] || $RIG_CAPTURE list | sed 's/^/#   seen: /' | head -n 30
	fi
}

like() { # like GOT REGEX DESCRIPTION
	tap_n=$((tap_n + 1))
	if [[ $1 =~ $2 ]]; then
		echo "ok $tap_n - $3"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_n - $3"
		printf '%s\n' "got:     $1" "pattern: $2" | sed 's/^/#   /' | head -n 30
	fi
}

skip() { # skip REASON DESCRIPTION
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $2 # SKIP $1"
}

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

wait_for() { # wait_for SECONDS COMMAND...: until the command succeeds; a bounded poll of a state
	# The longer it takes, the rarer it is looked: what looks takes the processor from what it waits for.
	# RIG_POLL: seconds between two looks, where looking itself is expensive.
	local pause ms=20 begun=$SECONDS end=$((SECONDS + $1 * ${RIG_SLOW_FACTOR:-1} + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			# Where nothing asserts it, this alone tells why the test takes so long.
			echo "# waited $((SECONDS - begun)) s in vain: $*" >&2
			return 1
		fi
		printf -v pause 0.%03d $ms
		read -r -t "${RIG_POLL:-$pause}" <> <(:) || :
		ms=$((ms < 160 ? ms * 5 / 4 : 200))
	done
}

# ended PID: it runs no more. `kill -0` finds a dead child for as long as its shell waits for others.
ended() {
	local stat
	read -r stat <"/proc/$1/stat" || return 0
	[[ ${stat##*) } = Z* ]]
} 2>/dev/null

# freeze VPN: its keeper does nothing more, nor does what it has started. Never in the middle of a look: it has the lock of the
# VPN then, and every vpnctl that follows would wait for it without an end. thaw VPN: it goes on.
freeze() { wait_for 20 is_frozen "$1" "$(cat "/run/vpnrun/$1.supervisor")"; }
is_frozen() {
	kill -STOP "$2" && wait_for 5 is_stopped "$2" &&
		wait_for 20 not pgrep -P "$2" -f "^vpnctl revive" &&
		flock -n "/run/vpnrun/$1.lock" true && return
	kill -CONT "$2"
	return 1
}
is_stopped() { [[ $(sed "s/.*) //" "/proc/$1/stat") = T* ]]; }
thaw() { kill -CONT "$(cat "/run/vpnrun/$1.supervisor")"; }

# in_vpn VPN COMMAND...: where the VPN's device and bridge are
in_vpn() {
	local vpn=$1
	shift
	if [ "${RIG_LAYOUT:-netns}" = bridge ]; then "$@"; else nsenter --net="/run/netns/$vpn" "$@"; fi
}

# get_by VPN URL [SECONDS]: what URL says to somebody whose way is the VPN's: in its namespace, or where
# the host's is used, from the tunnel's own address. URL has an address, no name.
get_by() {
	local vpn=$1 url=$2 family=-4 from=()
	if [ "${RIG_LAYOUT:-netns}" = bridge ]; then
		[[ $url != *'['* ]] || family=-6
		from=(--interface "$(ip -o $family addr show dev "$vpn" scope global 2>/dev/null | awk 'NR == 1 { sub("/.*", "", $4); print $4 }')")
		[ -n "${from[1]}" ] || return 1
	fi
	in_vpn "$vpn" curl -s -m "${3:-10}" "${from[@]}" "$url"
}

# from_vpn VPN COMMAND...: a program that has no other way than the VPN's
from_vpn() {
	local vpn=$1
	shift
	if [ "${RIG_LAYOUT:-netns}" = bridge ]; then vpnrun "$vpn" "$@"; else in_vpn "$vpn" "$@"; fi
}

finish() {
	echo "1..$tap_n"
	[ "$tap_failed" = 0 ]
}
