#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# Packets that would leave with an address that is not the tunnel's: what connection tracking calls
# invalid and so does not translate, sources that are nobody's on the bridge, the kernel's own errors.
# Each is shown to leave when what stops it is taken away. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
frames=$RIG_DIR/build/tests/net/frames
home=$(as_user sh -c 'echo $HOME')
table=vpnrun
[ "$RIG_LAYOUT" = netns ] || table=vpnrun-demo

as_user sh -c "exec vpnrun demo sh -c 'echo \$\$ >$home/pid; exec sleep 600'" &
wait_for 10 test -s "$home/pid"
pid=$(cat "$home/pid")
wait_for 10 grep -q sleep "/proc/$pid/comm"
owner_of() { as_user "$RIG_DIR/build/tests/net/reenter" "$@"; }
mac=$(nsenter -t "$pid" -n ip -o link show vpn0 | sed 's,.*ether ,,; s, .*,,')
ip4=$(nsenter -t "$pid" -n ip -4 -o addr show vpn0 | sed 's/.*inet //; s,/.*,,')
gw=$(in_vpn demo ip -o link show br-demo | sed 's/.*ether //; s/ .*//')
# forge KIND SOURCE: a frame of the sandbox's for RIG_WEB4, by its gateway
forge() { owner_of "$pid" "$frames" vpn0 "$1" "$mac" "$ip4" ::1 02:00:00:00:00:01 "$2" ::1 "$gw" "$RIG_WEB4" ::1; }

# Behind all that the firewall has to say: what goes into the tunnel, by its source.
in_vpn demo nft -f - <<-X
	table ip watch {
		counter right {}
		counter forged {}
		counter wrong {}
		counter error {}
		chain out {
			type filter hook postrouting priority srcnat + 50;
			oifname != "demo" return
			icmp type destination-unreachable counter name error
			udp dport 9999 counter name forged
			ip saddr 10.64.0.2 counter name right
			ip saddr != 10.64.0.2 counter name wrong
		}
	}
	X
count() { in_vpn demo nft list counter ip watch "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
some() { [ "$(count "$1")" -gt "${2:-0}" ]; }
# A packet after it, by the same cable, has been through: so has the one before.
settle() { as_user vpnrun --with "$pid" curl -s -m "${RIG_PATIENCE:-10}" -o /dev/null "http://$RIG_WEB4/"; }
open_all() { # all that could stop them
	in_vpn demo nft delete table inet $table
	in_vpn demo nft delete table bridge $table
	for f in all br-demo; do
		rp="$rp $f=$(in_vpn demo cat /proc/sys/net/ipv4/conf/$f/rp_filter)"
		in_vpn demo sh -c "echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter"
	done
}
close_all() {
	for f in $rp; do in_vpn demo sh -c "echo ${f#*=} >/proc/sys/net/ipv4/conf/${f%=*}/rp_filter"; done
	rp=
	vpnctl up demo >/dev/null
}
rp=

settle
ok "control: what a program sends goes out with the tunnel's address" some right

# --- invalid -------------------------------------------------------------------------------------

$RIG_CAPTURE start
forge icmp-error "$ip4"
settle
is "$(count wrong)" 0 'L24: an ICMP error about nothing: does not leave'
is "$($RIG_CAPTURE stop)" 0 'L24: by the uplink neither'
# Without the rule for invalid packets, the guard behind the translation is what is left.
chain=forward
[ "$RIG_LAYOUT" = netns ] || chain=leave
in_vpn demo nft delete rule inet $table $chain handle "$(in_vpn demo nft -a list chain inet $table $chain |
	sed -n '/ct state invalid drop/s/.*# handle //p')"
forge icmp-error "$ip4"
settle
is "$(count wrong)" 0 'L24: the rule for invalid packets gone: the guard stops it'
in_vpn demo nft flush chain inet $table guard
forge icmp-error "$ip4"
ok "control: both gone: it leaves with the sandbox's own address" wait_for 5 some wrong
close_all

# --- sources that are nobody's -------------------------------------------------------------------

# Nobody's, the loopback's, the host's, the tunnel's own, one of the web's.
sources="10.20.9.9 127.0.0.1 $RIG_HOST4 10.64.0.2 $RIG_WEB4"
$RIG_CAPTURE start
for s in $sources; do
	forge spoof-ip "$s"
	settle
	is "$(count forged)" 0 "L24: source $s: does not leave"
done
# The frames' own rules gone: what is behind stops the same.
in_vpn demo nft delete table bridge $table
for s in $sources; do
	forge spoof-ip "$s"
	settle
	is "$(count forged)" 0 "L24: source $s, the bridge's rules gone: does not leave"
done
is "$($RIG_CAPTURE stop)" 0 'L24: by the uplink neither'
# In the host's namespace, what is not of the bridge's subnet is routed as the host's own is.
$RIG_CAPTURE start
open_all 2>/dev/null
forge spoof-ip 10.20.9.9
left() { some forged || $RIG_CAPTURE list | grep -q ' 10.20.9.9 '; }
ok "control: source 10.20.9.9, all of it gone: it leaves" wait_for 5 left
$RIG_CAPTURE stop >/dev/null
close_all

# --- the kernel's own errors ---------------------------------------------------------------------

in_ns demo ip route replace 10.64.0.0/24 dev far src 10.64.0.1
# Once each: a kernel's own errors to one host are rationed.
knock() { in_ns demo bash -c 'echo x >/dev/udp/10.64.0.2/9'; }
n=$(count error)
$RIG_CAPTURE start
knock
settle
is "$(count error)" "$n" 'L24: the provider knocks at a port of the tunnel: no error is sent'
is "$($RIG_CAPTURE stop)" 0 'L24: by the uplink neither'
in_vpn demo nft delete table inet $table
knock
ok 'control: without the rules the kernel answers it' wait_for 5 some error "$n"
vpnctl up demo >/dev/null
if [ "$RIG_LAYOUT" = bridge ]; then
	settle # so that the far end knows the way
	# What the far end sends is for nobody here, and at the end of its hops.
	far() { # far COMMAND...: where the sockets of the far end's WireGuard are
		if [ "$RIG_WG" = go ]; then nsenter -t "$(cat "$RIG_DIR/demo.wg.pid")" -m -n "$@"; else in_ns demo "$@"; fi
	}
	far wg set far peer "$(cat "$RIG_DIR/keys/demo/client.pub")" \
		allowed-ips 10.64.0.2/32,fd64:64::2/128,10.20.1.0/24,192.0.2.0/24,2001:db8:2::/64
	in_ns demo ip route add 10.20.1.0/24 dev far src "$RIG_WEB4"
	in_ns demo ip route add 192.0.2.0/24 dev far src "$RIG_WEB4"
	in_ns demo ip -6 route add 2001:db8:2::/64 dev far src "$RIG_WEB6_ADDR"
	in_ns demo nft 'add table inet last; add chain inet last hop { type filter hook postrouting priority 0; }
		add rule inet last hop udp dport 9 ip ttl set 1; add rule inet last hop udp dport 9 ip6 hoplimit set 1'
	stray() { for d in 10.20.1.77 192.0.2.1 2001:db8:2::1; do in_ns demo bash -c "echo x >/dev/udp/$d/9"; done; }
	errors() { [ "$($RIG_CAPTURE list | grep -c "^protocol 1 .* > $RIG_WEB4, byte 11")" = 2 ]; }
	$RIG_CAPTURE start
	stray
	settle
	is "$($RIG_CAPTURE stop)" 0 'L24: what came by the tunnel and cannot be forwarded: no error leaves by the uplink'
	nft flush chain inet $table arrived
	$RIG_CAPTURE start
	stray
	# Of IPv6, later kernels choose the source by the device that it came by, and with it the way.
	ok 'control: without that chain it does' wait_for 5 errors
	$RIG_CAPTURE stop >/dev/null
	in_ns demo nft delete table inet last
	# The routing rules gone, the answer would go by the uplink.
	for p in 201 301 101; do while ip rule del pref $p 2>/dev/null; do :; done; done
	$RIG_CAPTURE start
	knock
	is "$($RIG_CAPTURE stop)" 0 "L24: the routing rules gone: the host's answers do not leave by the uplink"
	nft delete table inet $table
	$RIG_CAPTURE start
	knock
	left() { [ "$($RIG_CAPTURE list | grep -c .)" -gt 0 ]; }
	ok 'control: the firewall gone as well: they do' wait_for 5 left
	$RIG_CAPTURE stop >/dev/null
	vpnctl down --force demo >/dev/null
fi
kill "$pid"
wait
finish
