#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The netavark plugin, called as plugin-API.md of netavark 1.6 and later says; Debian 12 has an older
# one, which calls no plugins, so no podman takes part. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"

plugin=$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun
id=2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9
net() { # net VPN [MORE]: a network as podman describes it
	echo "{\"name\":\"n1\",\"id\":\"$id\",\"driver\":\"vpnrun\",\"internal\":false,\"ipv6_enabled\":false,\"dns_enabled\":true,\"options\":{\"vpn\":\"$1\"}${2:+,$2}}"
}
ask() { # ask CONTAINER NETWORK [OPTIONS [PORTS]]: what setup and teardown get
	echo "{\"container_id\":\"$1\",\"container_name\":\"x\",\"port_mappings\":${4:-null},\"network\":$2,\"network_options\":{\"aliases\":[\"$1\"],\"interface_name\":\"eth0\"${3:+,$3}}}"
}
nv() { "$plugin" "${@:2}" <<<"$1"; }
field() {
	perl -MJSON::PP -0777 -e 'my $v = JSON::PP->new->utf8->decode(<STDIN>);
		for (split /,/, $ARGV[0]) { $v = ref $v eq "ARRAY" ? $v->[$_] : $v->{$_}; last if !defined $v }
		print ref $v ? JSON::PP->new->canonical->encode($v) : $v // "null"' "$1"
}
ports() { ip -n demo -o link show type veth | wc -l; }
no_ports() { [ "$(ports)" = 0 ]; }
refused() { # refused PATTERN DESCRIPTION STDIN ARGS...
	local text rc
	text=$(nv "${@:3}")
	rc=$?
	like "$rc $(field error <<<"$text")" "^1 .*$1" "refused: $2"
}

wait_for 10 no_ports
links=$(ip -o link | wc -l)
ip netns add c1
ip netns add c2
is "$(nv '' info | field api_version)" 1.0.0 'info'

r=$(nv "$(net demo)" create)
is $? 0 'create'
is "$(field name <<<"$r") $(field id <<<"$r") $(field driver <<<"$r")" "n1 $id vpnrun" 'create keeps name, id and driver'
is "$(field ipam_options,driver <<<"$r") $(field dns_enabled <<<"$r")" 'none false' "create: no addresses and no resolver of podman's"
ok 'create: the name of the network is the VPN, if no option says it' \
	nv '{"name":"demo","id":"a","driver":"vpnrun","options":null}' create
refused subnet 'a subnet' "$(net demo '"subnets":[{"subnet":"10.0.0.0/16"}]')" create
refused internal '--internal' '{"name":"demo","id":"a","driver":"vpnrun","internal":true}' create
refused options 'an unknown option' '{"name":"demo","id":"a","driver":"vpnrun","options":{"mtu":"9"}}' create
refused VPN 'no VPN' '{"name":"a.b","id":"a","driver":"vpnrun"}' create
refused JSON 'no JSON' 'x' create
refused JSON 'half of it' '{"name":' create
refused needed 'no id' '{"name":"demo"}' create
# podman without root calls in a user namespace, with a /run of its own.
rootless() { as_user unshare -Urmn sh -c 'mount -t tmpfs none /run; exec "$@"' - "$plugin" "$@"; }
like "$(rootless create <<<"$(net demo)" | field error)" 'without root.*--network none --annotation vpnrun=' 'refused: a network of podman without root'
like "$(rootless setup /proc/self/ns/net <<<"$(ask c1 "$(net demo)")" | field error)" 'without root.*--annotation vpnrun=demo' \
	'refused: a container of podman without root, with what works instead'

$RIG_CAPTURE start
r=$(nv "$(ask c1 "$(net demo)")" setup /run/netns/c1)
is $? 0 'setup'
is "$(field interfaces,eth0,mac_address <<<"$r")" "$(ip netns exec c1 cat /sys/class/net/eth0/address)" 'setup: the mac'
is "$(field interfaces,eth0,subnets,0,ipnet <<<"$r") $(field interfaces,eth0,subnets,0,gateway <<<"$r")" \
	"$(ip -n c1 -4 -o addr show eth0 | awk '{print $4}') 10.20.1.1" 'setup: the IPv4 subnet'
is "$(field interfaces,eth0,subnets,1,ipnet <<<"$r")" "$(ip -n c1 -6 -o addr show eth0 scope global | awk '{print $4}')" 'setup: IPv6'
like "$(field dns_server_ips <<<"$r")" "$RIG_DNS_DEMO" "setup: the VPN's name servers"
is "$(ip netns exec c1 curl -s -m 10 "http://$RIG_WEB4/") $(ip netns exec c1 curl -s -m 10 "http://$RIG_WEB6/")" 'demo demo' \
	'R20: the container goes through the VPN, both families'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink'
refused already 'setup twice' "$(ask c1 "$(net demo)")" setup /run/netns/c1
is "$(nv "$(ask c1 "$(net demo)")" teardown /run/netns/c1; echo $?)" 0 'teardown says nothing'
is "$(ports)" 0 'teardown: no port is left'
ok 'teardown again' nv "$(ask c1 "$(net demo)")" teardown /run/netns/c1
ok 'teardown of a namespace that is gone' nv "$(ask c1 "$(net demo)")" teardown /run/netns/nosuch
r=$(nv "$(ask c2 "$(net demo '"network_dns_servers":["9.9.9.9"]')")" setup /run/netns/c2)
is "$(field dns_server_ips <<<"$r")" '["9.9.9.9"]' "the network's own name servers"
ip netns del c2
ok 'a namespace that dies takes its port along' wait_for 10 no_ports

# The LAN, of whoever's file says so.
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
lan=$(net demo); lan=${lan/'"vpn"'/'"lan":"true","vpn"'}
refused 'opens nothing of the LAN' 'R86: lan=true of a VPN whose file opens nothing' "$(ask c1 "$lan")" setup /run/netns/c1
refused '--opt lan=true.false' 'R86: lan= of another word: as the user types it' "${lan/\"true\"/\"yes\"}" create
sed "s|{ |{ \"allow_lan\": [\"$RIG_LAN\"], |" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
vpnctl up demo >/dev/null
refused "dns $RIG_LAN is in the LAN" 'R86: a name server in the LAN, where no name may be asked for' \
	"$(ask c1 "${lan%\}},\"network_dns_servers\":[\"$RIG_LAN\"]}")" setup /run/netns/c1
for n in "$lan" "$(net demo)"; do
	nv "$(ask c1 "$n")" setup /run/netns/c1 >/dev/null
	ip netns exec c1 curl -s -m 2 "http://$RIG_LAN/" "http://$RIG_WEB4/" >>"$RIG_DIR/reached"
	nv "$(ask c1 "$n")" teardown /run/netns/c1
done
is "$(xargs <"$RIG_DIR/reached")" 'lan demo demo' 'R86: a container of lan=true reaches the LAN, one without does not'
mv "$RIG_DIR/demo.json" /etc/vpnrun/demo.json
vpnctl up demo >/dev/null

# Ports, as podman hands them on: no address is all of them.
maps() { echo "[{\"host_ip\":\"$1\",\"container_port\":80,\"host_port\":$2,\"range\":${3:-1},\"protocol\":\"${4:-tcp}\"}]"; }
answers() { [ "$(curl -s -g -m 5 "http://$1/" | cut -c1-5)" = hello ]; }
ip netns exec c1 "$ports" answer 0.0.0.0 80 'echo hello' >/dev/null &
server=$!
nv "$(ask c1 "$(net demo)" '' "$(maps '' 8080)")" setup /run/netns/c1 >/dev/null
ok 'R87: -p 8080:80: localhost reaches it' wait_for 10 answers 127.0.0.1:8080
ok 'R87: by IPv6' answers '[::1]:8080'
ok 'R87: and the LAN' test "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:8080/" | cut -c1-5)" = hello
nv "$(ask c1 "$(net demo)" '' "$(maps '' 8080)")" teardown /run/netns/c1
ok 'R87: teardown: the port is free' wait_for 10 no_relay
nv "$(ask c1 "$(net demo)" '' "$(maps 127.0.0.1 8080)")" setup /run/netns/c1 >/dev/null
ok 'R87: of one address' wait_for 10 answers 127.0.0.1:8080
ok 'R48: and no other' not in_ns lan curl -s -m 2 "http://$RIG_HOST4:8080/"
ip netns add c3
refused 'port 8080 .*in use' 'a port that is taken' "$(ask c3 "$(net demo)" '' "$(maps 127.0.0.1 8080)")" setup /run/netns/c3
is "$(ports)" 1 'R87: and nothing is plugged'
ip netns del c3
ip netns add c4
nv "$(ask c4 "$(net demo)" '' "$(maps 127.0.0.1 8081)")" setup /run/netns/c4 >/dev/null
is "$(relays) $(ports)" '2 2' 'R87: another, with a port'
ip netns del c4
one() { [ "$(relays) $(ports)" = '1 1' ]; }
ok 'R87: its namespace goes without a teardown: so do its port, its relay and its lease' wait_for 10 one
ip -n demo link delete "$(ip -n demo -o link show type veth | sed 's/^[0-9]*: //;s/@.*//')"
ok 'R87: the cable gone, in whatever way: the relay ends' wait_for 10 no_relay
kill $server
refused 'numbers' 'a published port without the outer' "$(ask c1 "$(net demo)" '' '[{"container_port":80}]')" setup /run/netns/c1
refused 'numbers' 'port 0' "$(ask c1 "$(net demo)" '' "$(maps '' 0)")" setup /run/netns/c1
refused 'TCP or UDP' 'SCTP' "$(ask c1 "$(net demo)" '' "$(maps '' 8080 1 sctp)")" setup /run/netns/c1
refused 'range' 'a range beyond the last port' "$(ask c1 "$(net demo)" '' "$(maps '' 65535 2)")" setup /run/netns/c1
refused 'not an IP address' 'a name in place of an address' "$(ask c1 "$(net demo)" '' "$(maps localhost 8080)")" setup /run/netns/c1
refused 'not an address of' "somebody else's address" "$(ask c1 "$(net demo)" '' "$(maps 192.0.2.1 8080)")" setup /run/netns/c1
is "$(ports)" 0 'nothing is plugged'
refused 'static_ips' '--ip' "$(ask c1 "$(net demo)" '"static_ips":["10.0.0.1"]')" setup /run/netns/c1
refused 'static_mac' '--mac-address' "$(ask c1 "$(net demo)" '"static_mac":"aa:bb:cc:dd:aa:00"')" setup /run/netns/c1
refused "no VPN 'nowhere'" 'an unknown VPN' "$(ask c1 "$(net nowhere)")" setup /run/netns/c1
refused 'not exist' 'no namespace' "$(ask c1 "$(net demo)")" setup /run/netns/nosuch
refused "host's own" "the host's own namespace" "$(ask c1 "$(net demo)")" setup /proc/1/ns/net
refused "of a VPN itself" "the VPN's own namespace" "$(ask c1 "$(net demo)")" setup /run/netns/demo
refused 'container_id' 'a hostile id' "$(ask ../c1 "$(net demo)")" setup /run/netns/c1
refused 'usage' 'an unknown verb' '' fly
refused 'larger' 'two megabytes' "$(head -c 2000000 /dev/zero | tr '\0' ' ')" create
vpnctl down demo >/dev/null
refused 'not up|down' 'a VPN that is down' "$(ask c1 "$(net demo)")" setup /run/netns/c1
ok 'teardown in a VPN that is down' nv "$(ask c1 "$(net demo)")" teardown /run/netns/c1
vpnctl up demo >/dev/null
is "$(ports) $(ip -o link | wc -l)" "0 $links" 'nothing is left'
ip netns del c1
finish
