#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 200 containers started and killed in random order, 8 at a time: by crun and runc as root, by runc
# as a user, with the hook in config.json; and some by podman, each with a port of the host's (CHURN_PODMAN of them, 20 if
# not said). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman runc crun conmon busybox jq
one_hierarchy

W=$(dirname "$RIG_DIR")/churn
mkdir -m 755 "$W"
rootfs "$W/fs"
ln -s busybox "$W/fs/bin/httpd"
mkdir "$W/fs/www"
echo here >"$W/fs/www/index.html"
: >"$W/fs/etc/resolv.conf"
hook=$RIG_DIR/build/libexec/vpnrun/vpnrun-hook
seed=${CHURN_SEED:-$SRANDOM}
RANDOM=$seed
diag "seed $seed"
(cd "$W" && runc spec && mv config.json root.json && runc spec --rootless && mv config.json user.json)
cat >"$W/edit.jq" <<'J'
def hook($s): [{path: $hook, args: ["vpnrun-hook", $s], timeout: 10}];
.process.terminal = false | .process.rlimits = [] | .root = {path: ($w + "/fs"), readonly: true}
| .process.args = ["sh", "-c", ("wget -qO- http://" + $name + "/; sleep 600")]
| .annotations = {vpnrun: "demo"} | .linux.cgroupsPath = $cgroup
| if $who == "user" then .linux.uidMappings = [{containerID: 0, hostID: ($uid | tonumber), size: 1}]
	| .linux.gidMappings = .linux.uidMappings | .linux.namespaces += [{type: "network"}] | del(.linux.cgroupsPath)
	else . end
| .hooks = {createRuntime: hook("createRuntime"), createContainer: hook("createContainer")}
J

runtime() { # runtime WHO RUNTIME ARG...
	local who=$1 rt=$2
	shift 2
	if [ "$who" = root ]; then "$rt" --root "$W/state" "$@"; else as_user env XDG_RUNTIME_DIR="/run/user/$RIG_UID" "$rt" "$@"; fi
}

start() { # start ID WHO RUNTIME
	local b=$W/$1
	mkdir "$b"
	jq --arg who "$2" --arg w "$W" --arg hook "$hook" --arg uid "$RIG_UID" --arg name "$RIG_NAME" \
		--arg cgroup "/vpnrun-churn/$1" -f "$W/edit.jq" "$W/$2.json" >"$b/config.json"
	[ "$2" = root ] || chown -R "$RIG_UID" "$b"
	runtime "$2" "$3" run --detach --bundle "$b" "$1" </dev/null >"$b/out" 2>&1 && return
	echo "$1 $2 $3: $(cat "$b/out")" >>"$W/failed"
}

# end ID WHO RUNTIME: one in three of the containers is given the time to look around
end() {
	looked() { [ -s "$W/$1/out" ]; }
	[ $((RANDOM % 3)) != 0 ] || wait_for 20 looked "$1" || echo "$1: no answer" >>"$W/failed"
	runtime "$2" "$3" delete -f "$1" >/dev/null 2>"$W/$1/err" || echo "$1: $(cat "$W/$1/err")" >>"$W/failed"
}

worker() { # worker N WHO RUNTIME
	local i k alive=()
	RANDOM=$((RANDOM + $1))
	for ((i = 0; i < 25; i++)); do
		start "c$1-$i" "$2" "$3"
		alive+=("c$1-$i")
		while [ ${#alive[@]} -gt $((RANDOM % 4)) ]; do
			k=$((RANDOM % ${#alive[@]}))
			end "${alive[$k]}" "$2" "$3"
			unset "alive[$k]"
			alive=("${alive[@]}")
		done
	done
	for i in "${alive[@]}"; do end "$i" "$2" "$3"; done
}

before=$(mount | wc -l)
: >"$W/failed"
$RIG_CAPTURE start
pids=()
for n in {1..8}; do
	case $n in 1 | 2 | 3) kind=(root crun) ;; 4 | 5) kind=(root runc) ;; *) kind=(user runc) ;; esac
	worker "$n" "${kind[@]}" &
	pids+=($!)
done
wait "${pids[@]}"
is "$(cat "$W/failed")" '' 'R20: 200 containers, 8 at a time: each started and was removed'
is "$(find "$W" -path '*/c*/out' | wc -l)" 200 'all of them'
is "$(cat "$W"/c*/out | sed 's/demo/demo\n/g' | grep . | sort -u)" demo 'R20: each that had the time came out of the VPN'
is "$($RIG_CAPTURE stop)" 0 'L01: and nothing beside it'
ok 'no cable is left' wait_for 10 gone
is "$(find "$W/state" "/run/user/$RIG_UID/runc" -mindepth 1 -maxdepth 1 -name '[!.]*' -printf '%f ')" '' 'nor a state'
is "$(mount | wc -l)" "$before" 'nor a mount'
is "$(wc -c <"$W/fs/etc/resolv.conf")" 0 'and the image is as it was'

# --- by podman -----------------------------------------------------------------------------------

mount -t tmpfs none /var/lib
cp -a /usr/share/containers "$W/share"
mount --bind "$W/share" /usr/share/containers
: >"$W/failed"
vpnctl oci enable >/dev/null
pod() {
	timeout 60 podman --root "$W/store" --runroot "$W/run" --cgroup-manager=cgroupfs --events-backend=file --runtime crun "$@" </dev/null
}
tar -C "$W/fs" -cf "$W/fs.tar" . && pod import "$W/fs.tar" plain:1 >/dev/null 2>&1
total=${CHURN_PODMAN:-20}
no_relay() { ! pgrep -x vpnrun-ports; }
serves() { curl -s -m 5 "http://127.0.0.1:$1/"; }
several() { # several N: a quarter of them, each with a port of its own, on which it says who it is
	local i port
	for ((i = 0; i < total / 4; i++)); do
		port=$((20000 + $1 * 1000 + i))
		pod run -d --pull=never --cgroups=disabled --ulimit nofile=20000:20000 --ulimit nproc=30000:30000 --network none \
			--annotation "vpnrun=demo;publish=$port:80" --name "p$1-$i" plain:1 httpd -f -p 80 -h /www >/dev/null 2>"$W/err$1" ||
			cat "$W/err$1" >>"$W/failed"
		case $((RANDOM % 3)) in
		0) pod rm -f -t 0 "p$1-$i" >/dev/null 2>&1 ;;
		1) wait_for 20 serves "$port" || echo "p$1-$i: no answer on port $port" >>"$W/failed" ;;
		esac
		# The VPN's pool is smaller than what is asked for by hand.
		[ $((i % 20)) != 19 ] || for k in $(seq $((i - 19)) "$i"); do pod rm -f -t 0 "p$1-$k" >/dev/null 2>&1; done
	done
}
pids=()
for n in 1 2 3 4; do several $n & pids+=($!); done
wait "${pids[@]}"
is "$(cat "$W/failed")" '' "R20 R87 podman: $total containers with ports, 4 at a time: each started, and those asked answered"
pod rm -f -t 0 -a >/dev/null 2>&1
is "$(pod ps -aq)" '' 'and was removed'
ok 'no cable is left' wait_for 10 gone
ok 'R87: nor a relay' wait_for 10 no_relay
is "$(ss -Hltn 'sport >= :20000 and sport <= :29999')" '' 'R87: nor a port'
remove_cgroups vpnrun-churn
finish
