#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What may come in from the VPN's side: ports of a sandbox (-e) and of services ("expose"), and
# nothing else, to nobody else. Runs inside the rig, in either layout.
# repair: off
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
	speak
}
# A tunnel that has said nothing is reached by nobody: the provider does not know where it is.
speak() { as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/" >/dev/null; }
first() { sed 's/.*inet6\{0,1\} //;s,/.*,,' | head -n 1; }
a4=$(in_vpn demo ip -4 -o addr show demo | first)
a6=$(in_vpn demo ip -6 -o addr show demo scope global | first)
# Says to whoever comes who it is.
cat >"$RIG_DIR/serve.pl" <<-'X'
	use IO::Socket::IP; use Socket qw(SOCK_STREAM SOCK_DGRAM SOMAXCONN); $| = 1;
	my ($proto, $host, @ports) = @ARGV;
	my @s = map { IO::Socket::IP->new(LocalHost => $host, LocalPort => $_, ReuseAddr => 1, V6Only => 0,
		$proto eq 'udp' ? (Type => SOCK_DGRAM) : (Type => SOCK_STREAM, Listen => SOMAXCONN)) || die "$_: $!" } @ports;
	print "ready\n";
	my $r = ''; vec($r, fileno($_), 1) = 1 for @s;
	for (;;) {
		select(my $x = $r, undef, undef, undef);
		for my $s (grep { vec($x, fileno($_), 1) } @s) {
			if ($proto eq 'udp') { $s->recv(my $b, 100); $s->send($s->peerhost); next }
			my $c = $s->accept or next; print $c $c->peerhost; close $c;
		}
	}
X
cat >"$RIG_DIR/ask.pl" <<-'X'
	use IO::Socket::IP; use Socket qw(SOCK_STREAM SOCK_DGRAM); $SIG{ALRM} = sub { exit 1 }; alarm 20;
	my ($proto, $host, $port, $wait) = @ARGV; alarm $wait if $wait;
	my $c = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port,
		Type => $proto eq 'udp' ? SOCK_DGRAM : SOCK_STREAM) or exit 1;
	$c->send('x') if $proto eq 'udp';
	$c->recv(my $b, 100); $b =~ s/^::ffff://; print $b;
X
ask() { in_ns demo perl "$RIG_DIR/ask.pl" "$@"; } # ask PROTO ADDR PORT [SECONDS]: from the provider's side
deaf() { [ -z "$(ask "$@" 1)" ]; }
hears() { [ -n "$(ask "$@" 3)" ]; }
c4=$(in_ns demo ip -4 -o route get "$a4" | sed 's/.* src //;s/ .*//')
c6=$(in_ns demo ip -6 -o route get "$a6" | sed 's/.* src //;s/ .*//')
start() { # start COMMAND...: in the background; waits for its "ready"
	local fd
	exec {fd}< <(exec "$@" 2>&1)
	pid=$!
	read -r -t 20 ready <&"$fd"
	exec {fd}<&-
}
stop() { for p in "$@"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; }
serve() { start "$@" perl "$RIG_DIR/serve.pl" "$what" "$host" "${ports[@]}"; }
what=tcp host=:: ports=(8080 8081)
there=(nsenter --net=/run/netns/demo)
[ "${RIG_LAYOUT:-netns}" = netns ] || there=(env)
said() { { "$@" >/dev/null; } 2>&1; }

# Shut, unless asked for.
speak
serve as_user vpnrun demo
is "$ready" ready 'a program listens in a sandbox'
ok "R29: without -e the VPN's side does not reach it" deaf tcp "$a4" 8080
ok 'R29: the same by IPv6' deaf tcp "$a6" 8080
stop "$pid"

$RIG_CAPTURE start
serve as_user vpnrun -e 8080 demo
one=$pid
is "$(ask tcp "$a4" 8080)" "$c4" "R29: -e: the VPN's side reaches it, and it sees the client's address"
is "$(ask tcp "$a6" 8080)" "$c6" 'R29: the same by IPv6'
ok 'R29: its other port stays shut' deaf tcp "$a4" 8081
ok 'R29: UDP of that number stays shut' deaf udp "$a4" 8080
ok "R29: the host's own side is not open" not curl -s -m 1 "http://$RIG_HOST4:8080/"
ok 'R29: nor to another sandbox' not as_user vpnrun demo perl "$RIG_DIR/ask.pl" tcp "$a4" 8080 2
is "$(as_user vpnrun --with "$one" curl -s -m 5 "http://$RIG_WEB4/")" demo 'its own fetch goes through the VPN'
is "$($RIG_CAPTURE stop)" 0 'R29: nothing of that left by the uplink'

# One owner at a time.
like "$(said as_user vpnrun -e 8080 demo true)" "port 8080/tcp of VPN 'demo' is open for another sandbox already \(vr1\.[0-9]+, uid $RIG_UID\)" \
	'R29: the second owner gets a sentence'
ok 'R29: and leaves no cable' wait_for 5 sh -c 'vpnctl status demo --json | grep -c "\"if\"" | grep -qx 1'
what=udp ports=(8080 9053)
serve as_user vpnrun -e 8080/udp -e 53000:9053/udp demo
is "$(ask udp "$a4" 8080)" "$c4" 'R29: UDP of the same number is another port'
is "$(ask udp "$a6" 53000)" "$c6" 'R29: OUTER:INNER'
is "$(ask tcp "$a4" 8080)" "$c4" 'the first goes on'
ok 'R29: not the inner number' deaf udp "$a4" 9053
vpnctl up demo >/dev/null
speak
is "$(ask tcp "$a4" 8080) $(ask udp "$a4" 8080)" "$c4 $c4" 'R29: up again closes nothing'
# As an up would leave it that had looked at the cables before that sandbox came.
in_vpn demo nft flush map inet "vpnrun$([ "${RIG_LAYOUT:-netns}" = netns ] || echo -demo)" in4
ok 'the danger: an up at the same time shuts it' deaf tcp "$a4" 8080
kill -HUP "$(cat /run/vpnrun/demo.supervisor)"
ok 'R29: the supervisor, told of the up, opens it again' wait_for 10 hears tcp "$a4" 8080
vpnctl restart demo >/dev/null
speak
wait_for 20 hears tcp "$a4" 8080
is "$(ask tcp "$a4" 8080)" "$c4" 'R29: nor does restart'
stop "$pid" "$one"
what=tcp ports=(8080)
# Not by ok, whose shell is another: it would not be known here.
start_free() { serve as_user vpnrun -e 8080 demo; [ "$ready" = ready ]; }
wait_for 10 start_free
is "$ready" ready 'R29: the port is free again when its owner has gone'
# A cable goes some milliseconds after its program. Here, when the last descriptor of its namespace does.
exec 8<"/proc/$pid/ns/net"
stop "$pid"
like "$(said as_user vpnrun -e 8080 demo true)" 'port 8080/tcp .* is open for another sandbox already' 'the danger: its own last cable is in the way'
cables() { in_vpn demo ip -o link show type veth | grep -c ': vr1\.'; }
cables_are() { [ "$(cables)" = "$1" ]; }
serve_soon() { as_user vpnrun -e 8080 demo true; }
wait_for 10 cables_are 1
serve_soon 8<&- 2>"$RIG_DIR/soon" &
soon=$!
wait_for 10 cables_are 2
exec 8<&-
wait $soon
is "$? $(cat "$RIG_DIR/soon")" '0 ' 'the same user again, at once: waits for the cable to go, and has the port'
refused=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do as_user vpnrun -e 8080 demo true || refused=$((refused + 1)); done
is $refused 0 'and twenty times in a row'

# The next at the same address is a stranger to the port. All addresses of a small pool are taken.
vpnctl down --force demo >/dev/null
with '"subnet": "10.99.0.0/29", "limit": 5, '
serve as_user vpnrun -e 8080 demo
is "$(ask tcp "$a4" 8080)" "$c4" 'a sandbox of a pool of five has the port'
mine=$(as_user vpnrun --with "$pid" ip -4 -o addr show vpn0 | first)
stop "$pid"
wait_for 10 sh -c '! vpnctl status demo --json | grep -q "\"if\""'
five=()
for _ in 1 2 3 4 5; do
	serve as_user vpnrun demo
	five+=("$pid")
done
next=$(for p in "${five[@]}"; do [ "$(as_user vpnrun --with "$p" ip -4 -o addr show vpn0 | first)" != "$mine" ] || echo "$p"; done)
ok 'another has its address now, and listens at that port' test -n "$next"
# What comes in and is not answered is seen by nobody outside.
segments() { as_user vpnrun --with "$next" awk '/^Tcp: [0-9]/ { print $11 }' /proc/net/snmp; }
before=$(segments)
ok 'R29: a port does not go to the next at the same address' deaf tcp "$a4" 8080
is "$(segments)" "$before" 'R29: not a packet of it reaches the next'
table=vpnrun$([ "${RIG_LAYOUT:-netns}" = netns ] || echo -demo)
in_vpn demo nft insert rule bridge "$table" output meta mark 0x76 accept
ok 'the rule on the way back refuses, too' deaf tcp "$a4" 8080
ok 'control: without the one on the way in, they do' test "$(segments)" -gt "$before"
in_vpn demo nft flush chain inet "$table" answered
is "$(ask tcp "$a4" 8080)" "$c4" "control: without the firewall's look at the device, on both ways, it would"
stop "${five[@]}"
vpnctl down --force demo >/dev/null
with ''

# What came in while another subnet was there is translated to an address that is nobody's any more. The host would send
# it on by the uplink.
vpnctl down --force demo >/dev/null
with '"subnet": "10.99.0.0/29", '
what=udp ports=(8080)
serve as_user vpnrun -e 8080/udp demo
inside=$pid
start in_ns demo perl -MIO::Socket::IP -MSocket=SOCK_DGRAM -e '$| = 1; my $c = IO::Socket::IP->new(PeerHost => shift,
	PeerPort => 8080, Type => SOCK_DGRAM) or die; $c->send("x"); $c->recv(my $b, 100); print "ready\n";
	for (;;) { $c->send("x"); select undef, undef, undef, 0.05 }' "$a4"
is "$ready" ready 'a stream of datagrams comes in'
sender=$pid
$RIG_CAPTURE start
vpnctl down --force demo >/dev/null
with ''
received() { in_vpn demo ip -s link show demo | awk '/RX:/ { getline; print $2 }'; }
more() { [ "$(received)" -gt "$1" ]; }
ok 'and still does when the VPN is back' wait_for 20 more $(($(received) + 20))
is "$($RIG_CAPTURE stop)" 0 'R29 L03: none of it goes on to the address of the former subnet by the uplink'
stop "$sender" "$inside"
wait_for 10 sh -c '! vpnctl status demo --json | grep -q "\"if\""'
what=tcp ports=(8080 8081)

# Who may open what.
like "$(said as_user vpnrun -e 80 demo true)" 'port 80 is not among those .*ports below 1024 are root' 'R29: a privileged port is refused'
like "$(said as_user vpnrun -e natpmp demo true)" "asks its provider for no port" 'R29: natpmp without port_forward'
like "$(said as_stranger vpnrun -e 8080 demo true)" 'may not use|not allowed' 'R29: a stranger opens nothing'
for bad in 0 65536 x 80/sctp 1:2:3 8080:0 natpmp/tcp ''; do
	like "$(said as_user vpnrun -e "$bad" demo true)" "-e .*: must be PORT" "R29: -e '$bad' is refused"
done
like "$(said as_user vpnrun -e 8080 -e 8080:1 demo true)" 'twice the same port' 'R29: the same port twice'
like "$(said as_user vpnrun -e 8080 none true)" 'give a VPN' 'R29: -e without a VPN'
with '"allow_expose": ["443", "5000-5010"], '
like "$(said as_user vpnrun -e 8080 demo true)" "port 8080 is not among those that users of VPN 'demo' may open" 'R29: allow_expose limits'
ok 'R29: and allows' as_user vpnrun -e 443 -e 5010/udp demo true
# The broker's front serves strangers, and who has taken it over asks the supervisor itself.
front() { # front UID PORT: what the supervisor says to the broker
	setpriv --reuid vpnrun --clear-groups perl -MSocket -e 'my ($host, $uid, $port) = @ARGV; alarm 20;
		socket(S, AF_UNIX, SOCK_SEQPACKET, 0) && connect(S, sockaddr_un("/run/vpnrun/demo.inbound")) or die "$!\n";
		send S, pack("L4 S2 C x3 x24", 0x62706e76, $host, $uid, 1, $port, $port, 6), 0 or die "$!\n";
		recv S, my $answer, 4096, 0; print join " ", unpack "l Z*", $answer' "$lease" "$1" "$2" 2>&1
}
serve as_user vpnrun demo
# By its address: the cable of the command before it may not be gone yet.
lease=$(as_user vpnrun --with "$pid" ip -4 -o addr show vpn0 | first)
lease=${lease##*.}
like "$(front "$RIG_UID" 8080)" "^-1 port 8080 is not among those that users of VPN 'demo' may open" 'L25 R29: the supervisor takes no word of the front for it'
like "$(front 0 443)" "^-1 a sandbox of root's asks" 'L25 R29: nor that it is for root'
like "$(front "$RIG_UID" 443)" '^0 ' 'control: what may be opened, is'
stop "$pid"
with '"allow_expose": [], '
like "$(said as_user vpnrun -e 8080 demo true)" 'lets its users open no port' 'R29: allow_expose: none'
what=tcp ports=(80)
serve vpnrun -e 80 demo
is "$(ask tcp "$a4" 80)" "$c4" 'R29: root opens any'
stop "$pid"
ok 'only the broker and root are heard by the supervisor' not as_user perl -MIO::Socket::UNIX -e \
	'exit !IO::Socket::UNIX->new(Type => Socket::SOCK_SEQPACKET(), Peer => "/run/vpnrun/demo.inbound")'
ok 'control: root is' perl -MIO::Socket::UNIX -e \
	'exit !IO::Socket::UNIX->new(Type => Socket::SOCK_SEQPACKET(), Peer => "/run/vpnrun/demo.inbound")'

# Services.
with ''
ports=(7070 7071)
serve "${there[@]}"
is "$ready" ready 'a service listens beside the tunnel'
ok 'R29: a service is not reached' deaf tcp "$a4" 7070
with '"expose": ["7070/tcp", "7072/udp"], '
$RIG_CAPTURE start
is "$(ask tcp "$a4" 7070)" "$c4" "R29: expose: it is, and sees the client's address"
is "$(ask tcp "$a6" 7070)" "$c6" 'R29: the same by IPv6'
ok 'R29: its other port stays shut' deaf tcp "$a4" 7071
like "$(said as_user vpnrun -e 7070 demo true)" "is a service's" 'R29: a port of a service is no sandbox'"'"'s'
stop "$pid"
what=udp ports=(7072) host=$a4
serve "${there[@]}"
is "$(ask udp "$a4" 7072)" "$c4" 'R29: a UDP service'
stop "$pid"
is "$($RIG_CAPTURE stop)" 0 'R29: nothing of that left by the uplink'
if [ "${RIG_LAYOUT:-netns}" = bridge ]; then
	# One that listens everywhere answers from the address of the way back, which is the uplink's.
	host=0.0.0.0
	serve env
	$RIG_CAPTURE start
	ask udp "$a4" 7072 1
	is "$($RIG_CAPTURE stop)" 0 'R29: an answer from the wrong address does not leave by the uplink'
	nft 'flush chain inet vpnrun-demo output'
	$RIG_CAPTURE start
	ask udp "$a4" 7072 1
	ok 'control: without that rule it would' test "$($RIG_CAPTURE stop)" -gt 0
	stop "$pid"
fi
with ''
what=tcp ports=(7070) host=::
serve "${there[@]}"
ok 'R29: expose taken out: shut again' deaf tcp "$a4" 7070
stop "$pid"

# The keeper's libnftables is upgraded beneath it, and what a newer one has left in the kernel makes an older one crash.
shim=$RIG_DIR/build/tests/shim/oldnft.so
touch /run/old-libnftables
echo "$shim" >/etc/ld.so.preload
ok 'control: a keeper that has the old libnftables' vpnctl restart demo
ok 'control: that one was loaded into it' grep -qF oldnft.so "/proc/$(cat /run/vpnrun/demo.supervisor)/maps"
ok 'control: and opens a port' as_user vpnrun -e 8079 demo true
mkfifo "$RIG_DIR/words"
LD_PRELOAD=$shim in_ns lan nft -i <"$RIG_DIR/words" >"$RIG_DIR/answers" 2>/dev/null &
old=$!
exec {words}>"$RIG_DIR/words"
echo 'add table ip known; list tables' >&$words
ok 'control: so does another program that has it' wait_for 10 grep -q known "$RIG_DIR/answers"
rm /etc/ld.so.preload /run/old-libnftables
echo 'list tables' >&$words
wait $old
is $? 139 'control: it crashes over what a newer one has left'
exec {words}>&-
ok 'R29 R95: the keeper that runs across the upgrade opens a port all the same' as_user vpnrun -e 8079 demo true

# Nobody to open it in time, and then nobody who still waits.
freeze demo
like "$(said as_user vpnrun -e 8080 demo true)" "does not answer, and no port was opened" 'R29: a supervisor that is stuck'
what=tcp ports=(8080) host=::
serve as_user vpnrun demo
thaw demo
serve_other=$pid
ok 'R29: a port that somebody gave up waiting for' as_user vpnrun -e 8081 demo true
ok 'R29: is not opened afterwards for another' deaf tcp "$a4" 8080
stop "$serve_other"

# Nobody to open it.
rm /run/vpnrun/demo.inbound
like "$(said as_user vpnrun -e 8080 demo true)" "its supervisor does not run; start it with: sudo vpnctl up demo" 'R29: no supervisor'
ok 'R29: the command was not run, and no cable stays' wait_for 5 sh -c '! vpnctl status demo --json | grep -q "\"if\""'
ok 'the VPN works without' as_user vpnrun demo curl -s -m 5 "http://$RIG_WEB4/"
finish
