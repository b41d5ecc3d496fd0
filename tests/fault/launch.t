#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A launch, the broker with its plugger, publish, the plugins of CNI and netavark and the OCI hook fail, or are killed, at every
# system call: never a weaker sandbox or container, never something left behind, always a sentence (L51). FAULT_SAMPLE: how many
# points of each kind, all of them by 0.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck disable=SC2016
home=$(as_user sh -c 'echo $HOME')
export FAULT_HOME=$home
listener() { perl -MSocket -e 'unlink $ARGV[0]; socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un($ARGV[0]) or die;
	chmod 0777, $ARGV[0]; listen S, 50; while (1) { accept C, S; close C }' "$1" & }
mkdir -p /run/dbus
listener /run/dbus/system_bus_socket
l1=$!

listener "$home/door.sock"
l2=$!
# What it joins has covered what listened before it.
wait_for 10 test -S /run/dbus/system_bus_socket
wait_for 10 test -S "$home/door.sock"
as_user sleep 3600 &
out=$!
coproc inside { as_user vpnrun demo sh -c 'echo $$; exec sleep 3600'; }
read -r FAULT_WITH <&"${inside[0]}"
export FAULT_WITH FAULT_PORTS=1
ino() { stat -Lc %i "/proc/self/ns/$1"; }
JUDGE_NET=$(ino net) JUDGE_USER=$(ino user) JUDGE_PID=$out JUDGE_CAPS=0
export JUDGE_NET JUDGE_USER JUDGE_PID JUDGE_CAPS
export JUDGE_SOCKETS="/run/dbus/system_bus_socket $home/door.sock" JUDGE_HIDDEN="/run/vpnrun /run/netns /run/dbus"
some=()
kinds='launch strict none inherited join ports host root broker cni cni-del netavark netavark-del hook userhook precreate names'
# In the layout "bridge" its services are the host's own.
[ "$RIG_LAYOUT" = bridge ] || kinds="$kinds publish"
for k in $kinds; do [[ " ${FAULT_KINDS:-$kinds} " != *" $k "* ]] || some+=("$k"); done
rc=0
if [ ${#some[@]} = 0 ]; then
	echo '1..0 # SKIP none of these kinds is wanted'
else
	# shellcheck disable=SC2086
	"$RIG_DIR/tests/fault/faults.pl" --sample "${FAULT_SAMPLE-12}" ${FAULT_SEED:+--seed "$FAULT_SEED"} \
		${FAULT_ONLY:+--only "$FAULT_ONLY"} ${FAULT_PART:-} "${some[@]}" || rc=1
fi
kill $l1 $l2 $out "$FAULT_WITH"
exit $rc
