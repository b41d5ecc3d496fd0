#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd: its library calls the CNI plugin, in a chain with another; its shim calls
# vpnrun-runtime. Debian's daemon, its files and its socket in the rig. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
export PATH=$engines/bin:$PATH
need containerd containerd-shim-runc-v2 ctr "$engines/lib/cni/tuning" runc crun busybox
one_hierarchy

W=$(dirname "$RIG_DIR")/containerd
mkdir -p "$W"
# ctr looks there and nowhere else; what is the machine's stays behind these mounts.
[[ $RIG_DIR == /opt/* ]] || mount -t tmpfs none /opt
mount -t tmpfs none /var/lib
mkdir -p /opt/cni/bin /etc/cni/net.d
rm -f /etc/cni/net.d/*
cp "$RIG_DIR/build/libexec/vpnrun/cni/vpnrun" "$engines/lib/cni/tuning" /opt/cni/bin/
conflist() { # conflist VPN
	echo '{"cniVersion":"1.0.0","name":"invpn","plugins":[{"type":"vpnrun","vpn":"'"$1"'"},
		{"type":"tuning","sysctl":{"net.ipv4.tcp_ecn":"0"}}]}' >/etc/cni/net.d/10-vpn.conflist
}
conflist demo
cat >"$W/config.toml" <<C
version = 2
root = "$W/root"
state = "$W/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "$W/sock"
C
containerd -c "$W/config.toml" >"$W/log" 2>&1 &
daemon=$!
c() { timeout 60 ctr -a "$W/sock" "$@" </dev/null; }
ok 'containerd starts' wait_for 30 c version
rootfs "$W/fs"
run() { # run ID OPTION... -- COMMAND...
	local id=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	c run --env PATH=/bin --cgroup "vpnrun-ctr/$id" "${options[@]}" --rootfs "$W/fs" "$id" "${@:2}" 2>&1
}
wrapped=(--runc-binary "$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime" --annotation)

# --- the CNI plugin ------------------------------------------------------------------------------

names=(--mount "type=bind,src=/etc/netns/demo/resolv.conf,dst=/etc/resolv.conf,options=rbind:ro")
$RIG_CAPTURE start
is "$(run c0 --rm --net-host -- /bin/wget -qO- "http://$RIG_WEB4/")" clear 'containerd, --net-host: the clear'
ok 'and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
$RIG_CAPTURE start
is "$(run c1 --rm --cni "${names[@]}" -- /bin/sh -c "$fetch; cat /proc/sys/net/ipv4/tcp_ecn")" $'demo\ndemo\ndemo\n0' \
	'R20 ctr --cni: IPv4, IPv6 and names by the VPN, in a chain'
ok 'DEL by the library: no cable is left' wait_for 5 gone
conflist other
is "$(run c2 --rm --cni -- /bin/wget -qO- "http://$RIG_WEB4/")" other 'R20 ctr --cni: another VPN'
conflist nosuch
like "$(run c3 --rm --cni -- /bin/echo STARTED)" "plugin type=\"vpnrun\" failed.*no VPN 'nosuch'" 'ctr --cni: an unknown VPN'
c task rm -f c3 >/dev/null 2>&1
c container rm c3 >/dev/null 2>&1
conflist demo

# --- vpnrun-runtime ------------------------------------------------------------------------------

is "$(run c8 --rm "${wrapped[@]}" vpnrun=demo -- /bin/sh -c "$fetch")" $'demo\ndemo\ndemo' \
	'R20 containerd, vpnrun-runtime: IPv4, IPv6 and names'
is "$(run c4 --rm "${wrapped[@]}" 'vpnrun=other;policy=strict' -- /bin/sh -c "$status; wget -qO- http://$RIG_NAME/" | words)" \
	'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 other ' 'containerd: policy=strict'
is "$($RIG_CAPTURE stop)" 0 'R20 L01 containerd: and nothing beside it'
ok 'a container that stays' run c5 -d "${wrapped[@]}" vpnrun=demo -- /bin/sh -c "$flow"
n=0
# A task's second process has a name of its own. ctr stops copying when it hears of the end, and what a short one said
# can be lost: who says nothing is asked again.
inside() {
	local said='' status=0 last=$((n + 5))
	while [ -z "$said" ] && [ $n -lt $last ]; do
		n=$((n + 1)) status=0
		said=$(c task exec --exec-id "x$n-$BASHPID" c5 "$@") || status=$?
	done
	printf '%s\n' "$said"
	return $status
}
killed_flow containerd inside
is "$(inside /bin/sh -c "$status" | words)" 'CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' 'ctr task exec: the same policy'
like "$(c task checkpoint c5 2>&1)" 'cannot be checkpointed' 'ctr task checkpoint: refused'
c task kill -s KILL c5 >/dev/null
c task rm -f c5 >/dev/null 2>&1
c container rm c5 >/dev/null 2>&1
like "$(run c6 --rm --net-host "${wrapped[@]}" vpnrun=demo -- /bin/echo STARTED)" "^ctr: .*start it with --network none" \
	'L30 containerd --net-host: refused'
like "$(run c7 --rm "${wrapped[@]}" 'vpnrun=demo;polcy=x' -- /bin/echo STARTED)" "^ctr: .*'polcy=x' is unknown" 'containerd: an unknown key'

# --- nothing is left -----------------------------------------------------------------------------

ok 'no cable is left' wait_for 5 gone
is "$(c task ls -q)$(c container ls -q)" '' 'and no container'
kill $daemon
wait $daemon
remove_cgroups vpnrun-ctr
is "$(find /sys/fs/cgroup -type d -name 'vpnrun-ctr*')" '' 'the daemon ended, and nothing of it in the hierarchies'
finish
