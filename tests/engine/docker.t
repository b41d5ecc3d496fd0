#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker, with vpnrun-runtime as its runtimes: Debian's daemon, its files and its socket in the rig,
# without a bridge and without rules of its own. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
export PATH=$engines/bin:$engines/sbin:$PATH
need dockerd containerd containerd-shim-runc-v2 runc crun busybox jq
docker=$engines/bin/docker # there may be another client
one_hierarchy

W=$(dirname "$RIG_DIR")/docker
mkdir -p "$W"
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
# The hierarchies are the machine's, where another rig may run the same.
cgroup=vpnrun-docker-$(stat -Lc %i /proc/self/ns/net)
jq -n --arg c "$cgroup" --arg w "$W" --arg p "$wrapper" '{"data-root": ($w + "/data"), "exec-root": ($w + "/exec"),
	pidfile: ($w + "/pid"), hosts: ["unix://" + $w + "/sock"], iptables: false, ip6tables: false,
	bridge: "none", "storage-driver": "vfs", "cgroup-parent": $c, runtimes: {
	demo: {path: $p, runtimeArgs: ["--vpnrun=demo"]},
	crun: {path: $p, runtimeArgs: ["--runtime=crun", "--vpnrun=other"]},
	strict: {path: $p, runtimeArgs: ["--vpnrun=demo,policy=strict"]},
	nosuch: {path: $p, runtimeArgs: ["--vpnrun=nosuch"]},
	open: {path: $p, runtimeArgs: ["--vpnrun=demo,policy=none"]},
	typo: {path: $p, runtimeArgs: ["--vpnrun=demo,polcy=strict"]}}}' >"$W/daemon.json"
dockerd --config-file "$W/daemon.json" >"$W/log" 2>&1 &
daemon=$!
d() { timeout 60 "$docker" --host "unix://$W/sock" --config "$W/client" "$@" </dev/null; }
ok 'dockerd starts' wait_for 30 d version
rootfs "$W/fs"
tar -C "$W/fs" -c . | timeout 60 "$docker" --host "unix://$W/sock" import - plain:1 >/dev/null
ln -s "$W/victim" "$W/fs/etc/resolv.conf"
tar -C "$W/fs" -c . | timeout 60 "$docker" --host "unix://$W/sock" import - evil:1 >/dev/null
# run RUNTIME [OPTION...] IMAGE COMMAND... For what a container has said dockerd waits two seconds after its end: on a busy
# machine it can be lost, and who says nothing is asked again.
run() {
	local said='' status=0 i
	for ((i = 0; i < 3 && !${#said}; i++)); do
		said=$(d run --rm --network none --runtime "$@" 2>&1) && status=0 || status=$?
	done
	printf '%s\n' "$said"
	return $status
}

# --- the danger, and the main job ----------------------------------------------------------------

# Docker puts the host's servers into a container that has no network at all.
like "$(run runc plain:1 cat /etc/resolv.conf)" "$RIG_DNS_CLEAR" "Docker's own: the host's name servers"
$RIG_CAPTURE start
is "$(d run --rm --network host plain:1 wget -qO- "http://$RIG_WEB4/")" clear "Docker's own network: the clear"
ok 'and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
$RIG_CAPTURE start
is "$(run demo plain:1 sh -c "$fetch")" $'demo\ndemo\ndemo' 'R20 docker, runc: IPv4, IPv6 and names by the VPN'
is "$(run crun plain:1 sh -c "$fetch")" $'other\nother\nother' 'R20 docker, crun: another VPN'
is "$(run demo --read-only plain:1 sh -c "$fetch")" $'demo\ndemo\ndemo' 'R20 docker --read-only'
is "$(run demo evil:1 wget -qO- "http://$RIG_NAME/")" demo 'docker, evil image: names by the VPN'
is "$($RIG_CAPTURE stop)" 0 'R20 L01 docker: and nothing beside it'
ok 'evil image: the file on the host was not made' test ! -e "$W/victim"
is "$(run demo plain:1 grep -c "^nameserver $RIG_DNS_CLEAR" /etc/resolv.conf)" 0 "L06 docker: none of the host's name servers"
is "$(run demo plain:1 sh -c 'echo x >/etc/resolv.conf' | grep -c 'ead-only')" 1 'and the file is read-only'
is "$(run demo plain:1 sh -c "$status" | words)" 'CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' \
	'docker: the policy: capabilities, no_new_privs, a filter'
is "$(run strict --privileged plain:1 sh -c "$status; $fetch" | words)" \
	'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 demo demo demo ' 'docker --privileged, policy=strict: no capability'

# --- programs with capabilities of their own -----------------------------------------------------

mkdir "$W/fs/raw"
cp "$W/fs/bin/busybox" "$W/fs/raw/echo"
setcap cap_net_raw+ep "$W/fs/raw/echo"
tar -C "$W/fs" --xattrs --xattrs-include=security.capability -c . |
	timeout 60 "$docker" --host "unix://$W/sock" import - raw:1 >/dev/null
is "$(run runc raw:1 /raw/echo hello)" hello 'a program with a capability of its own (ping, in older images), without a VPN'
like "$(run demo raw:1 sh -c '/raw/echo hello' 2>&1)" 'not permitted' 'which the policy has not: the kernel does not start it'
is "$(run open raw:1 sh -c "/raw/echo hello; wget -qO- http://$RIG_NAME/" | words)" 'hello demo ' 'with policy=none it does'

# --- ports, which Docker discards ----------------------------------------------------------------

web() { # web OPTION...: a container that answers
	d run -d --network none --name web "$@" plain:1 sh -c 'while :; do echo hello | nc -l -p 80; done' 2>&1
}
answers() { [ "$(timeout 2 bash -c "cat </dev/tcp/${1%:*}/${1##*:}")" = hello ]; }
like "$(web --runtime runc -p 127.0.0.1:8090:80)" '^[0-9a-f]+$' "control: Docker's own: -p with --network none: not a word"
ok 'control: and nobody listens' not answers 127.0.0.1:8090
d rm -f web >/dev/null
web --runtime demo -p 127.0.0.1:8090:80 -p 8091:80/tcp >/dev/null
ok 'R87 docker -p: the host reaches it' wait_for 10 answers 127.0.0.1:8090
ok 'R48 docker -p: of one address, and no other' not in_ns lan bash -c "cat </dev/tcp/$RIG_HOST4/8090"
lan() { [ "$(in_ns lan timeout 2 bash -c "cat </dev/tcp/$1/8091")" = hello ]; }
ok 'R87 docker -p without an address: the LAN reaches it' wait_for 10 lan "$RIG_HOST4"
ok 'R87 docker -p: by IPv6' wait_for 10 lan "$RIG_HOST6"
d restart -t 0 web >/dev/null
ok 'R87 docker restart: again' wait_for 10 answers 127.0.0.1:8090
like "$(d run --rm --network none --runtime demo -p 8091:80 plain:1 echo STARTED 2>&1)" 'port 8091 .*in use' \
	'R87 docker -p: a port that is taken: refused'
d rm -f web >/dev/null
ok 'R87 docker rm: no process stays' wait_for 10 no_relay
for o in '-p 80' '-p 127.0.0.1::80'; do
	# shellcheck disable=SC2086
	like "$(d run --rm --network none --runtime demo $o plain:1 echo STARTED 2>&1)" "no port of its own choice" \
		"docker $o: what cannot be had is refused"
done
like "$(d run --rm --network none --runtime demo -p 8092:80/sctp plain:1 echo STARTED 2>&1)" 'publish=.*sctp' 'nor another protocol'

# --- while they run ------------------------------------------------------------------------------

stay() { d run -d --network none --name "$@" >/dev/null; }
ok 'a container that stays' stay one --runtime demo plain:1 sh -c "$flow"
ok 'and one in another VPN' stay two --runtime crun plain:1 sleep 600
is "$(d exec one wget -qO- "http://$RIG_NAME/") $(d exec two wget -qO- "http://$RIG_NAME/")" 'demo other' \
	'R20 docker exec: two VPNs at once'
is "$(d run --rm --runtime demo --network container:one plain:1 sh -c "$fetch" 2>/dev/null)" $'demo\ndemo\ndemo' \
	"R20 docker, another container's network, which is in the VPN"
killed_flow docker d exec one
is "$(d exec one sh -c "$status" | words)" 'CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' \
	'docker exec: the same policy'
d network create -d bridge --subnet 172.31.255.0/24 br1 >/dev/null 2>&1
like "$(d network connect br1 one 2>&1)" 'private \(none\) mode' 'L30 docker network connect: Docker refuses'
d restart -t 0 one >/dev/null
is "$(d exec one wget -qO- "http://$RIG_WEB6/")" demo 'docker restart: attached again'
d rm -f one two >/dev/null
mkdir "$W/share"
again='wget -qO- '"http://$RIG_WEB4/"' >>/w/came; echo >>/w/came; exit 1'
stay again --restart on-failure:2 -v "$W/share:/w" --runtime demo plain:1 sh -c "$again"
three() { [ "$(grep -c . "$W/share/came")" = 3 ]; }
ok 'docker --restart=on-failure: attached three times' wait_for 20 three
is "$(sort -u "$W/share/came" | xargs)" demo 'each time to the VPN'
d rm -f again >/dev/null

# --- what is refused -----------------------------------------------------------------------------

refused() { # refused DESCRIPTION PATTERN OPTION...: it does not start, and Docker shows the sentence
	local what=$1 pattern=$2 out rc
	shift 2
	out=$(d run --rm "$@" plain:1 echo STARTED 2>&1)
	rc=$?
	[[ $rc = 125 && $out != *STARTED* ]] && out="refused: $out"
	like "$out" "^refused: .*$pattern" "$what"
}
refused 'L30 docker --network host' 'start it with --network none' --runtime demo --network host
refused 'L30 docker, a bridge' "its network 'br1' beside the VPN: start it with --network none" --runtime demo --network br1
stay base --runtime runc plain:1 sleep 600
refused "L30 docker, the network of a container without a VPN" 'start it with --network none' --runtime demo --network container:base
d rm -f base >/dev/null
refused 'docker, an unknown VPN' "VPN 'nosuch' is down" --runtime nosuch --network none
refused 'docker, an unknown key' "'polcy=strict' is unknown" --runtime typo --network none
vpnctl down demo >/dev/null
refused 'R21 docker, VPN down' "VPN 'demo'" --runtime demo --network none
vpnctl up demo >/dev/null

# --- nothing is left -----------------------------------------------------------------------------

ok 'no cable is left' wait_for 5 gone
is "$(d ps -aq)" '' 'and no container'
kill $daemon
wait $daemon
remove_cgroups "$cgroup"
is "$(find /sys/fs/cgroup -type d -name "$cgroup*")" '' 'the daemon ended, and nothing of it in the hierarchies'
finish
