#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# firejail.sh VPN BRIDGE COMMAND...: firejail takes a bridge of the namespace that it is started in,
# so root starts it in the VPN's. Where it sees no kernel thread among the first ten processes it
# takes itself to be in a sandbox and runs the command without one, which would be no comparison: it
# is shown one. All this adds a few milliseconds to a second.
set -e
name=$(mktemp)
trap 'rm -f "$name"' EXIT
echo kthreadd >"$name"
# shellcheck disable=SC2016 # for the inner shell
unshare -m sh -c 'mount --bind "$0" /proc/1/comm && vpn=$1 bridge=$2 && shift 2 &&
	exec ip netns exec "$vpn" firejail --noprofile --net="$bridge" "$@"' "$name" "$@"
