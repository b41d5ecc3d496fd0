#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VPN that is held: all of it but the tunnel is there before it is up, and again when it was taken
# down. Who is plugged in meanwhile is refused at once and works when it is up, with nothing done
# again. Containers are plugged by the CNI plugin, users by the broker. Runs inside the rig, in either
# layout.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

bridge=
[ "$RIG_LAYOUT" = netns ] || bridge=yes
plugin=$RIG_DIR/build/libexec/vpnrun/cni/vpnrun
cni() { # cni COMMAND CONTAINER
	env -i CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS="/run/netns/$2" CNI_IFNAME=eth0 CNI_PATH=/opt \
		"$plugin" <<<'{"cniVersion":"1.1.0","name":"net","type":"vpnrun","vpn":"demo"}' 2>&1
}
fetch() { ip netns exec "$1" curl -s -m 10 "http://$2/"; }
works() { [ "$(fetch "$1" "$RIG_WEB4")" = demo ]; }
# refused CONTAINER DESCRIPTION: both families, both kinds, at once: `curl` would say 28 after its time
refused() {
	local url
	for url in "http://$RIG_WEB4/" "http://$RIG_WEB6/"; do
		ip netns exec "$1" curl -s -o /dev/null -m 5 "$url"
		is $? 7 "L01 $2: $url is refused, and does not hang"
	done
	ok "L01 $2: so is UDP" not ip netns exec "$1" timeout 5 bash -c "
		exec 3<>/dev/udp/$RIG_WEB4/53 && echo x >&3 && ! read -r -t 4 -u 3 && [ \$? = 1 ]"
}
state() { vpnctl status demo --json | perl -MJSON::PP -0777 -ne 'print JSON::PP->new->decode($_)->{vpns}[0]{state}'; }
ground() { in_vpn demo ip -o link show br-demo | cut -d: -f1; }
has() { in_vpn demo ip link show "$1"; }
for n in c1 c2 c3 c4; do ip netns add $n; done

# --- the danger ----------------------------------------------------------------------------------

vpnctl down --force demo >/dev/null
like "$(cni ADD c1)" 'demo.* is down.*sudo vpnctl hold demo' 'control: a container before the VPN is up: refused, and how it may start is said'
is "$(ip -n c1 -o link show type veth | wc -l)" 0 'and it is in no network, for good'

# --- held before it is up ------------------------------------------------------------------------

# The network is not there yet.
way4=$(ip route show default)
way6=$(ip -6 route show default | sed 's/ expires [0-9]*sec//; s/ pref [a-z]*//')
ip route del default
ip -6 route del default
like "$(vpnctl hold demo)" '^demo is held: closed until it is up' 'hold, without an uplink'
is "$(state)" closed 'status says that it is closed'
like "$(vpnctl status)" 'demo is closed: held, without a tunnel' 'and what that means'
like "$(vpnctl list)" 'demo +1 +closed' 'so does list'
ok 'there is no tunnel' not has demo
ok 'a second hold changes nothing' vpnctl hold demo
# shellcheck disable=SC2086 # words
ip route add $way4
# shellcheck disable=SC2086
ip -6 route add $way6

$RIG_CAPTURE start
like "$(cni ADD c1)" '"address"' 'a container is plugged into what is closed'
refused c1 'closed'
ip netns exec c1 curl -s -m 5 "http://$RIG_NAME/" >/dev/null
is $? 6 'L01 R88 closed: no name is resolved'
like "$(as_user vpnrun demo true 2>&1)" "VPN 'demo' is down; bring it up" 'vpnrun itself says that it is down'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing went out in the clear'
at=$(ground)
ip netns exec c1 sleep 600 &
sleeper=$!
wait_for 10 grep -q sleep "/proc/$sleeper/comm"
like "$(vpnctl leak-test demo --pid $sleeper 2>&1)" 'closed +nothing seen outside' 'R55: leak-test of a process in what is closed'
like "$(vpnctl leak-test demo 2>&1)" 'is down' 'R55: but for a sandbox of its own it has to be up'
kill $sleeper
is "$(cni STATUS c1)" '' 'STATUS of the plugin: containers can be served'

$RIG_CAPTURE start
out=$(vpnctl up demo 2>&1)
is $? 0 "up fills it"
ok 'R31: the container works, and nothing was done to it' wait_for 10 works c1
is "$(fetch c1 "$RIG_WEB6")" demo 'by IPv6, too'
is "$(state) $(ground)" "up $at" 'in the same place'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing went out in the clear on the way'
tunnel=$(in_vpn demo ip -o link show demo | cut -d: -f1)
like "$(vpnctl hold demo)" '^demo is up, and will stay, closed' 'hold of one that is up'
is "$(in_vpn demo ip -o link show demo | cut -d: -f1)" "$tunnel" 'its tunnel goes on'

# --- after a down --------------------------------------------------------------------------------

$RIG_CAPTURE start
like "$(vpnctl down demo)" 'demo is down; it stays, closed, as it is held' 'down leaves it closed'
is "$(state)" closed 'and status says so'
refused c1 'down'
like "$(cni ADD c2)" '"address"' 'a container that starts after the down is plugged in'
refused c2 'after a down'
cni DEL c1 >/dev/null
cni DEL c2 >/dev/null
vpnctl down demo >/dev/null
ok 'it stays with nobody inside' has br-demo
cni ADD c1 >/dev/null
vpnctl up demo >/dev/null 2>&1
ok 'R31: up again: the container works' wait_for 10 works c1
is "$($RIG_CAPTURE stop)" 0 'L01: nothing went out in the clear'

# --- names ---------------------------------------------------------------------------------------

conf=/etc/vpnrun/demo.json
file=$(sed -n 's/.*"config": *"\([^"]*\)".*/\1/p' $conf)
cp $conf "$RIG_DIR/demo.json"
cp -p "$file" "$RIG_DIR/demo.saved"
if [ ! "$bridge" ]; then
	# What a container has mounted is the file itself.
	exec 5</etc/netns/demo/resolv.conf
	seen() { cat "/proc/$$/fd/5"; }
	was=$(cat /etc/netns/demo/resolv.conf)
	sed -i 's/^DNS.*/DNS = 10.9.9.9, 10.9.9.10, 10.9.9.11, 10.9.9.12/' "$file"
	vpnctl up --no-wait demo >/dev/null 2>&1
	like "$(seen)" 'nameserver 10\.9\.9\.9.*nameserver 10\.9\.9\.12' 'R42: other servers in the file: what has the former text open, as containers have, sees them'
	cp -p "$RIG_DIR/demo.saved" "$file"
	vpnctl up --no-wait demo >/dev/null 2>&1
	is "$(cat "/proc/$$/fd/5")" "$was" 'R42: and the former again, with nothing left of the longer text'
	exec 5<&-
fi

# --- the netavark plugin -------------------------------------------------------------------------

vpnctl down demo >/dev/null
ask='{"container_id":"c4","container_name":"x","port_mappings":null,"network":{"name":"n1","id":"a1","driver":"vpnrun","internal":false,"ipv6_enabled":false,"dns_enabled":true,"options":{"vpn":"demo"}},"network_options":{"aliases":["x"],"interface_name":"eth0"}}'
nv() { "$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun" "$1" /run/netns/c4 <<<"$ask" 2>&1; }
like "$(nv setup)" '"interfaces"' 'netavark: a container is plugged into what is closed'
refused c4 'netavark'
vpnctl up demo >/dev/null 2>&1
ok 'R31: netavark: up: it works' wait_for 10 works c4
nv teardown >/dev/null

# --- what fails, leaves it closed ----------------------------------------------------------------

vpnctl down demo >/dev/null
sed -i 's/^Endpoint.*/Endpoint = nowhere.rig.invalid:51820/' "$file"
ok 'an up whose endpoint has no address fails' not vpnctl up --no-wait demo
cp -p "$RIG_DIR/demo.saved" "$file"
mkdir /run/vpnrun/demo.new
ok 'so does one that cannot write its record, at its last step' not vpnctl up --no-wait demo
rmdir /run/vpnrun/demo.new
[ "$bridge" ] || ok 'R42: the files of who is inside stay' test -s /etc/netns/demo/resolv.conf
ok 'and no tunnel does' not has demo
is "$(state)" closed 'either leaves it closed'
refused c1 'after an up that failed'
vpnctl up demo >/dev/null 2>&1
ok 'R31: the next one fills it' wait_for 10 works c1
ip link del demo 2>/dev/null || in_vpn demo ip link del demo
vpnctl restart demo >/dev/null 2>&1
like "$(vpnctl status demo --json)" '"held": *true' 'a restart keeps it held'
ok 'and the container works' wait_for 10 works c1

# --- judged --------------------------------------------------------------------------------------

vpnctl down demo >/dev/null
is "$(vpnctl status demo --json | perl -MJSON::PP -0777 -ne 'print scalar @{JSON::PP->new->decode($_)->{vpns}[0]{missing}}')" 0 \
	'R78: of what is closed nothing is missing'
in_vpn demo ip addr del 10.20.1.1/24 dev br-demo
is "$(state)" degraded 'R78: what is missing of it is seen'
like "$(vpnctl status demo)" 'the address 10.20.1.1/24 of br-demo is missing' 'R78: and named'
vpnctl hold demo >/dev/null
is "$(state)" closed 'R78: hold puts it back'

# --- another place -------------------------------------------------------------------------------

cni DEL c1 >/dev/null
sed -i 's/{/{ "subnet": "10.77.0.0\/24",/' $conf
out=$(vpnctl hold demo 2>&1)
like "$out" 'is held' 'one that is closed and empty follows another subnet'
like "$(in_vpn demo ip -4 -o addr show br-demo)" '10\.77\.0\.1/24' 'it has moved'
cni ADD c1 >/dev/null
cp "$RIG_DIR/demo.json" $conf
like "$(vpnctl hold demo 2>&1)" 'in use \(1 inside\).*vpnctl down --force demo' 'one that is not empty does not'
cni DEL c1 >/dev/null
for l in netns bridge netns "$RIG_LAYOUT"; do # which moves out of the bridge and into it, whichever it has now
	sed -i "s/\"layout\": \"[a-z]*\"/\"layout\": \"$l\"/" $conf
	is "$(vpnctl hold demo 2>&1)" 'demo is held: closed until it is up, and containers may start in it' "and another layout: $l"
	is "$(vpnctl status --json demo | jq -r '.vpns[0] | "\(.layout) \(.state)"')" "$l closed" 'it has moved'
done
vpnctl up demo >/dev/null 2>&1
cni ADD c1 >/dev/null
ok 'up follows the file as well' wait_for 10 works c1

# --- the end of it -------------------------------------------------------------------------------

like "$(vpnctl hold --off demo)" '^demo is not held any more$' 'hold --off of one that is up'
is "$(state)" up 'it stays up'
vpnctl down demo >/dev/null
is "$(state)" down 'down: it is down, with one inside'
like "$(cni ADD c2)" 'is down' 'and takes nobody'
cni DEL c1 >/dev/null
vpnctl hold demo >/dev/null
like "$(vpnctl hold --off demo)" 'not held any more' 'hold --off of one that is closed'
ok 'R37: nothing of it is left' not has br-demo
vpnctl hold demo >/dev/null
cni ADD c1 >/dev/null
vpnctl down --force demo >/dev/null
is "$(state)" down 'down --force ends it, too'
ok 'and unplugs who is inside' not ip -n c1 link show eth0
ok 'R37: nothing of it is left' not has br-demo
[ "$bridge" ] || ok 'nor a file' not test -e /etc/netns/demo
like "$(vpnctl hold 2>&1)" 'usage: vpnctl hold \[--off\] NAME' 'without a name'
like "$(vpnctl hold nobody 2>&1)" 'there is no VPN' 'an unknown name'
like "$(as_user vpnctl hold demo 2>&1)" 'root' 'not a user'
finish
