#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pods by containerd's Container Runtime Interface, with the calls that kubelet makes, in a cluster's network:
# chosen by annotation, and by a RuntimeClass whose network is its own. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
export PATH=$engines/bin:$PATH
need containerd containerd-shim-runc-v2 ctr "$engines/lib/cni/bridge" runc busybox jq nft curl
one_hierarchy
# shellcheck source=tests/engine/cluster.sh
. "$RIG_DIR/tests/engine/cluster.sh"

W=$(dirname "$RIG_DIR")/cri
mkdir -p "$W"/{net.d,vpn.d,image}
mount -t tmpfs none /var/lib
node
is $? 0 'a node with a Service'
network "$bridge" "$ours"
echo "$list" >"$W/net.d/10-cluster.conflist"
NETWORK=vpn network '{"type":"vpnrun","vpn":"demo"}'
echo "$list" >"$W/vpn.d/10-vpn.conflist"
cat >"$W/config.toml" <<C
version = 2
root = "$W/root"
state = "$W/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "$W/sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/plain:1"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "$cluster/bin"
conf_dir = "$W/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.vpn]
runtime_type = "io.containerd.runc.v2"
cni_conf_dir = "$W/vpn.d"
C

# An image whose command waits: it is the sandbox's own, and that of every container.
rootfs "$W/fs"
tar -C "$W/fs" -cf "$W/image/layer.tar" .
jq -n --arg l "sha256:$(sha256sum "$W/image/layer.tar" | cut -d' ' -f1)" '{architecture: "amd64", os: "linux",
	config: {Env: ["PATH=/bin"], Cmd: ["/bin/sleep", "600"]}, rootfs: {type: "layers", diff_ids: [$l]}}' >"$W/image/config.json"
echo '[{"Config":"config.json","RepoTags":["localhost/plain:1"],"Layers":["layer.tar"]}]' >"$W/image/manifest.json"
tar -C "$W/image" -cf "$W/image.tar" manifest.json config.json layer.tar

start() {
	containerd -c "$W/config.toml" >>"$W/log" 2>&1 &
	daemon=$!
	wait_for 30 cri Version
}
cri() { "$RIG_DIR/tests/engine/cri" "$W/sock" "$@" </dev/null; }
start
is $? 0 'containerd starts, with its CRI'
diag "$(cri Version)"
ok 'an image' ctr -a "$W/sock" -n k8s.io images import --snapshotter native "$W/image.tar"

pod() { # pod NAME [ANNOTATIONS [NETWORK]]: its configuration, as kubelet writes it
	jq -nc --arg n "$1" --argjson a "${2:-{\}}" --argjson net "${3:-0}" --arg dns "${DNS:-$CLUSTER_DNS}" '{metadata: {name: $n, uid: ("uid-" + $n),
		namespace: "default", attempt: 0}, hostname: (if $net == 2 then "" else $n end), log_directory: "/tmp", dns_config: {servers: [$dns], searches: ["default.svc.cluster.local"]},
		annotations: $a, linux: {cgroup_parent: "vpnrun-cri", security_context: {namespace_options: {network: $net}}}}'
}
runp() { # runp CONFIG [HANDLER]: a sandbox, as runtimeClassName has it; its id
	cri RunPodSandbox "$(jq -nc --argjson c "$1" --arg h "${2:-}" '{config: $c, runtime_handler: $h}')" | jq -r .pod_sandbox_id
	return "${PIPESTATUS[0]}"
}
run() { # run CONFIG [HANDLER]: a pod with one container, in $sandbox and $container
	sandbox=$(runp "$@") || return 1
	container=$(cri CreateContainer "$(jq -nc --arg s "$sandbox" --argjson c "$1" '{pod_sandbox_id: $s, sandbox_config: $c,
		config: {metadata: {name: "main", attempt: 0}, image: {image: "localhost/plain:1"}, command: ["/bin/sleep", "600"], log_path: "main.log"}}')" | jq -r .container_id)
	cri StartContainer "{\"container_id\":\"$container\"}" >/dev/null
}
inside() { # inside CONTAINER COMMAND: what a shell in it says
	cri ExecSync "$(jq -nc --arg i "$1" --arg c "$2" '{container_id: $i, cmd: ["/bin/sh", "-c", $c], timeout: 20}')" | jq -r '.stdout // ""' | words
}
addresses() { cri PodSandboxStatus "{\"pod_sandbox_id\":\"$1\"}" | jq -r '.status.network | [.ip, (.additional_ips // [] | .[].ip)] | join(" ")'; }
remove() { cri StopPodSandbox "{\"pod_sandbox_id\":\"$1\"}" >/dev/null && cri RemovePodSandbox "{\"pod_sandbox_id\":\"$1\"}" >/dev/null; }
cluster="wget -qO- http://$SERVICE/"
vpn() { echo "{\"vpnrun/vpn\":\"$1\"}"; }

# --- the annotation -------------------------------------------------------------------------------

$RIG_CAPTURE start
run "$(pod plain)"
is "$(inside "$container" "wget -qO- http://$RIG_WEB4/; $cluster")" 'clear service ' 'danger: a pod is in the clear'
ok 'and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
plain=$sandbox
$RIG_CAPTURE start
run "$(pod one "$(vpn demo)")"
is $? 0 'R20: a pod with vpnrun/vpn=demo'
is "$(inside "$container" "wget -qO- http://$RIG_WEB4/; wget -qO- http://$RIG_WEB6/; $cluster")" 'demo demo service ' \
	'R20: IPv4 and IPv6 by the VPN, and the Service'
is "$($RIG_CAPTURE stop)" 0 'R20 L01: nothing of that in the clear'
one=$sandbox first=$container
like "$(addresses "$one")" '^10\.244\.1\.[0-9]+ fd00:10:244:1::[0-9a-f]+$' "the pod's addresses are the cluster's"
is "$(inside "$first" 'cat /etc/resolv.conf' | grep -o "nameserver [^ ]*")" "nameserver $CLUSTER_DNS" "its name server is kubelet's"
ip=$(addresses "$one")
ip netns exec "$(ip netns | awk '/^cni-/ { print $1 }' | while read -r n; do [ "$(ip4 "$n")" != "${ip%% *}" ] || echo "$n"; done)" \
	"$RIG_DIR/build/rig/webd" -p 8080 probed >"$W/webd" &
servers+=($!)
probe() { [ "$(curl -s -m 5 "http://${ip%% *}:8080/")" = probed ]; }
ok "kubelet's probe is answered" wait_for 5 probe
run "$(pod two "$(vpn other)")"
is $? 0 'R20: another one, in another VPN'
is "$(inside "$container" "wget -qO- http://$RIG_WEB4/; $cluster")" 'other service ' 'R20: goes through that'
two=$sandbox
like "$(runp "$(pod three "$(vpn third)")" 2>&1)" "asks for 'third', which is not among" 'a VPN that may not be chosen: no pod, and the sentence'
like "$(runp "$(pod three '{"vpnrun":"demo"}')" 2>&1)" 'the one that chooses a VPN is vpnrun/vpn' "L30: the hook's annotation: no pod"
run "$(pod host "$(vpn demo)" 2)" 2>"$W/host" || diag "$(cat "$W/host")"
is $? 0 'danger: a pod in the network of the host'
is "$(inside "$container" "wget -qO- http://$RIG_WEB4/")" 'clear ' 'no plugin is asked for: it is in the clear'
remove "$sandbox"

# --- the VPN goes, and comes back -------------------------------------------------------------------

$RIG_CAPTURE start
vpnctl down --force other >/dev/null 2>&1
conditions() { cri Status | jq -r '[.status.conditions[] | "\(.type)=\(.status)"] | join(" ")'; }
like "$(conditions)" 'NetworkReady=1' 'with a VPN that is down the node stays ready'
like "$(runp "$(pod later "$(vpn other)")" 2>&1)" "VPN 'other' is down" 'a pod that asks for it waits'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing of that in the clear'
vpnctl up other >/dev/null 2>&1 # which asks for its endpoint's name
run "$(pod later "$(vpn other)")"
is $? 0 'and kubelet tries again, until it is up'
is "$(inside "$container" "wget -qO- http://$RIG_WEB4/")" 'other ' 'R20: then it is in it'
remove "$sandbox"

# --- a RuntimeClass with a network of its own --------------------------------------------------------

$RIG_CAPTURE start
run "$(DNS=$RIG_DNS_DEMO pod class)" vpn
is $? 0 'R20: a pod by runtime handler'
is "$(inside "$container" "$fetch; ls /sys/class/net")" 'demo demo demo eth0 lo ' 'R20: has the VPN, and nothing else'
is "$($RIG_CAPTURE stop)" 0 'R20 L01: nothing of that in the clear'
remove "$sandbox"
is "$(ip -n demo -br link show type veth | wc -l)" 1 'its cable is gone with it'

# --- the daemon, and the machine, begin anew ----------------------------------------------------------

kill -9 $daemon
wait $daemon 2>/dev/null
is "$(curl -s -m 5 "http://${ip%% *}:8080/")" probed 'the daemon killed: pods go on'
start
is $? 0 'it starts again'
is "$(inside "$first" "wget -qO- http://$RIG_WEB4/; $cluster")" 'demo service ' 'R20: and knows them'
kill "${servers[1]}" # what keeps the namespace
for n in $(ip netns | awk '/^cni-/ { print $1 }'); do
	[ "$(ip4 "$n")" != "${ip%% *}" ] || ip netns del "$n"
done
ok 'a pod whose namespace is gone' remove "$one"
ok 'a pod' remove "$two"
ok 'another' remove "$plain"
no_cables() { [ "$(ip -n demo -br link show type veth | wc -l) $(ip -n other -br link show type veth | wc -l)" = '0 0' ]; }
ok 'no cable is left' wait_for 10 no_cables
kill $daemon "${servers[0]}"
wait $daemon 2>/dev/null
remove_cgroups vpnrun-cri
is "$(find /sys/fs/cgroup -type d -name 'vpnrun-cri*')" '' 'the daemon ended, and nothing of it in the hierarchies'
finish
