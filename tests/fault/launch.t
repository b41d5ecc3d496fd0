#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every system call of a launch, of the broker, of a CNI ADD and of the OCI hook fails once: never a weaker sandbox or
# container, never something left behind, always a sentence (L51). FAULT_SAMPLE: how many points of each kind, all of them by 0.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
command -v strace >/dev/null || { echo '1..0 # SKIP no strace'; exit 0; }
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
as_user sleep 3600 &
out=$!
coproc inside { as_user vpnrun demo sh -c 'echo $$; exec sleep 3600'; }
read -r FAULT_WITH <&"${inside[0]}"
export FAULT_WITH FAULT_PORTS=1
ino() { stat -Lc %i "/proc/self/ns/$1"; }
JUDGE_NET=$(ino net) JUDGE_USER=$(ino user) JUDGE_PID=$out JUDGE_CAPS=0
export JUDGE_NET JUDGE_USER JUDGE_PID JUDGE_CAPS
export JUDGE_SOCKETS="/run/dbus/system_bus_socket $home/door.sock" JUDGE_HIDDEN="/run/vpnrun /run/netns /run/dbus"
ip netns add fault
# shellcheck disable=SC2086
"$RIG_DIR/tests/fault/faults.pl" --sample "${FAULT_SAMPLE-40}" ${FAULT_SEED:+--seed "$FAULT_SEED"} ${FAULT_ONLY:+--only "$FAULT_ONLY"} \
	${FAULT_KINDS:-launch strict none inherited join ports host root broker cni hook userhook precreate names}
rc=$?
kill $l1 $l2 $out "$FAULT_WITH"
exit $rc
