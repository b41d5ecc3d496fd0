#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CRI-O, Multus and the program of development containers, which are in no Debian: by hand, with what was built from
# public sources or installed by npm (README.md here says how) and lies in build/foreign. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
foreign=$RIG_DIR/build/foreign
[ -e "$foreign" ] || { echo '1..0 # SKIP CRI-O, Multus and devcontainers are in no Debian: tests/engine/README.md'; exit 0; }
need "$engines/lib/cni/bridge" runc crun conmon podman busybox jq nft curl
one_hierarchy
# shellcheck source=tests/engine/cluster.sh
. "$RIG_DIR/tests/engine/cluster.sh"
W=$(dirname "$RIG_DIR")/foreign
mkdir -p "$W"/{net.d,image}
mount -t tmpfs none /var/lib
node
is $? 0 'a node with a Service'
alone='{"type":"vpnrun","vpn":"demo"}'
no_cables() { [ "$(ip -n demo -br link show type veth | wc -l) $(ip -n other -br link show type veth | wc -l)" = '0 0' ]; }

# --- Multus, thin, with its delegates in its own configuration ----------------------------------------

if [ -x "$foreign/multus" ]; then
	cp "$foreign/multus" "$cluster/bin/"
	mkdir -p "$W/multus"
	ip netns add m1
	delegate() { jq -c '. + {cniVersion: "1.0.0", name: "'"$1"'"}' <<<"$2"; }
	direct_vpn=$(delegate vpn '{"type":"vpnrun","vpn":"demo",'"$direct"'}')
	third=$(delegate third '{"type":"bridge","bridge":"third0","isGateway":true,"ipam":{"type":"host-local","dataDir":"'"$cluster/ipam"'","ranges":[[{"subnet":"10.98.0.0/24"}]]}}')
	multus() { # multus DELEGATE...: a network of those, the first being the cluster's
		local IFS=,
		network '{"type":"multus","binDir":"'"$cluster/bin"'","cniDir":"'"$W/multus"'","confDir":"'"$W/net.d"'","delegates":['"$*"']}'
	}
	nft add rule inet cluster post ip saddr 10.98.0.0/24 oifname "$RIG_UPLINK" masquerade
	multus "$(delegate cluster "$bridge")" "$direct_vpn" "$third"
	chain ADD m1 >"$W/multus.json"
	is $? 0 'Multus: the network of the cluster, a VPN, a third'
	is "$(ip -n m1 -br link | awk '{ sub("@.*", "", $1); print $1 }' | sort | words)" 'eth0 lo net1 net2 ' 'Multus: all three are there'
	$RIG_CAPTURE start
	is "$(get m1 "$RIG_WEB4") $(get m1 "$RIG_WEB6") $(get m1 "$SERVICE")" 'demo demo service' 'R20 Multus: the VPN, and the Service'
	in_pod m1 curl -s -m 5 --interface "$(ip4 m1)" "http://$RIG_WEB4/" >/dev/null
	is $? 7 "L57 Multus: a socket bound to the cluster's address: refused"
	ok 'L57 Multus: nor by the third' not in_pod m1 curl -s -m 3 --interface net2 "http://$RIG_WEB4/"
	is "$($RIG_CAPTURE stop)" 0 'L57 Multus: nothing of that in the clear'
	ok 'Multus: DEL' chain DEL m1
	ok 'Multus: DEL again' chain DEL m1
	ok 'Multus: no cable is left' wait_for 5 no_cables
	ip netns del m1
	ip netns add m1
	multus "$(delegate vpn "$alone")" "$third"
	chain ADD m1 >/dev/null
	is "$?" 0 "Multus: a VPN as the cluster's own network"
	$RIG_CAPTURE start
	is "$(get m1 "$RIG_WEB4")" demo 'R20 Multus: the VPN'
	ok 'L57 Multus: and nothing by the second' not in_pod m1 curl -s -m 3 --interface net1 "http://$RIG_WEB4/"
	is "$($RIG_CAPTURE stop)" 0 'L57 Multus: nothing of that in the clear'
	ok 'Multus: DEL' chain DEL m1
	ok 'Multus: no cable is left' wait_for 5 no_cables
else
	skip 'no Multus in build/foreign' 'Multus'
fi

# --- CRI-O ----------------------------------------------------------------------------------------------

if [ -x "$foreign/crio" ]; then
	network "$bridge" "$ours"
	echo "$list" >"$W/net.d/10-cluster.conflist"
	hooks=$W/hooks.d
	mkdir "$hooks" "$W/crio.d"
	vpnctl oci enable >/dev/null
	cp /etc/vpnrun/oci/hooks.d/*.json "$hooks/"
	# Root of a container's machine may not make anything dearer to the kernel than it is itself.
	cat >"$W/runc.sh" <<-'R'
		#!/bin/bash
		for a; do
			if [ "${last:-}" = --bundle ]; then
				jq 'del(.process.oomScoreAdj)' "$a/config.json" >"$a/config.new" && cat "$a/config.new" >"$a/config.json"
			fi
			last=$a
		done
		exec runc "$@"
	R
	chmod 755 "$W/runc.sh"
	cat >"$W/crio.conf" <<-C
		[crio]
		root = "$W/root"
		runroot = "$W/runroot"
		storage_driver = "vfs"
		version_file = "$W/version"
		clean_shutdown_file = "$W/clean"
		[crio.api]
		listen = "$W/sock"
		[crio.runtime]
		default_runtime = "runc"
		cgroup_manager = "cgroupfs"
		conmon_cgroup = "pod"
		pinns_path = "$foreign/pinns"
		namespaces_dir = "$W/ns"
		container_attach_socket_dir = "$W/attach"
		container_exits_dir = "$W/exits"
		seccomp_profile = "unconfined"
		apparmor_profile = "unconfined"
		hooks_dir = ["$hooks"]
		[crio.runtime.runtimes.runc]
		runtime_path = "$W/runc.sh"
		runtime_root = "$W/runc"
		monitor_path = "$(command -v conmon)"
		[crio.image]
		pause_image = "localhost/plain:1"
		pause_command = "/bin/pause"
		[crio.network]
		network_dir = "$W/net.d"
		plugin_dirs = ["$cluster/bin"]
	C
	rootfs "$W/fs"
	printf '#!/bin/sh\nexec sleep 600\n' >"$W/fs/bin/pause"
	chmod 755 "$W/fs/bin/pause"
	tar -C "$W/fs" -cf "$W/plain.tar" .
	podman --root "$W/root" --runroot "$W/runroot" --storage-driver vfs import "$W/plain.tar" localhost/plain:1 >/dev/null 2>&1
	crio() {
		"$foreign/crio" --config "$W/crio.conf" --config-dir "$W/crio.d" >>"$W/log" 2>&1 &
		daemon=$!
		wait_for 30 cri Version
	}
	cri() { "$RIG_DIR/tests/engine/cri" "$W/sock" "$@" </dev/null; }
	crio
	is $? 0 'CRI-O starts' || tail -5 "$W/log"
	diag "$(cri Version)"
	pod() { # pod NAME [ANNOTATIONS]: its configuration, as kubelet writes it
		jq -nc --arg n "$1" --argjson a "${2:-{\}}" --arg dns "$CLUSTER_DNS" '{metadata: {name: $n, uid: ("uid-" + $n), namespace: "default", attempt: 0},
			hostname: $n, log_directory: "/tmp", dns_config: {servers: [$dns], searches: ["default.svc.cluster.local"]},
			annotations: $a, linux: {cgroup_parent: "vpnrun-cri", security_context: {namespace_options: {network: 0}}}}'
	}
	run() { # run CONFIG [ANNOTATIONS]: a pod with one container, in $sandbox and $container
		sandbox=$(cri RunPodSandbox "$(jq -nc --argjson c "$1" '{config: $c}')" | jq -r .pod_sandbox_id)
		[ -n "$sandbox" ] || return 1
		container=$(cri CreateContainer "$(jq -nc --arg s "$sandbox" --argjson c "$1" --argjson a "${2:-{\}}" '{pod_sandbox_id: $s, sandbox_config: $c,
			config: {metadata: {name: "main", attempt: 0}, image: {image: "localhost/plain:1"}, command: ["/bin/sleep", "600"], log_path: "main.log", annotations: $a}}')" | jq -r .container_id)
		cri StartContainer "{\"container_id\":\"$container\"}" >/dev/null
	}
	said() { cri ExecSync "$(jq -nc --arg i "$1" --arg c "$2" '{container_id: $i, cmd: ["/bin/sh", "-c", $c], timeout: 20}')" | jq -r '.stdout // ""' | words; }
	remove() { cri StopPodSandbox "{\"pod_sandbox_id\":\"$1\"}" >/dev/null && cri RemovePodSandbox "{\"pod_sandbox_id\":\"$1\"}" >/dev/null; }
	vpn() { echo "{\"vpnrun/vpn\":\"$1\"}"; }
	service="wget -qO- http://$SERVICE/"
	$RIG_CAPTURE start
	run "$(pod plain)"
	is "$(said "$container" "wget -qO- http://$RIG_WEB4/; $service")" 'clear service ' 'CRI-O danger: a pod is in the clear'
	ok 'CRI-O: and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
	plain=$sandbox
	$RIG_CAPTURE start
	run "$(pod one "$(vpn demo)")"
	is $? 0 'R20 CRI-O: a pod with vpnrun/vpn=demo, which CRI-O CHECKs right after ADD'
	is "$(said "$container" "wget -qO- http://$RIG_WEB4/; wget -qO- http://$RIG_WEB6/; $service")" 'demo demo service ' \
		'R20 CRI-O: IPv4 and IPv6 by the VPN, and the Service'
	is "$($RIG_CAPTURE stop)" 0 'R20 L01 CRI-O: nothing of that in the clear'
	one=$sandbox first=$container
	like "$(cri RunPodSandbox "$(jq -nc --argjson c "$(pod three "$(vpn third)")" '{config: $c}')" 2>&1)" "asks for 'third', which is not among" 'CRI-O: a VPN that may not be chosen: no pod, and the sentence'
	failed=0
	for i in {1..10}; do
		run "$(pod "n$i" "$(vpn other)")" || failed=$((failed + 1))
		remove "$sandbox" || failed=$((failed + 1))
	done
	is $failed 0 'L59 CRI-O: ten pods one after the other'
	kill -9 $daemon
	wait $daemon 2>/dev/null
	crio
	is $? 0 'CRI-O, killed, starts again'
	is "$(said "$first" "wget -qO- http://$RIG_WEB4/; $service")" 'demo service ' 'R20 CRI-O: and its pods go on'
	ok 'CRI-O: a pod removed' remove "$one"
	ok 'CRI-O: another' remove "$plain"
	ok 'CRI-O: no cable is left' wait_for 10 no_cables
	[ "$tap_failed" = 0 ] || tail -n 30 "$W/log" | sed 's/^/# /'
	kill $daemon
	wait $daemon 2>/dev/null
	remove_cgroups vpnrun-cri
else
	skip 'no CRI-O in build/foreign' 'CRI-O'
fi
# --- development containers -----------------------------------------------------------------------------

devcontainer=$foreign/devcontainers/devcontainer.js
if [ -e "$devcontainer" ] && command -v node >/dev/null; then
	rootfs "$W/dev"
	for a in $("$W/dev/bin/busybox" --list); do [ -e "$W/dev/bin/$a" ] || ln -s busybox "$W/dev/bin/$a"; done
	tar -C "$W/dev" -cf "$W/dev.tar" .
	vpnctl oci enable >/dev/null
	cat >"$W/podman" <<-P
		#!/bin/sh
		exec podman --root $W/devroot --runroot $W/devrun --cgroup-manager=cgroupfs --events-backend=file --runtime crun "\$@"
	P
	chmod 755 "$W/podman"
	"$W/podman" import "$W/dev.tar" localhost/dev:1 >/dev/null 2>&1
	mkdir -p "$W/project/.devcontainer"
	jq -n '{image: "localhost/dev:1", updateRemoteUserUID: false, runArgs: ["--network=none", "--annotation=vpnrun=demo", "--pull=never",
		"--cgroups=disabled", "--ulimit=nofile=20000:20000", "--ulimit=nproc=30000:30000"]}' >"$W/project/.devcontainer/devcontainer.json"
	dev() { HOME=$W timeout 120 node "$devcontainer" "$1" --docker-path "$W/podman" --workspace-folder "$W/project" "${@:2}" 2>"$W/dev.err"; }
	like "$(dev up)" '"outcome":"success"' 'a development container with runArgs of its own: up'
	$RIG_CAPTURE start
	is "$(dev exec wget -qO- "http://$RIG_WEB4/") $(dev exec wget -qO- "http://$RIG_NAME/")" 'demo demo' 'R20 devcontainer: exec is in the VPN, by name too'
	is "$($RIG_CAPTURE stop)" 0 'R20 L01 devcontainer: nothing of that in the clear'
	"$W/podman" rm -f -t 0 -a >/dev/null 2>&1
else
	skip 'no devcontainers in build/foreign, or no node' 'development containers'
fi
kill "${servers[@]}" 2>/dev/null
ok 'no cable is left' wait_for 10 no_cables
finish
