#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# podman's CNI backend (podman before 5) with the plugin: the real library calls it. The image is
# busybox and nothing else; podman's files lie in the rig. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"

busybox=$(command -v busybox)
if ! command -v podman >/dev/null || ! command -v runc >/dev/null; then
	echo '1..0 # SKIP podman and runc are not installed'
	exit 0
fi
if [ -z "$busybox" ] || ldd "$busybox" >/dev/null 2>&1; then
	echo '1..0 # SKIP no static busybox (busybox-static)'
	exit 0
fi

d=$RIG_DIR/podman
mkdir -p "$d"/{rootfs/bin,net.d,plugins,upper,work}
# podman and libcni keep caches in /var/lib whatever they are told; the machine's must not change.
if ! mount -t overlay -o "lowerdir=/var/lib,upperdir=$d/upper,workdir=$d/work" overlay /var/lib; then
	echo '1..0 # SKIP no overlay can be put over /var/lib'
	exit 0
fi
cgroups() { find /sys/fs/cgroup -maxdepth 2 -name libpod_parent; }
had=$(cgroups)
cp "$busybox" "$d/rootfs/bin/busybox"
for a in sh wget cat sleep nc; do ln -s busybox "$d/rootfs/bin/$a"; done
cp "$RIG_DIR/build/libexec/vpnrun/cni/vpnrun" "$d/plugins/"
for n in demo other; do
	echo "{\"cniVersion\":\"0.4.0\",\"name\":\"in$n\",\"plugins\":[{\"type\":\"vpnrun\",\"vpn\":\"$n\",\"capabilities\":{\"portMappings\":true}}]}" >"$d/net.d/$n.conflist"
done
cat >"$d/containers.conf" <<C
[network]
network_backend="cni"
cni_plugin_dirs=["$d/plugins"]
network_config_dir="$d/net.d"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
enable_port_reservation=false
C
export CONTAINERS_CONF=$d/containers.conf
pod() { podman --root "$d/store" --runroot "$d/run" --storage-driver vfs --runtime runc "$@"; }
# The limits are podman's defaults where it may set them, which not every guest allows.
run() { # run NETWORK COMMAND...
	pod run --rm --pull=never --network "$1" --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
		${NAME:+--name $NAME} ${PUBLISH:+-p $PUBLISH} localhost/bb:1 "${@:2}"
}
ports() { ip -n demo -o link show type veth | wc -l; }
no_ports() { [ "$(ports)" = 0 ]; }

tar -C "$d/rootfs" -cf "$d/r.tar" . && pod import "$d/r.tar" bb:1 >/dev/null 2>&1
if ! pod network ls 2>/dev/null | grep -q indemo; then
	echo '1..0 # SKIP this podman has no CNI backend'
	exit 0
fi

$RIG_CAPTURE start
is "$(run indemo wget -qO- "http://$RIG_WEB4/")" demo 'R20: podman run: through the VPN, IPv4'
is "$(run indemo wget -qO- "http://$RIG_WEB6/")" demo 'R20: IPv6'
is "$(run inother wget -qO- "http://$RIG_WEB4/")" other 'the other VPN'
is "$(run indemo cat /etc/resolv.conf | awk '/nameserver/ { print $2; exit }')" "$RIG_DNS_DEMO" "the VPN's name server comes first"
NAME=held run indemo sleep 100 >/dev/null 2>&1 &
held=$!
up() { [ "$(ports)" = 1 ] && [ "$(pod inspect -f '{{.State.Running}}' held)" = true ]; }
ok 'a container that stays' wait_for 30 up
ip netns exec demo ip link del demo
is "$(pod exec held wget -T 3 -qO- "http://$RIG_WEB4/" 2>/dev/null)" '' 'R21: the tunnel gone: nothing'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing of all that left by the uplink'
vpnctl up demo >/dev/null 2>&1 || { vpnctl down --force demo && vpnctl up demo; } >/dev/null
pod kill held >/dev/null 2>&1
wait $held
ok 'a container that is killed leaves no port' wait_for 20 no_ports
# podman's own -p. It listens there itself, for nobody, unless it is told not to reserve ports.
PUBLISH=127.0.0.1:8080:80 NAME=web run indemo sh -c 'while :; do echo hello | nc -l -p 80; done' >/dev/null 2>&1 &
web=$!
answers() { [ "$(timeout 2 bash -c 'cat </dev/tcp/127.0.0.1/8080')" = hello ]; }
ok 'R87: podman run -p: the host reaches it' wait_for 30 answers
pod kill web >/dev/null 2>&1
wait $web
ok 'R87: and no process stays' wait_for 20 no_relay
vpnctl down demo >/dev/null
out=$(run indemo wget -qO- "http://$RIG_WEB4/" 2>&1)
is $? 126 'a VPN that is down: the container does not start'
like "$out" "VPN 'demo'.*(not up|down)" 'and podman shows the sentence'
vpnctl up demo >/dev/null
is "$(ports)" 0 'nothing is left'
[ -n "$had" ] || cgroups | xargs -r rmdir 2>/dev/null
finish
