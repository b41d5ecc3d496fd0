#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# What one sandbox's connections are to its neighbours: not so many that nothing is left for others,
# forgotten when it ends, of no use to who has its number next, and no way to ask the provider's
# gateway for ports. Runs inside the rig, in either layout.
# shellcheck source=tests/lib.sh disable=SC2016,SC2154
. "$RIG_DIR/tests/lib.sh"
flows=$RIG_DIR/build/tests/net/flows
home=$(as_user sh -c 'echo $HOME')
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
}
table=vpnrun
[ "$RIG_LAYOUT" = netns ] || { table=vpnrun-demo other_table=vpnrun-other; }
rules() { in_vpn demo nft "$@"; }
sandbox() { # sandbox NAME [OPTION...]: starts one that waits, its pid in $NAME
	local name=$1
	shift
	rm -f "$home/$name"
	as_user sh -c "exec vpnrun $* demo sh -c 'echo \$\$ >$home/$name; exec sleep 600'" 2>"$home/$name.err" &
	wait_for 10 test -s "$home/$name"
	wait_for 10 sh -c "grep -q sleep /proc/\$(cat $home/$name)/comm"
	declare -g "$name=$(cat "$home/$name")"
}
owner_of() { as_user "$RIG_DIR/build/tests/net/reenter" "$@"; }
in_sandbox() { local pid=$1; shift; nsenter -t "$pid" -n "$@"; }
ip4_of() { in_sandbox "$1" ip -4 -o addr show vpn0 | sed 's/.*inet //; s,/.*,,'; }
ip6_of() { in_sandbox "$1" ip -6 -o addr show vpn0 scope global | sed 's/.*inet6 //; s,/.*,,'; }
supervisor() { kill -"$1" "$(cat /run/vpnrun/demo.supervisor)"; }
cables() { in_vpn demo ip -o link show type veth | grep -c ': vr1'; }
no_cables() { [ "$(cables)" = 0 ]; }
end() { # end PID...: sandboxes, until their cables are gone
	local n
	n=$(($(cables) - $#))
	kill "$@"
	cables_are() { [ "$(cables)" -le "$n" ]; }
	wait_for 20 cables_are
}
tracked() { in_vpn demo grep -c "$1" /proc/net/nf_conntrack; }
tracked_are() { [ "$(tracked "$1")" = "$2" ]; }
works() { [ "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" = demo ]; }
gw=$(in_vpn demo ip -o link show br-demo | sed 's/.*ether //; s/ .*//')

# Addresses of nobody, beyond the tunnel, at which everything is answered.
far4=198.18.0.1 far6=2001:db8:fade::1 seen6=2001:0db8:fade:0000:0000:0000:0000:0001
in_ns demo ip route add blackhole 198.18.0.0/15
in_ns demo ip -6 route add blackhole 2001:db8:fade::/48
exec {fd}< <(exec in_ns demo "$flows" answer far)
answerer=$!
read -r -t 20 _ <&"$fd"
wait_for 10 no_cables

# --- as many as there is room for ----------------------------------------------------------------

share=$(($(cat /proc/sys/net/netfilter/nf_conntrack_max) / 253))
many=$((share + 500))
[ $share -lt 4096 ] || share=4096
mute() { owner_of "$1" nft 'add table inet mute; add chain inet mute out { type filter hook output priority 0; }
	add rule inet mute out tcp flags rst drop'; }
flood() { # flood PID FROM TO N [PORT]: of which its own kernel, which knows none of them, resets none
	mute "$1"
	owner_of "$1" "$flows" open vpn0 "$gw" "${@:2}"
}
sandbox hostile
me=$(ip4_of "$hostile")
rules flush chain inet $table counted
supervisor STOP
is "$(flood "$hostile" "$me" $far4 $many)" "opened $many refused 0 silent 0" 'control: without a limit one sandbox has as many as it likes'
end "$hostile"
is "$(in_vpn demo grep "dst=$far4" /proc/net/nf_conntrack | grep -c ASSURED)" $many \
	'control: which stay when it has ended, and pass for real ones'
supervisor CONT
ok 'L46: the supervisor, told of the end of a cable, forgets them' wait_for 20 tracked_are "dst=$far4" 0
vpnctl up demo >/dev/null

sandbox hostile
sandbox neighbour
me=$(ip4_of "$hostile") me6=$(ip6_of "$hostile")
is "$(flood "$hostile" "$me" $far4 $many)" "opened $share refused $((many - share)) silent 0" \
	"L46: a sandbox has its share, $share connections, and is refused more at once"
is "$(flood "$hostile" "$me6" $far6 100)" 'opened 0 refused 100 silent 0' 'L46: which is of both families'
is "$(as_user vpnrun --with "$neighbour" curl -s -m 10 "http://$RIG_WEB4/")" demo "L46: its neighbour's are not counted with it"
end "$hostile"
ok 'L46: forgotten with the lease' wait_for 20 tracked_are "dst=$far4" 0
sandbox hostile
is "$(flood "$hostile" "$(ip6_of "$hostile")" $far6 $many)" "opened $share refused $((many - share)) silent 0" 'L46: the same by IPv6 alone'
end "$hostile"
ok 'L46: and forgotten' wait_for 20 tracked_are "dst=$seen6" 0
is "$(in_sandbox "$neighbour" true && as_user vpnrun --with "$neighbour" curl -s -m 10 "http://$RIG_WEB6/")" demo 'who lives goes on'
[ "$RIG_LAYOUT" = bridge ] || is "$(in_vpn demo cat /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established)" 7440 \
	'L46: an established connection of which nothing is heard lasts two hours, not five days'

# The machine's own cable is no sandbox's: many use it.
if [ "$RIG_LAYOUT" = netns ]; then
	vpnctl default --no-ip demo >/dev/null
	spend() { as_user perl -MSocket -e 'socket my $s, PF_INET, SOCK_DGRAM, 0;
		for (1 .. $ARGV[1]) { send $s, "x", 0, pack_sockaddr_in(2000 + $_, inet_aton $ARGV[0]); select undef, undef, undef, 1e-4 }' $far4 $many; }
	other_user() { [ "$(as_stranger curl -s -m 5 "http://$RIG_WEB4/")" = demo ]; }
	spend
	ok "L46: of the machine's default, no user's connections keep another from it" other_user
	vpnctl up demo >/dev/null
	spend
	ok 'L46: nor after an up, which loads the rules anew' other_user
	rules flush set inet $table machine
	spend
	ok "control: with a sandbox's share they would" not other_user
	vpnctl default --no-ip none >/dev/null
fi

# What comes in by an open port is as many.
first() { sed 's/.*inet6\{0,1\} //;s,/.*,,' | head -n 1; }
a4=$(in_vpn demo ip -4 -o addr show demo | first)
with '"allow_expose": ["1024-65535"], '
sandbox server -e 7777
mute "$server"
exec {sfd}< <(exec nsenter -t "$server" -n "$flows" answer vpn0)
serves=$!
read -r -t 20 _ <&"$sfd"
# A tunnel that has said nothing is reached by nobody: the provider does not know where it is.
works
knock() { in_ns demo "$flows" open far 02:00:00:00:00:00 $far4 "$a4" "$@"; }
is "$(knock $many)" "opened $share refused 0 silent $((many - share))" 'L46: an open port takes the share as well'
a6=$(in_vpn demo ip -6 -o addr show demo scope global | first)
is "$(in_ns demo "$flows" open far 02:00:00:00:00:00 $far6 "$a6" $many)" "opened $share refused 0 silent $((many - share))" \
	'L46: the same by IPv6'
rules insert rule inet $table arrives meta mark set 0x76 accept
is "$(knock 200 60000)" 'opened 200 refused 0 silent 0' 'control: without the limit all that come'
vpnctl up demo >/dev/null
kill $serves
end "$server"
ok 'L46: and they are forgotten with the lease' wait_for 20 tracked_are "src=$far4" 0
end "$neighbour"

# --- the next at the same number -----------------------------------------------------------------

vpnctl down --force demo >/dev/null
with '"subnet": "10.99.0.0/29", "limit": 5, "allow_expose": ["1024-65535"], '
gw=$(in_vpn demo ip -o link show br-demo | sed 's/.*ether //; s/ .*//')
cat >"$RIG_DIR/late.pl" <<-'X'
	# Whoever has spoken to PORT is spoken to whenever USR1 comes.
	use IO::Socket::IP; $| = 1; my ($host, $port) = @ARGV; my ($peer, @all);
	my $s = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Proto => 'udp', V6Only => 1) or die;
	$SIG{USR1} = sub { $s->send('late', 0, $_) for @all; print "said\n" };
	print "ready\n";
	for (;;) { if ($peer = $s->recv(my $b, 100)) { push @all, $peer; $s->send('heard', 0, $peer) } }
X
cat >"$RIG_DIR/ear.pl" <<-'X'
	# At PORT: sends each argument's "HOST PORT" a word, then writes what it hears.
	use IO::Socket::IP; use Socket qw(getaddrinfo SOCK_DGRAM); $| = 1; my ($family, $port, @to) = @ARGV;
	my $s = IO::Socket::IP->new(LocalHost => $family == 4 ? '0.0.0.0' : '::', LocalPort => $port, Proto => 'udp', V6Only => 1) or die;
	for (@to) { my ($h, $p) = split; my ($e, $a) = getaddrinfo($h, $p, { socktype => SOCK_DGRAM }); $s->send('hello', 0, $a->{addr}) }
	print "ready\n";
	for (;;) { print "$b\n" if $s->recv($b, 100) }
X
in_vpn demo sh -c 'echo 600 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout' # a busy machine is slow
late=() ears=()
for host in "$RIG_WEB4" "$RIG_WEB6_ADDR"; do
	exec {lfd}< <(exec in_ns demo perl "$RIG_DIR/late.pl" "$host" 7000)
	late+=($!)
	read -r -t 20 _ <&"$lfd"
done
# Whoever does not hear is told again: what is to be heard may be lost on a busy machine.
late_comes() { kill -USR1 "${late[@]}"; has_heard "$1" late; }
ear() { # ear PID FAMILY PORT [HOST PORT]: one there, which writes to $home/ear.FAMILY
	as_user vpnrun --with "$1" perl "$RIG_DIR/ear.pl" "${@:2}" >"$home/ear.$2" 2>&1 &
	ears+=($!)
	wait_for 10 grep -q ready "$home/ear.$2"
}
heard() { grep -c "$2" "$home/ear.$1"; }
has_heard() { [ "$(heard "$@")" -ge 1 ]; }
next_at() { # next_at ADDRESS: all five numbers are taken, and whoever has that one is in $next
	local i
	all=()
	for i in 1 2 3 4 5; do
		sandbox "n$i"
		local v=n$i
		all+=("${!v}")
		[ "$(ip4_of "${!v}")" != "$1" ] || next=${!v}
	done
}
# On a host's bridge, what is sent to a number waits for the answer of a neighbour, if nobody is looked for already.
forget_neighbours() { [ "$RIG_LAYOUT" = netns ] || in_vpn demo ip neigh flush dev br-demo; }
turn() { # turn PORT UDP: one sandbox opens what is named so, ends, and another has its number
	local address from
	sandbox one
	address=$(ip4_of "$one")
	ear "$one" 4 "$2" "$RIG_WEB4 7000"
	ear "$one" 6 "$2" "$RIG_WEB6_ADDR 7000"
	wait_for 10 has_heard 4 heard
	wait_for 10 has_heard 6 heard
	flood "$one" "$address" $far4 1 "$1" >/dev/null
	supervisor STOP
	kill "${ears[@]}"
	end "$one"
	ears=()
	next=
	next_at "$address"
	is "$(ip4_of "$next")" "$address" 'another has the number now'
	ear "$next" 4 "$2"
	ear "$next" 6 "$2"
	forget_neighbours
	kill -USR1 "${late[@]}"
	# By the same ways, and after it.
	as_user vpnrun --with "$next" curl -s -m 10 -o /dev/null -o /dev/null "http://$RIG_WEB4/" "http://$RIG_WEB6/"
	owner_of "$next" "$flows" data vpn0 "$gw" "$address" $far4 "$1"
	read -r -t 10 from <&"$fd"
	came_from=$from
}
over() { # over: the sandboxes of a turn end
	[ ${#ears[@]} = 0 ] || kill "${ears[@]}"
	ears=()
	supervisor CONT
	end "${all[@]}"
}
rules flush chain inet $table opened
turn 2000 5000
ok 'control: what a server still sends to the last comes to the next, IPv4' wait_for 10 late_comes 4
ok 'control: the same by IPv6' wait_for 10 late_comes 6
is "$came_from" 2000 "control: and the next speaks in the last one's connection"
over
vpnctl up demo >/dev/null
wait_for 20 no_cables
turn 2001 5001
is "$(heard 4 late) $(heard 6 late)" '0 0' 'L47: what a server still sends to the last does not come to the next'
ok "L47: what the next says is not in the last one's connection (from port $came_from)" test "$came_from" != 2001
is "$(tracked "dst=$far4.*sport=2001 ")" 2 'L47: which is still known: not by being forgotten'
# On a host's bridge every VPN's rules see it.
for t in $table ${other_table:+"$other_table"}; do rules insert rule bridge "$t" answer accept; done
ok 'control: it is the zone that keeps it away, IPv4' wait_for 10 late_comes 4
ok 'control: IPv6' wait_for 10 late_comes 6
over
vpnctl up demo other >/dev/null
ok 'L47: forgotten, all the same' wait_for 20 tracked_are "dst=$far4.*sport=2001 " 0

# What came in by an open port is not answered by the next at that number.
wait_for 20 no_cables
works
sandbox server -e 8080/udp
address=$(ip4_of "$server")
cat >"$RIG_DIR/client.pl" <<-'X'
	use IO::Socket::IP; $| = 1; my ($to, $port) = @ARGV;
	my $s = IO::Socket::IP->new(LocalPort => 9999, PeerHost => $to, PeerPort => $port, Proto => 'udp') or die;
	$SIG{USR1} = sub { $s->send('again') };
	$s->send('hello');
	for (;;) { print "$b\n" if $s->recv($b, 100) }
X
cat >"$RIG_DIR/echo.pl" <<-'X'
	use IO::Socket::IP; use Socket qw(getaddrinfo SOCK_DGRAM); $| = 1;
	my $s = IO::Socket::IP->new(LocalHost => '0.0.0.0', LocalPort => 8080, Proto => 'udp') or die;
	if (@ARGV) { my ($e, $a) = getaddrinfo(@ARGV[0, 1], { socktype => SOCK_DGRAM }); $s->send($ARGV[2], 0, $a->{addr}); exit }
	print "ready\n"; $s->send('first', 0, $s->recv(my $b, 100));
X
as_user vpnrun --with "$server" perl "$RIG_DIR/echo.pl" >"$home/echo" 2>&1 &
wait_for 10 grep -q ready "$home/echo"
in_ns demo perl "$RIG_DIR/client.pl" "$a4" 8080 >"$home/client" 2>&1 &
client=$!
ok 'an open port is answered' wait_for 10 grep -q first "$home/client"
c4=$(in_ns demo ip -4 -o route get "$a4" | sed 's/.* src //;s/ .*//')
supervisor STOP
end "$server"
next=
next_at "$address"
forge() { as_user vpnrun --with "$next" perl "$RIG_DIR/echo.pl" "$c4" 9999 "$1"; }
forge wrong
as_user vpnrun --with "$next" curl -s -m 10 -o /dev/null "http://$RIG_WEB4/"
ok 'L47: the next at that number does not answer in its stead' not grep -q wrong "$home/client"
rules flush chain inet $table answered
forge taken
ok 'control: without the rule it does' wait_for 10 grep -q taken "$home/client"
over
vpnctl up demo other >/dev/null

# Nor does the next hear what still comes in, should it have a port open of its own.
wait_for 20 no_cables
came_in="dst=$a4 .*dport=8080 "
wait_for 20 tracked_are "$came_in" 0
works
sandbox server -e 8080/udp
address=$(ip4_of "$server")
ear "$server" 4 8080
again_comes() { kill -USR1 $client; has_heard 4 again; }
ok 'an open port hears' wait_for 10 again_comes
kill "${ears[@]}"
end "$server"
wait_for 20 tracked_are "$came_in" 0
forget_neighbours
kill -USR1 $client
ok 'the danger: what still comes in is known again' wait_for 10 tracked_are "$came_in" 1
ears=() all=() next=
for i in 1 2 3 4 5; do
	sandbox "n$i" -e "810$i:8080/udp"
	v=n$i
	all+=("${!v}")
	[ "$(ip4_of "${!v}")" != "$address" ] || next=${!v} own=810$i
done
ear "$next" 4 8080
kill -USR1 $client
# By the same way, and after it.
mine_comes() {
	in_ns demo perl -MIO::Socket::IP -e 'IO::Socket::IP->new(PeerHost => shift, PeerPort => shift, Proto => "udp")->send("mine")' "$a4" "$own"
	has_heard 4 mine
}
ok 'its own port hears' wait_for 10 mine_comes
is "$(heard 4 again)" 0 "L47: the next at that number, with a port of its own, is not told what is for the last one's"
kill $client
over
vpnctl down --force demo >/dev/null
with ''

# --- the provider's gateway ----------------------------------------------------------------------

cat >"$RIG_DIR/gateway.pl" <<-'X'
	use IO::Socket::IP; $| = 1;
	my @s = map { my $h = $_; map { IO::Socket::IP->new(LocalHost => $h, LocalPort => $_, Proto => 'udp') or die $! } 1900, 5350, 5351, 5352 } @ARGV;
	my $r = ''; vec($r, fileno $_, 1) = 1 for @s;
	print "ready\n";
	while (select(my $x = $r, undef, undef, undef)) {
		for my $s (@s) { vec($x, fileno $s, 1) and my $p = $s->recv(my $b, 100) or next; $s->send('yes', 0, $p) }
	}
X
gw6=fd64:64::1
exec {gfd}< <(exec in_ns demo perl "$RIG_DIR/gateway.pl" "$RIG_DNS_DEMO" $gw6 2>&1)
gateway=$!
read -r -t 20 _ <&"$gfd"
ask() { # ask ADDRESS PORT: yes, or why not
	as_user vpnrun demo perl -MIO::Socket::IP -e '$SIG{ALRM} = sub { print "silent"; exit }; alarm 10;
		my $s = IO::Socket::IP->new(PeerHost => shift, PeerPort => shift, Proto => "udp") or die;
		my $b; $s->send("\0\1" . "\0" x 10); defined $s->recv($b, 100) ? print $b : print $!{ECONNREFUSED} ? "refused" : $!' "$@"
}
is "$(ask "$RIG_DNS_DEMO" 5352) $(ask $gw6 5352)" 'yes yes' 'a service of the gateway answers'
for port in 5350 5351 1900; do
	is "$(ask "$RIG_DNS_DEMO" $port) $(ask $gw6 $port)" 'refused refused' "L48: a sandbox does not get to the gateway's UDP port $port"
done
chain=forward
[ "$RIG_LAYOUT" = netns ] || chain=leave
handle=$(rules -a list chain inet $table $chain | sed -n 's/.*5350.*# handle //p')
rules delete rule inet $table $chain handle "$handle"
is "$(ask "$RIG_DNS_DEMO" 5351) $(ask $gw6 5351) $(ask "$RIG_DNS_DEMO" 1900)" 'yes yes yes' 'control: without the rule it does'
kill "$gateway" $answerer "${late[@]}"
wait
finish
