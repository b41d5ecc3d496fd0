#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Docker as fewer people run it: with the containers' root mapped to another user, and without root. With
# the userland of SUITE as / (tests/setup/tree.sh). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
SUITE=${SUITE:-trixie}
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need dockerd docker containerd runc crun jq rootlesskit newuidmap slirp4netns
one_hierarchy
W=$(dirname "$RIG_DIR")/docker
mkdir -m 755 "$W"
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
rootfs "$W/fs"
tar -C "$W/fs" -cf "$W/fs.tar" .
chmod 644 "$W/fs.tar"
diag "docker $(dockerd --version)"

settings() { # settings MORE: daemon.json
	jq -n --arg p "$wrapper" '{iptables: false, ip6tables: false, bridge: "none", "storage-driver": "vfs", runtimes: {
		demo: {path: $p, runtimeArgs: ["--vpnrun=demo"]},
		crun: {path: $p, runtimeArgs: ["--runtime=crun", "--vpnrun=demo"]}}} + '"$1"
}

# --- userns-remap --------------------------------------------------------------------------------

echo dockremap:x:4250:4250::/nonexistent:/usr/sbin/nologin >>/etc/passwd
echo dockremap:x:4250: >>/etc/group
for f in subuid subgid; do echo dockremap:700000:65536 >>/etc/$f; done
cgroup=vpnrun-docker-$(stat -Lc %i /proc/self/ns/net)
settings '{"userns-remap": "dockremap", "data-root": "'"$W/data"'", "exec-root": "'"$W/exec"'", pidfile: "'"$W/pid"'",
	hosts: ["unix://'"$W/sock"'"], "cgroup-parent": "'"$cgroup"'"}' >"$W/daemon.json"
dockerd --config-file "$W/daemon.json" >"$W/log" 2>&1 &
daemon=$!
d() { timeout 60 docker --host "unix://$W/sock" "$@" </dev/null; }
ok 'dockerd with userns-remap starts' wait_for 30 d version
d import "$W/fs.tar" plain:1 >/dev/null
$RIG_CAPTURE start
for rt in demo crun; do
	is "$(d run --rm --network none --runtime $rt plain:1 sh -c "$fetch; grep -c 700000 /proc/self/uid_map; $status" 2>&1 | words)" \
		'demo demo demo 1 CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' "R20 userns-remap, ${rt/demo/runc}"
done
is "$($RIG_CAPTURE stop)" 0 'R20 userns-remap: and nothing beside it'
d run -d --network none --runtime demo --name web -p 127.0.0.1:8090:80 plain:1 sh -c 'while :; do echo hello | nc -l -p 80; done' >/dev/null
answers() { [ "$(timeout 2 bash -c 'cat </dev/tcp/127.0.0.1/8090')" = hello ]; }
ok 'R87 userns-remap: -p' wait_for 10 answers
d rm -f web >/dev/null
ok 'no cable is left' wait_for 5 gone
kill $daemon
wait $daemon
remove_cgroups "$cgroup"

# --- without root --------------------------------------------------------------------------------

home=$(getent passwd "$RIG_USER" | cut -d: -f6)
run=/run/user/$RIG_UID
settings '{}' >"$W/rootless.json"
user() { as_user env -i HOME="$home" XDG_RUNTIME_DIR="$run" DOCKER_HOST="unix://$run/docker.sock" PATH=/usr/bin:/usr/sbin:/bin:/sbin "$@"; }
user /usr/share/docker.io/contrib/dockerd-rootless.sh --config-file "$W/rootless.json" >"$W/rootless.log" 2>&1 &
daemon=$!
user_docker() { user timeout 60 docker "$@" </dev/null; }
ok 'a rootless Docker starts' wait_for 30 user_docker version || diag "$(tail "$W/rootless.log")"
user_docker import "$W/fs.tar" plain:1 >/dev/null
is "$(user_docker run --rm --network host plain:1 wget -qO- "http://$RIG_WEB4/" 2>&1)" clear "rootless, Docker's own network: the clear"
$RIG_CAPTURE start
for rt in demo crun; do
	is "$(user_docker run --rm --network none --runtime $rt plain:1 sh -c "$fetch; $status" 2>&1 | words)" \
		'demo demo demo CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' \
		"R20 rootless, ${rt/demo/runc}: the broker serves who asks from within a user namespace of their own"
done
is "$($RIG_CAPTURE stop)" 0 'R20 rootless: and nothing beside it'
like "$(user_docker run --rm --network none --runtime demo -p 8090:80 plain:1 echo STARTED 2>&1)" 'in one of its own' \
	'rootless: -p, which nobody could reach, is refused'
like "$(user_docker run --rm --network host --runtime demo plain:1 echo STARTED 2>&1)" 'start it with --network none' 'L30 rootless: --network host is refused'
user_docker run -d --network none --runtime demo --name stays plain:1 sleep 600 >/dev/null
is "$(cables)" 1 'one that stays holds a cable'
sed -i 's/"groups": \["vpnrun"\]/"groups": []/' /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
like "$(user_docker run --rm --network none --runtime demo plain:1 echo STARTED 2>&1)" 'not allowed|may not' \
	'L26 rootless: a user who is not allowed is refused'
sed -i 's/"groups": \[\]/"groups": ["vpnrun"]/' /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
user_docker rm -f stays >/dev/null
ok 'no cable is left' wait_for 5 gone
kill "$(cat "$run/docker.pid")"
wait $daemon
finish
