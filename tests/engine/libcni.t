#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The CNI plugin by libcni itself, the library of containerd, CRI-O, Multus and podman: the specification point by
# point, alone, in chains with the plugins of Debian, and in the order of Multus. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
driver=$RIG_DIR/build/libcni/libcni
[ -x "$RIG_DIR/build/libcni.${SUITE:-}/libcni" ] && driver=$RIG_DIR/build/libcni.$SUITE/libcni
need "$driver" "$engines/lib/cni/bridge" "$engines/lib/cni/tuning" jq nft curl
# shellcheck source=tests/engine/cluster.sh
. "$RIG_DIR/tests/engine/cluster.sh"
kept=$cluster/kept

# libcni COMMAND POD [RUNTIME [IFNAME]]: the chain $list for that pod, by the library; its result or its refusal
libcni() {
	echo "$list" >"$cluster/list"
	env -i PATH="$PATH" CNI_PATH="$cluster/bin" CNI_CACHE="$kept" \
		CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=$2;K8S_POD_INFRA_CONTAINER_ID=$2;K8S_POD_UID=u-$2" \
		"$driver" "$1" ${AS:+"$AS"} "$cluster/list" "$2" "${NETNS-/run/netns/$2}" "${4:-eth0}" "${3:-{\}}" 2>>"$cluster/err"
}
network_is() { # network_is COMMAND [CONTAINER/IFNAME...]: what is asked about a network, and about no pod
	echo "$list" >"$cluster/list"
	env -i PATH="$PATH" CNI_PATH="$cluster/bin" CNI_CACHE="$kept" "$driver" "$1" "$cluster/list" "${@:2}" 2>>"$cluster/err"
}
said() { "$@" | jq -r '"\(.Code) \(.Msg)"'; } # the code of a refusal, and its sentence
forgets() { rm -rf "$kept"; }                 # as a reboot does, where the cache lies in /run
cables() { ip -n "${1:-demo}" -br link show type veth | wc -l; }
alone='{"type":"vpnrun","vpn":"demo"}'
node
is $? 0 'a node with a Service'
for n in p1 p2; do ip netns add $n; done

# --- versions: what the library makes of each -------------------------------------------------------

network "$alone"
is "$(network_is version | jq -c .)" '["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]' 'VERSION: what the plugin speaks'
newest=1.0.0
[[ $(network_is status) == *'too old'* ]] || newest=1.1.0
diag "this libcni speaks up to $newest"
all=(0.3.0 0.3.1 0.4.0 1.0.0)
[ $newest = 1.0.0 ] || all+=(1.1.0)
for VERSION in "${all[@]}"; do
	network "$alone"
	ok "$VERSION: the library takes the network" network_is validate
	r=$(libcni add p1)
	is $? 0 "$VERSION: ADD"
	is "$(jq -r '.cniVersion + " " + .ips[0].address + " " + .ips[0].gateway + " " + (.ips | length | tostring)' <<<"$r")" \
		"$VERSION $(ip4 p1)/24 10.20.1.1 2" "$VERSION: the result, as the library reads it"
	is "$(AS=${newest} libcni as p1 | jq -r '.cniVersion + " " + .ips[0].address + " " + .interfaces[1].sandbox + " " + (.dns.nameservers | tostring)')" \
		"$newest $(ip4 p1)/24 /run/netns/p1 $(jq -c .dns.nameservers <<<"$r")" "$VERSION: and as it converts it from its cache"
	is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6")" 'demo demo' "R20 $VERSION: the container is in the VPN"
	if [[ $VERSION == 0.3.* ]]; then
		like "$(libcni check p1)" 'does not support the CHECK' "$VERSION: there is no CHECK, and the library knows"
	else
		ok "$VERSION: CHECK with what the library kept" libcni check p1
		ip -n p1 addr del "$(ip4 p1)/24" dev eth0
		like "$(said libcni check p1)" '^104 .*lost its address' "$VERSION: CHECK notices, and the library hands the code on"
	fi
	ok "$VERSION: DEL" libcni del p1
	is "$(cables) $(libcni cached p1)" '0 ' "$VERSION: nothing is left, and the library forgets it"
	ok "$VERSION: DEL again" libcni del p1
done
VERSION=0.2.0 network "$alone"
like "$(network_is validate)" 'does not support config version .*0.2.0' 'a version that the plugin does not speak: the library sees it beforehand'
like "$(said libcni add p1)" '^1 ' 'and who asks all the same is refused, 1'
VERSION=1.0.0

# --- refusals, by the codes of the specification ------------------------------------------------------

network "$alone"
like "$(NETNS=/run/netns/nobody said libcni add p1)" '^3 ' 'ADD in a namespace that is not there: 3'
like "$(said libcni add p1 '{}' an/if)" "interface name contains" 'a name that is none: the library refuses it'
network '{"type":"vpnrun","vpn":"nowhere"}'
like "$(said libcni add p1)" "^7 .*nowhere" 'an unknown VPN: 7'
ok 'and the DEL that follows a failed ADD succeeds' libcni del p1
network '{"type":"vpnrun","vpn":"demo","vnp":1}'
like "$(said libcni add p1)" '^7 vnp' 'an unknown key: 7'
network '{"type":"vpnrun","vpn":"demo","ipam":{"type":"host-local"}}'
like "$(said libcni add p1)" '^2 ipam' 'a key that is not supported: 2'
network '{"type":"vpnrun","vpn":"demo","capabilities":{"ips":true}}'
like "$(said libcni add p1 '{"ips":["10.20.1.9/24"]}')" '^2 .*lease decides' 'an address that is asked for by a capability: 2'
network "$alone"
libcni add p1 >/dev/null
forgets
like "$(said libcni add p1)" '^101 ' 'ADD where the interface is: 101'
is "$(get p1 "$RIG_WEB4")" demo 'which goes on'
ok 'DEL of what the library does not remember' libcni del p1
libcni add p1 >/dev/null
NETNS='' ok 'DEL without the namespace' libcni del p1
is "$(cables)" 0 'takes the cable away'
libcni add p1 >/dev/null
ip netns del p1
ip netns add p1
NETNS=/run/netns/nobody ok 'DEL where the namespace has gone' libcni del p1
ok 'and its cable with it' wait_for 5 sh -c '! ip -n demo -br link show type veth | grep -q .'
# A pod with hostUsers: false: its namespace is that of another user namespace.
exec {own}< <(as_user unshare -Urn sh -c 'echo $$; exec sleep 600')
read -r holder <&$own
NETNS=/proc/$holder/ns/net ok "ADD where the namespace is a user's" libcni add p1
is "$(nsenter -t "$holder" -n curl -s -m 10 "http://$RIG_WEB4/")" demo 'R20: it is in the VPN'
NETNS=/proc/$holder/ns/net ok 'CHECK' libcni check p1
NETNS=/proc/$holder/ns/net ok 'DEL' libcni del p1
is "$(cables)" 0 'no cable is left'
kill "$holder"
vpnctl down demo >/dev/null 2>&1
like "$(said libcni add p1)" '^11 ' 'a VPN that is down: 11, try again later'
vpnctl up demo >/dev/null 2>&1

# --- chains ------------------------------------------------------------------------------------------

tuning='{"type":"tuning","sysctl":{"net.core.somaxconn":"77"}}'
network "$alone" "$tuning"
r=$(libcni add p1)
is "$? $(in_pod p1 cat /proc/sys/net/core/somaxconn) $(jq -c '[.interfaces[] | select(.sandbox) | .name]' <<<"$r")" '0 77 ["eth0"]' \
	'tuning behind the VPN: ADD, and the result comes through it'
is "$(get p1 "$RIG_WEB4")" demo 'R20: the container is in the VPN'
ok 'CHECK of the chain' libcni check p1
ip -n p1 rule del pref 101
like "$(said libcni check p1)" '^104 ' 'L57: and that notices'
ok 'DEL of the chain' libcni del p1
is "$(cables)" 0 'no cable is left'
network "$alone" '{"type":"bandwidth","ingressRate":100000000,"ingressBurst":100000000}'
ok 'bandwidth behind a VPN alone refuses: there is no interface of the host' not libcni add p1
ok 'DEL of what was half made' libcni del p1
is "$(cables)" 0 'no cable is left'

network "$bridge" "$ours" "$tuning"
r=$(libcni add p1 "$(annotated demo)")
is "$? $(jq -c '[.interfaces[] | select(.sandbox) | .name]' <<<"$r")" '0 ["eth0","vpn0"]' 'a cluster, the VPN by annotation, tuning: ADD'
is "$(jq -c '[.ips[].address]' <<<"$r")" "[\"$(ip4 p1)/24\",\"$(ip6 p1)/64\"]" "the result has the cluster's addresses"
$RIG_CAPTURE start
is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6") $(get p1 "$SERVICE")" 'demo demo service' 'R20: the VPN, and the Service'
is "$($RIG_CAPTURE stop)" 0 'R20 L57: nothing of that in the clear'
ok 'CHECK of the chain: the library hands the annotation on' libcni check p1 "$(annotated demo)"
ok 'DEL: what the library kept is enough' libcni del p1
is "$(cables) $(ip -n p1 -br link | wc -l) $(find "$cluster/ipam/cluster" -name '10.*' | wc -l)" '0 1 1' 'no cable, no interface, no address of the cluster is left'
like "$(said libcni add p1 "$(annotated third)")" "^7 .*not among" 'a choice that is not there: 7'
ok 'DEL of what was half made' libcni del p1
r=$(libcni add p1 '{"io.kubernetes.cri.pod-annotations":{}}')
is "$? $(jq -c '[.interfaces[] | select(.sandbox) | .name]' <<<"$r")" '0 ["eth0"]' 'without the annotation: what the cluster gave'
ok 'DEL' libcni del p1
network "$bridge" '{"type":"portmap","capabilities":{"portMappings":true}}' "$ours"
ports=$(annotated demo | jq -c '. + {portMappings: [{hostPort: 8088, containerPort: 8080, protocol: "tcp"}]}')
if command -v iptables >/dev/null && libcni add p1 "$ports" >"$cluster/portmap"; then
	serve p1 probed 8080
	is "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:8088/")" probed 'portmap: a hostPort reaches the pod from the LAN'
	is "$(get p1 "$RIG_WEB4")" demo 'R20: which is in the VPN'
else
	skip "no iptables, or its modules: $(jq -r .Msg "$cluster/portmap" 2>/dev/null)" 'portmap in the chain'
fi
ok 'DEL' libcni del p1
is "$(cables)" 0 'no cable is left'

# --- in the order of Multus: the network of the cluster, then others, each a chain of its own; DEL backwards -----------

second='{"type":"bridge","bridge":"third0","isGateway":true,"ipam":{"type":"host-local","dataDir":"'$cluster/ipam'",
	"ranges":[[{"subnet":"10.98.0.0/24"}]]}}'
nft add rule inet cluster post ip saddr 10.98.0.0/24 oifname "$RIG_UPLINK" masquerade
first() { network "$bridge"; }
vpn() { NETWORK=vpn network '{"type":"vpnrun","vpn":"demo"'"$1"'}'; }
third() { NETWORK=third network "$second"; }
ip netns del p1 # what was beside a cluster's network stays closed
ip netns add p1
first
libcni add p1 >/dev/null
is "$(in_pod p1 curl -s -m 5 --interface "$(ip4 p1)" "http://$RIG_WEB4/")" clear "L57 danger: the cluster's interface is a way out"
vpn ",$direct"
r=$(libcni add p1 '{}' net1)
is "$? $(jq -r '.ips[0].address' <<<"$r")" "0 $(ip4 p1 net1)/24" 'the VPN as a second network, with "direct"'
third
ok 'a third' libcni add p1 '{}' net2
$RIG_CAPTURE start
is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6") $(get p1 "$SERVICE")" 'demo demo service' 'R20: the VPN, and the cluster'
own=$(ip4 p1)
in_pod p1 curl -s -m 5 --interface "$own" "http://$RIG_WEB4/" >/dev/null
is $? 7 "L57: a socket bound to the cluster's address: refused"
ok 'L57: nor by the third' not in_pod p1 curl -s -m 3 --interface net2 "http://$RIG_WEB4/"
is "$($RIG_CAPTURE stop)" 0 'L57: nothing of that in the clear'
third
ok 'DEL of the third' libcni del p1 '{}' net2
vpn ",$direct"
ok 'CHECK of the VPN' libcni check p1 '{}' net1
ok 'DEL of the VPN' libcni del p1 '{}' net1
first
ok 'DEL of the first' libcni del p1
vpn ''
libcni add p1 >/dev/null
is "$(get p1 "$RIG_WEB4")" demo "R20: a VPN as the cluster's own network"
third
list=${list/\"isGateway/\"isDefaultGateway\":true,\"isGateway}
ok 'a second one with a default route' libcni add p1 '{}' net1
like "$(ip -n p1 route show table main)" 'default via 10.98.0.1' 'danger: which is in the main table'
$RIG_CAPTURE start
is "$(get p1 "$RIG_WEB4")" demo 'L57: still in the VPN'
ok 'L57: and nothing goes by it' not in_pod p1 curl -s -m 3 --interface net1 "http://$RIG_WEB4/"
is "$($RIG_CAPTURE stop)" 0 'L57: nothing of that in the clear'
libcni del p1 '{}' net1
vpn ''
ok 'DEL of both' libcni del p1
is "$(cables)" 0 'no cable is left'
ip link del third0 2>/dev/null

# --- GC and STATUS, and what is left when the machine begins anew -------------------------------------------------------

VERSION=$newest network "$alone"
if [ $newest = 1.1.0 ]; then
	ok 'STATUS' network_is status
	libcni add p1 >/dev/null
	libcni add p2 >/dev/null
	ok 'GC: the library takes away what it remembers and is not valid' network_is gc p2/eth0
	is "$(cables) $(get p2 "$RIG_WEB4")" '1 demo' 'and leaves what is'
	libcni add p1 >/dev/null
	forgets
	ok 'GC of what it does not remember' network_is gc p2/eth0
	is "$(cables) $(get p2 "$RIG_WEB4")" '1 demo' 'the plugin takes that away itself'
	ok 'GC again' network_is gc p2/eth0
	is "$(cables)" 1 'changes nothing'
	vpnctl down demo >/dev/null 2>&1
	like "$(said network_is status)" '^51 ' 'STATUS of a VPN that is down, with a container inside: 51'
	ok 'GC of it' network_is gc
	is "$(said network_is status | cut -d' ' -f1)" 50 'STATUS, with none: 50'
	vpnctl down --force demo >/dev/null 2>&1
	ok 'GC of a VPN that is not there' network_is gc
	vpnctl up demo >/dev/null 2>&1
	ok 'STATUS' network_is status
	for n in p1 p2; do ip netns del $n && ip netns add $n; done # a VPN that has gone has left them closed
	VERSION=1.1.0 network "$bridge" "$ours" "$tuning"
	libcni add p1 "$(annotated demo)" >/dev/null
	libcni add p2 "$(annotated other)" >/dev/null
	ok 'GC of a chain' network_is gc p2/eth0
	is "$(cables demo) $(cables other) $(get p2 "$RIG_WEB4")" '0 1 other' 'goes through all VPNs'
	ok 'DEL' libcni del p2
	list='{"cniVersion":"0.4.0","cniVersions":["0.4.0","1.0.0","1.1.0"],"name":"many","plugins":['$alone']}'
	is "$(libcni add p1 | jq -r .cniVersion)" 1.1.0 'of several versions the newest is spoken'
	ok 'DEL' libcni del p1
else
	skip "libcni of this Debian knows neither; make check-engines SUITE=sid" 'GC and STATUS'
fi
network "$bridge" "$ours"
libcni add p1 "$(annotated demo)" >/dev/null
ip netns del p1
vpnctl down --force demo >/dev/null 2>&1
NETNS=/run/netns/p1 ok 'after a reboot: DEL where neither the namespace nor the VPN is there' libcni del p1
forgets
NETNS='' ok 'nor the memory of the library' libcni del p1 "$(annotated demo)"
vpnctl up demo >/dev/null 2>&1
ip netns add p1
ok 'ADD in the same name' libcni add p1 "$(annotated demo)"
is "$(get p1 "$RIG_WEB4")" demo 'R20: and it is in the VPN'
ok 'DEL' libcni del p1 "$(annotated demo)"
kill "${servers[@]}" 2>/dev/null
is "$(cables demo) $(cables other)" '0 0' 'no cable is left'
finish
