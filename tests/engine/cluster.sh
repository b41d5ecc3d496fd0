# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# A node of a cluster in the rig: pods on a bridge of Debian's plugin, one Service by translation, and
# networks that are called as libcni calls a chain. Sourced after tests/engine/lib.sh.

PODS=10.244.0.0/16 PODS6=fd00:10:244::/48 SERVICES=10.96.0.0/12 SERVICE=10.96.0.1 CLUSTER_DNS=10.96.0.10
cluster=$RIG_DIR/cluster
mkdir -p "$cluster/bin" "$cluster/ipam"
cp "$engines"/lib/cni/* "$RIG_DIR/build/libexec/vpnrun/cni/vpnrun" "$cluster/bin/"

bridge='{"type":"bridge","bridge":"cni0","isGateway":true,"isDefaultGateway":true,"ipam":{"type":"host-local","dataDir":"'$cluster/ipam'",
	"ranges":[[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00:10:244:1::/64"}]]}}'
notes='"capabilities":{"io.kubernetes.cri.pod-annotations":true}'
direct='"direct":["'$PODS'","'$SERVICES'","'$PODS6'"]'
ours='{"type":"vpnrun","vpns":["demo","other"],'$notes,$direct',"direct_dns":["'$CLUSTER_DNS'"]}'

network() { # network PLUGIN...: those one behind the other, in $list
	local IFS=,
	list='{"cniVersion":"'${VERSION:-1.0.0}'","name":"'${NETWORK:-cluster}'","plugins":['"$*"']}'
}

# plugin COMMAND POD IFNAME CONFIG: calls one; its result, or its error, on stdout
plugin() {
	env -i PATH="$PATH" CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS="${NETNS-/run/netns/$2}" CNI_IFNAME="$3" \
		CNI_PATH="$cluster/bin" CNI_ARGS="IgnoreUnknown=1;K8S_POD_NAME=$2" "$cluster/bin/$(jq -r .type <<<"$4")" <<<"$4" 2>>"$cluster/err"
}

# chain ADD|DEL|CHECK POD [RUNTIMECONFIG [IFNAME]]: the plugins of $list, each with what the library adds to
# it: name, version, what came before, and of RUNTIMECONFIG what its capabilities name. DEL goes backwards.
chain() {
	local command=$1 pod=$2 runtime=${3-'{"io.kubernetes.cri.pod-annotations":{}}'} ifname=${4:-eth0} prev=null i n out rc=0 order config
	local kept=$cluster/$2.${4:-eth0}.json
	[ "$command" = ADD ] || prev=$(cat "$kept" 2>/dev/null || echo null)
	n=$(jq '.plugins | length' <<<"$list")
	order=$(seq 0 $((n - 1)))
	[ "$command" != DEL ] || order=$(seq $((n - 1)) -1 0)
	for i in $order; do
		config=$(jq -c --argjson i "$i" --argjson prev "$prev" --argjson runtime "$runtime" '
			. as $l | .plugins[$i] | . as $p | . + {name: $l.name, cniVersion: $l.cniVersion}
			+ (if $prev then {prevResult: $prev} else {} end)
			+ ($runtime | with_entries(select($p.capabilities[.key])) | if length > 0 then {runtimeConfig: .} else {} end)' <<<"$list")
		if ! out=$(plugin "$command" "$pod" "$ifname" "$config"); then
			echo "$out"
			rc=1
			[ "$command" = DEL ] || return 1
		fi
		[ "$command" != ADD ] || prev=$out
	done
	[ "$command" != ADD ] || tee "$kept" <<<"$prev"
	return $rc
}
annotated() { echo '{"io.kubernetes.cri.pod-annotations":{"vpnrun/vpn":"'"$1"'","app":"x"}}'; }
code() { # code COMMAND...: the code of its refusal
	local text
	text=$("$@") && echo "no error: $text" && return
	jq -r .code <<<"$text"
}
msg() { "$@" | jq -r .msg; }

# serve NETNS WORDS [PORT]: a web server there that says them
serve() {
	local fd
	exec {fd}< <(exec ip netns exec "$1" "$RIG_DIR/build/rig/webd" ${3:+-p "$3"} "$2")
	servers+=($!)
	read -r _ <&"$fd"
}

in_pod() { ip netns exec "$@"; }
get() { in_pod "$1" curl -s -m "${3:-10}" "http://$2/"; } # get POD URL [SECONDS]
ip4() { ip -n "$1" -4 -o addr show "${2:-eth0}" | awk '{ sub("/.*", "", $4); print $4 }'; }
ip6() { ip -n "$1" -6 -o addr show "${2:-eth0}" scope global | awk '{ sub("/.*", "", $4); print $4 }'; }

node() { # the node itself, and a pod `backend` behind the Service
	local key
	for key in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 >/proc/sys/net/$key; done
	ip netns add backend
	network "$bridge"
	chain ADD backend >/dev/null || return 1
	BACKEND=$(ip4 backend) BACKEND6=$(ip6 backend)
	nft -f - <<-N
		table inet cluster {
			chain pre {
				type nat hook prerouting priority dstnat
				ip daddr $SERVICE tcp dport 80 dnat to $BACKEND
				ip daddr $CLUSTER_DNS meta l4proto { tcp, udp } th dport 53 dnat to $RIG_DNS_CLEAR
			}
			chain post {
				type nat hook postrouting priority srcnat
				ip saddr $PODS oifname "$RIG_UPLINK" masquerade
				ip6 saddr $PODS6 oifname "$RIG_UPLINK" masquerade
			}
		}
	N
	serve backend service
}
