#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A cluster's network and a VPN in one pod: a bridge plugin first, vpnrun with "direct" behind it. The cluster's
# name server asks the node's, in the clear, as it does everywhere. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need "$engines/lib/cni/bridge" "$engines/lib/cni/tuning" jq nft curl
# shellcheck source=tests/engine/cluster.sh
. "$RIG_DIR/tests/engine/cluster.sh"
W=$cluster

cables() { ip -n "$1" -br link show type veth | wc -l; }
node
is $? 0 'a node with a Service'
for n in p1 p2 p3; do
	ip netns add $n
	mkdir -p /etc/netns/$n
	echo "nameserver $CLUSTER_DNS" >/etc/netns/$n/resolv.conf
done

# --- the danger ---------------------------------------------------------------------------------

$RIG_CAPTURE start
network "$bridge" "$ours"
r=$(chain ADD p1)
is $? 0 'a pod without the annotation'
is "$(jq -r '.interfaces[-1].name' <<<"$r") $(ip -n p1 -br link | wc -l)" 'eth0 2' 'keeps what the cluster gave it'
is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6")" 'clear clear' 'danger: by the network of the cluster alone it is in the clear'
is "$(get p1 "$SERVICE") $(get p1 "[$BACKEND6]")" 'service service' 'and reaches the cluster'
ok 'CHECK of it' chain CHECK p1
ok 'DEL of it' chain DEL p1
network "$bridge"
chain ADD p1 >/dev/null
NETWORK=second network '{"type":"vpnrun","vpn":"demo","exclusive":false}'
chain ADD p1 '{}' net1 >/dev/null
ok 'danger: with a VPN that is just one more network, its Services are looked for in the VPN' not get p1 "$SERVICE" 3
chain DEL p1 '{}' net1
network "$bridge"
chain DEL p1
ok 'and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0

# --- a pod that chooses ---------------------------------------------------------------------------

network "$bridge" "$ours" '{"type":"tuning","sysctl":{"net.ipv4.tcp_ecn":"0"}}'
$RIG_CAPTURE start
r=$(chain ADD p1 "$(annotated demo)")
is $? 0 'R20: a pod with vpnrun/vpn=demo, in a chain'
is "$(jq -c '[.interfaces[] | select(.sandbox) | .name]' <<<"$r")" '["eth0","vpn0"]' 'the result tells of both interfaces'
is "$(jq -c '[.ips[].address]' <<<"$r")" "[\"$(ip4 p1)/24\",\"$(ip6 p1)/64\"]" "and of the cluster's addresses alone: they are the pod's"
is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6")" 'demo demo' 'R20: it goes through the VPN, IPv4 and IPv6'
is "$(get p1 "$SERVICE") $(get p1 "$BACKEND") $(get p1 "[$BACKEND6]")" 'service service service' "R89: and reaches the cluster's Services and pods"
ok 'CHECK right after it' chain CHECK p1 "$(annotated demo)"
chain ADD p2 "$(annotated other)" >/dev/null
is "$(get p2 "$RIG_WEB4") $(get p1 "$RIG_WEB4") $(get p2 "$SERVICE")" 'other demo service' 'two pods, two VPNs'
serve p1 probed 8080
is "$(curl -s -m 5 "http://$(ip4 p1):8080/") $(curl -s -m 5 "http://[$(ip6 p1)]:8080/")" 'probed probed' "R89: the node's probes are answered"
is "$(get p2 "$(ip4 p1):8080") $(get backend "$(ip4 p1):8080")" 'probed probed' 'and so are pods'

# What does not ask for a route of its own accord.
refused() { # refused DESCRIPTION COMMAND...: curl says at once that nothing takes it
	local what=$1
	shift
	in_pod p1 curl -s -m 5 "$@" >/dev/null
	is $? 7 "$what: refused at once"
}
own=$(ip4 p1) own6=$(ip6 p1)
refused 'L57: a socket bound to eth0' --interface eth0 "http://$RIG_WEB4/"
refused 'L57: IPv6' --interface eth0 "http://$RIG_WEB6/"
refused "L57: one bound to the cluster's address" --interface "$own" "http://$RIG_WEB4/"
refused 'L57: IPv6' --interface "$own6" "http://$RIG_WEB6/"
is "$(in_pod p1 curl -s -m 5 --interface "$own" "http://$SERVICE/")" service 'which may ask the cluster'
ok 'L57: no ping by eth0' not in_pod p1 ping -c 1 -W 1 -I eth0 "${RIG_WEB4%%:*}"
refused "L09: a name server that is a pod's" "telnet://$BACKEND:53"
ok "and the LAN is not direct" not get p1 "$RIG_LAN" 3
is "$($RIG_CAPTURE stop)" 0 'L01 L57: of all that nothing left in the clear'

# A NodePort that keeps its client's address, which is in none of the networks that are direct.
nft -f - <<-N
	table inet cluster {
		chain nodeport { type nat hook prerouting priority dstnat; ip daddr $RIG_HOST4 tcp dport 30080 dnat to $(ip4 p1):8080; }
	}
N
is "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:30080/")" probed 'R89: a client in the LAN is answered by the way that it came'

# --- names ------------------------------------------------------------------------------------------

asked() { grep -c "$RIG_NAME4" "$RIG_DIR/dns-clear.log"; }
before=$(asked)
$RIG_CAPTURE start
is "$(get p1 "$RIG_NAME4")" demo "a name that the cluster's server was asked for leads into the VPN"
ok 'danger: but that server asks in the clear' test "$(asked)" -gt "$before"
ok 'and the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
before=$(asked)
$RIG_CAPTURE start
network "$bridge" "$(jq -c 'del(.direct_dns)' <<<"$ours")" '{"type":"tuning","sysctl":{"net.ipv4.tcp_ecn":"0"}}'
chain ADD p3 "$(annotated demo)" >/dev/null
ok 'L09: without "direct_dns" it is asked for nothing' not get p3 "$RIG_NAME4" 3
echo "nameserver $RIG_DNS_DEMO" >/etc/netns/p3/resolv.conf
is "$(get p3 "$RIG_NAME4") $(get p3 "$SERVICE")" 'demo service' "L09: and the VPN's server answers, for a pod whose dnsPolicy is None"
is "$(asked) $($RIG_CAPTURE stop)" "$before 0" 'L09: and no name in the clear'
chain DEL p3 "$(annotated demo)"
network "$bridge" "$ours" '{"type":"tuning","sysctl":{"net.ipv4.tcp_ecn":"0"}}'

# A small server in the pod, as in contrib/cni/pod.yaml, whose words these are.
if command -v dnsmasq >/dev/null; then
	echo 'nameserver 127.0.0.1' >/etc/netns/p3/resolv.conf
	chain ADD p3 "$(annotated demo)" >/dev/null
	ip -n p3 link set lo up
	in_pod p3 dnsmasq --keep-in-foreground --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces --conf-file=/dev/null --pid-file= \
		--server="/cluster.local/$CLUSTER_DNS" --server="$RIG_DNS_DEMO" >"$W/dnsmasq" 2>&1 &
	servers+=($!)
	before=$(asked)
	ok 'a server in the pod' wait_for 5 get p3 "$RIG_NAME4" 3
	is "$(get p3 "$RIG_NAME4") $(asked)" "demo $before" "L09: asks the VPN's for public names, and nobody in the clear"
	get p3 kube-dns.kube-system.svc.cluster.local 3
	ok "and the cluster's for the cluster's" grep -q kube-dns.kube-system.svc.cluster.local "$RIG_DIR/dns-clear.log"
	kill "${servers[-1]}"
	chain DEL p3 "$(annotated demo)"
else
	skip 'no dnsmasq' 'a server in the pod'
fi

# --- each of the two means alone --------------------------------------------------------------------

$RIG_CAPTURE start
in_pod p1 nft delete table inet vpnrun
is "$(code chain CHECK p1 "$(annotated demo)")" 104 'L57: CHECK without the table fails'
is "$(get p1 "$RIG_WEB4") $(get p1 "$RIG_WEB6") $(get p1 "$SERVICE")" 'demo demo service' 'L57: the rules alone keep what asks for a route'
is "$($RIG_CAPTURE stop)" 0 'L57: and nothing left in the clear'
$RIG_CAPTURE start
is "$(in_pod p1 curl -s -m 5 --interface "$own" "http://$RIG_WEB4/")" clear 'L57 danger: a bound socket they do not'
$RIG_CAPTURE stop >/dev/null
chain DEL p1 "$(annotated demo)"
chain ADD p1 "$(annotated demo)" >/dev/null
own=$(ip4 p1)
$RIG_CAPTURE start
refused 'L57: ADD anew closes it' --interface "$own" "http://$RIG_WEB4/"
rules() { ip -n p1 "$1" rule | awk -F: '$1 > 0 && $1 < 200 { print $1 }'; }
for f in -4 -6; do for pref in $(rules $f); do ip -n p1 $f rule del pref "$pref"; done; done
is "$(code chain CHECK p1 "$(annotated demo)")" 104 'L57: CHECK without the rules fails'
refused 'L57: the table alone: the default route of the cluster' "http://$RIG_WEB4/"
refused 'L57: IPv6' "http://$RIG_WEB6/"
is "$(get p1 "$SERVICE")" service 'L57: and the cluster stays'
is "$($RIG_CAPTURE stop)" 0 'L57: and nothing left in the clear'
chain DEL p1 "$(annotated demo)"
chain ADD p1 "$(annotated demo)" >/dev/null
ip -n p1 rule add pref 97 to 203.0.113.0/24 lookup main protocol kernel
is "$(code chain CHECK p1 "$(annotated demo)")" 104 'L57: CHECK where more is direct than was said fails'
ip -n p1 rule del pref 97 to 203.0.113.0/24
ok 'and when that is gone it does not' chain CHECK p1 "$(annotated demo)"

# --- the tunnel dies; the VPN goes -------------------------------------------------------------------

$RIG_CAPTURE start
in_vpn demo ip link del demo
vpnctl down demo >/dev/null 2>&1
refused 'R21 L01: the tunnel is gone' "http://$RIG_WEB4/"
ok 'L01: IPv6' not get p1 "$RIG_WEB6" 3
is "$(get p1 "$SERVICE") $(curl -s -m 5 "http://$(ip4 p1):8080/")" 'service probed' 'the cluster goes on, and probes are answered'
vpnctl down --force demo >/dev/null 2>&1
ok 'R21: the cable cut' not get p1 "$RIG_WEB4" 3
is "$(get p1 "$SERVICE")" service 'and the cluster goes on'
is "$($RIG_CAPTURE stop)" 0 'R21 L01: and nothing left in the clear'
ok 'STATUS of a network whose pods choose: the node stays in its cluster' plugin STATUS x eth0 \
	'{"cniVersion":"1.1.0","name":"cluster","type":"vpnrun","vpns":["demo","other"],'"$direct"'}'
is "$(code plugin STATUS x eth0 '{"cniVersion":"1.1.0","name":"cluster","type":"vpnrun","vpn":"demo",'"$direct"'}')" 50 'STATUS of one that is a VPN: 50'
ok 'DEL of a pod whose VPN is gone' chain DEL p1 "$(annotated demo)"
vpnctl up demo >/dev/null 2>&1

# --- leftovers ----------------------------------------------------------------------------------------

gc='{"cniVersion":"1.1.0","name":"cluster","type":"vpnrun","vpns":["demo","other"],'$direct',"cni.dev/valid-attachments":[{"containerID":"p2","ifname":"eth0"}]}'
# Whichever of the network's VPNs it is, the first of its list or the last.
for v in demo other; do
	[ $v = demo ] && w=other two='1 1' || w=demo two='0 2'
	chain ADD p1 "$(annotated $v)" >/dev/null
	is "$(cables demo) $(cables other)" "$two" "a pod in $v, and one in other"
	ok 'DEL when the annotation has been written anew' chain DEL p1 "$(annotated $w)"
	is "$(cables demo) $(cables other)" '0 1' 'takes away its cable, and no other'
	ok 'DEL again' chain DEL p1 '{}'
	chain ADD p1 "$(annotated $v)" >/dev/null
	ok 'GC' plugin GC x eth0 "$gc"
	is "$(cables demo) $(cables other)" '0 1' 'GC goes through all VPNs, and leaves what is valid'
	chain DEL p1 "$(annotated $v)" >/dev/null
done
ok 'CHECK of what is valid' chain CHECK p2 "$(annotated other)"
ip netns del p2
ip netns add p2
NETNS=/run/netns/nobody
ok 'after a reboot: DEL where the namespace is gone' chain DEL p2 "$(annotated other)"
unset NETNS
no_cables() { [ "$(cables demo) $(cables other)" = '0 0' ]; }
ok 'and no cable is left' wait_for 5 no_cables
chain DEL p1 "$(annotated demo)" >/dev/null

# --- other plugins in the chain ------------------------------------------------------------------------

network "$bridge" '{"type":"portmap","capabilities":{"portMappings":true}}' "$ours"
runtime=$(annotated demo | jq -c '. + {portMappings: [{hostPort: 8088, containerPort: 8080, protocol: "tcp"}]}')
if command -v iptables >/dev/null && chain ADD p1 "$runtime" >"$W/portmap"; then
	is "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:8088/")" probed 'portmap: a hostPort reaches the pod from the LAN, and the answer goes back by eth0'
	$RIG_CAPTURE start
	is "$(get p1 "$RIG_WEB4")" demo 'which is in the VPN'
	refused 'L57: and cannot ask the LAN itself' --interface "$(ip4 p1)" "http://$RIG_LAN/"
	is "$($RIG_CAPTURE stop)" 0 'L57: nothing left in the clear'
else
	skip "no iptables, or its modules: $(jq -r .msg "$W/portmap" 2>/dev/null)" 'portmap in the chain'
fi
chain DEL p1 "$runtime"
shape='{"type":"bandwidth","capabilities":{"bandwidth":true}}'
runtime=$(annotated demo | jq -c '. + {bandwidth: {ingressRate: 100000000, ingressBurst: 100000000}}')
network "$bridge" "$shape"
chain ADD p1 "$runtime" >"$W/shape"
able=$?
chain DEL p1 "$runtime"
if [ $able = 0 ]; then
	network "$bridge" "$ours" "$shape"
	ok 'bandwidth: behind vpnrun it finds its interface' chain ADD p1 "$runtime"
	is "$(get p1 "$RIG_WEB4") $(get p1 "$SERVICE")" 'demo service' 'and the pod is in the VPN'
	chain DEL p1 "$runtime"
else
	skip "this kernel cannot shape: $(jq -r .msg "$W/shape")" 'bandwidth in the chain'
fi

# --- Multus' order -------------------------------------------------------------------------------------

network "$bridge"
chain ADD p1 >/dev/null
NETWORK=vpn network '{"type":"vpnrun","vpn":"demo",'"$direct"'}'
r=$(chain ADD p1 '{}' net1)
is $? 0 'a VPN as a second network, with "direct"'
is "$(jq -r '.ips[0].address' <<<"$r")" "$(ip4 p1 net1)/24" 'whose addresses are its own'
NETWORK=third network '{"type":"bridge","bridge":"third0","isGateway":true,"ipam":{"type":"host-local","dataDir":"'"$cluster/ipam"'",
	"ranges":[[{"subnet":"10.98.0.0/24"}]]}}'
nft add rule inet cluster post ip saddr 10.98.0.0/24 oifname "$RIG_UPLINK" masquerade
$RIG_CAPTURE start
chain ADD p1 '{}' net2 >/dev/null
like "$(ip -n p1 -br link show net2)" UP 'and a third one that comes later'
is "$(get p1 "$RIG_WEB4") $(get p1 "$SERVICE")" 'demo service' 'the VPN, and the cluster'
ip -n p1 route add default via 10.98.0.1 dev net2 metric 1
is "$(get p1 "$RIG_WEB4")" demo 'L57: the VPN, though the third has a default route now'
refused 'L57: the third leads nowhere' --interface net2 "http://$RIG_WEB4/"
is "$($RIG_CAPTURE stop)" 0 'L57: nothing left in the clear'
chain DEL p1 '{}' net2
NETWORK=vpn network '{"type":"vpnrun","vpn":"demo",'"$direct"'}'
chain DEL p1 '{}' net1
network "$bridge"
chain DEL p1
ip link del third0

# --- what is refused ------------------------------------------------------------------------------------

try() { # try CODE DESCRIPTION PATTERN RUNTIMECONFIG
	local out
	out=$(chain ADD p3 "$4")
	is "$(jq -r .code <<<"$out")" "$1" "refused, $1: $2"
	like "$(jq -r .msg <<<"$out")" "$3" '  with a sentence'
	ok '  and the pod has no cable' not ip -n p3 link show vpn0
	chain DEL p3 "$4" >/dev/null
}
network "$bridge" "$ours"
try 7 'a VPN that may not be chosen' 'not among' "$(annotated third)"
try 7 'a choice that is empty' 'not among' "$(annotated '')"
try 7 'the annotation of the hook' "an annotation vpnrun: the one" '{"io.kubernetes.cri.pod-annotations":{"vpnrun":"demo"}}'
try 7 'a slip in it' 'an annotation vpnrun/vnp' '{"io.kubernetes.cri.pod-annotations":{"vpnrun/vnp":"demo"}}'
try 7 'L30: a runtime that does not say what is annotated' 'does not hand on' '{}'
network "$bridge" "$(jq -c '.direct += ["10.0.0.0/8"]' <<<"$ours")"
try 7 'a network that the VPN has, too' 'overlap' "$(annotated demo)"
network "$ours"
try 7 'no network before it, and no choice' 'nothing but VPNs' '{"io.kubernetes.cri.pod-annotations":{}}'
try 100 'no network before it' 'comes first' "$(annotated demo)"

kill "${servers[@]}" 2>/dev/null
is "$(cables demo) $(cables other)" '0 0' 'no cable is left'
finish
