#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Published ports: the host's localhost reaches the command's, and nothing else changes. Inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
home=$(as_user sh -c 'echo $HOME')
get() { curl -s -m 10 "$1"; }
up() { [ -n "$(ss -Hltn "( sport = :$1 )")" ]; }
gone() { ! up "$1"; }

# The danger, and the wish: without -p nobody outside reaches it.
start as_user vpnrun demo "$ports" answer 127.0.0.1 9000 'echo hello'
is "$ready" ready 'a server runs in the sandbox, on 127.0.0.1'
ok 'control: without -p the host does not reach it' not get http://127.0.0.1:9000/
ok 'and no process of ours stays' no_relay
stop "$pid"

$RIG_CAPTURE start
start as_user vpnrun -p 9000:9000 -p 9100:9000 demo "$ports" answer 127.0.0.1 9000 \
	"curl -s -m 5 http://$RIG_WEB4/"
server=$pid
is "$(get http://localhost:9000/)" demo 'R46 R49: localhost reaches it, and its own fetch goes through the VPN'
is "$(get http://127.0.0.1:9000/)" demo 'R46: so does 127.0.0.1'
is "$(get 'http://[::1]:9000/')" demo 'R46: so does [::1]'
is "$(get http://localhost:9100/)" demo 'R47: another port of the host'
ok "R48: not on the host's LAN address" not get "http://$RIG_HOST4:9000/"
is "$($RIG_CAPTURE stop)" 0 'L01: nothing of all that left by the uplink'
ok "R48: nor for somebody on the LAN" not in_ns lan curl -s -m 2 "http://$RIG_HOST4:9000/"
is "$(as_user vpnrun --with "$server" id -u)" "$RIG_UID" 'the command has the pid that was started'
is "$(relays)" 1 'one process of ours stays'
relay=$(pgrep -x vpnrun-ports)
is "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$relay/status" | grep -c 0000000000000000)" 5 \
	'it has no capability'
is "$(awk '/^(Seccomp|NoNewPrivs):/ { print $2 }' "/proc/$relay/status" | tr '\n' ' ')" '1 2 ' 'and a filter'
is "$(readlink "/proc/$relay/fd/"* | grep -cvE '^(/dev/null|socket:|pipe:|anon_inode:)')" 0 \
	'no file, terminal or namespace is open in it'
is "$(stat -c %u "/proc/$relay/fd")" 0 'nobody but root looks into it'
ok 'a program in its sandbox cannot trace it' not as_user vpnrun --policy none --with "$server" \
	timeout 5 strace -p "$relay" -o /dev/null
ok 'it is no child of the command' not test "$(ps -o ppid= -p "$relay")" -eq "$server"
is "$(ps -o pgid= -p "$relay" | tr -d ' ')" "$relay" 'a key at the terminal does not reach it'
stop "$server"
ok 'the command killed: the listener goes' wait_for 5 gone 9000
ok 'and the process' wait_for 5 no_relay

# As the command's own life goes.
as_user vpnrun -p 9000:9000 demo sh -c 'exit 55'
is $? 55 'the exit status is the command'"'"'s'
ok 'nothing stays' wait_for 5 no_relay
is "$(as_user sh -c 'echo $$; exec vpnrun -p 9000:9000 demo sh -c "echo \$\$"' | sort -u | wc -l)" 1 'so is the pid'
ok 'a pipe ends with the command' timeout 5 sh -c 'as_user vpnrun -p 9000:9000 demo echo x | cat >/dev/null'
ok 'the same port again, at once, ten times' as_user sh -c \
	'for i in 1 2 3 4 5 6 7 8 9 10; do vpnrun -p 9000:9000 none true || exit; done'
ok 'nothing stays' wait_for 5 no_relay

# Bound elsewhere inside.
for at in 0.0.0.0 :: ::1; do
	start as_user vpnrun -p 9000:80 demo "$ports" answer $at 9000 'echo hello'
	stop "$pid"
	wait_for 5 no_relay
	start as_user vpnrun -p 9000:9001 demo "$ports" answer $at 9001 'echo hello'
	is "$(get http://localhost:9000/)" hello "R47: a program bound to $at"
	stop "$pid"
	wait_for 5 no_relay
done
start as_user vpnrun -p 9000:9001 demo sh -c "exec $ports answer \"\$(ip -4 -o addr show vpn0 | sed 's/.*inet //;s,/.*,,')\" 9001 'echo hello'"
is "$(get http://localhost:9000/)" hello "R47: a program bound to the sandbox's own address"
is "$("$ports" hold 127.0.0.1 9000 & h=$!; ss -tn >/dev/null; kill -KILL $h 2>/dev/null; wait $h 2>/dev/null; echo)" '' \
	'a client that goes away'
stop "$pid"
wait_for 5 no_relay
start as_user vpnrun -p 9000:9001 none "$ports" answer 127.0.0.1 9001 'echo hello'
is "$(get http://localhost:9000/)" hello 'with no VPN at all'
is "$("$ports" hold ::1 9000 </dev/null & h=$!; kill -KILL $h; wait $h 2>/dev/null; get http://localhost:9000/)" hello 'and again'
stop "$pid"
wait_for 5 no_relay
# The relay listens a moment before the command is there.
end_sleep() {
	wait_for 10 pgrep -u "$RIG_UID" -x sleep >/dev/null
	kill "$(pgrep -u "$RIG_UID" -x sleep)"
}
start as_user vpnrun -p 9000:9001 none sleep 60 &
wait_for 5 up 9000
is "$("$ports" hold 127.0.0.1 9000)" reset 'nobody listens inside: the client is reset'
end_sleep
wait_for 5 no_relay

# An address of one's own choice.
start as_user vpnrun -p "$RIG_HOST4:9000:9001" -p "[$RIG_HOST6]:9000:9001" demo "$ports" answer 127.0.0.1 9001 'echo hello'
is "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:9000/")" hello 'R48: an address that was said, IPv4'
is "$(in_ns lan curl -s -m 5 -g "http://[$RIG_HOST6]:9000/")" hello 'R48: and IPv6'
ok 'R48: and then not on localhost' not get http://127.0.0.1:9000/
stop "$pid"
wait_for 5 no_relay

# Many programs trust who comes from localhost: whom the relay lets in from elsewhere is a stranger to
# them, too. The danger was the relay's own localhost.
sees=(perl -MIO::Socket::IP -e '$| = 1; my $s = IO::Socket::IP->new(LocalHost => shift, LocalPort => 9001,
	Listen => 9, ReuseAddr => 1) or die; print "ready\n"; while (my $c = $s->accept) { my $l = <$c>; $l =~ s/\s+$//;
	my $from = $c->peerhost; 1 while defined($_ = <$c>) && /\S/; print $c "HTTP/1.0 200 OK\r\n\r\n$from: $l"; close $c }')
for at in 0.0.0.0 127.0.0.1; do
	start as_user vpnrun -p 9000:9001 -p "$RIG_HOST4:9000:9001" demo "${sees[@]}" $at
	like "$(get http://127.0.0.1:9000/)" '^127.0.0.1: GET' "localhost looks like localhost to a program on $at"
	like "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:9000/")" '^10\.[0-9.]*: GET' "R48: a LAN client does not: $at"
	stop "$pid"
	wait_for 5 no_relay
done
start as_user vpnrun -p "[$RIG_HOST6]:9000:9001" demo "${sees[@]}" ::
like "$(in_ns lan curl -s -m 5 -g "http://[$RIG_HOST6]:9000/")" '^(fd|::ffff:10[.])[0-9a-f:.]*: GET' 'R48: nor does one by IPv6'
stop "$pid"
wait_for 5 no_relay
like "$(as_user vpnrun -p "$RIG_HOST4:9000:9001" none true 2>&1)" 'look like localhost' \
	'R48: where localhost is the only address it is refused'
start as_user vpnrun -p "$RIG_HOST4:9000:9001/proxy" demo "${sees[@]}" 127.0.0.1
like "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4:9000/")" "^10\.[0-9.]*: PROXY TCP4 [0-9.]* $RIG_HOST4 [0-9]* 9000\$" \
	'/proxy: the program is told who the client is'
stop "$pid"
wait_for 5 no_relay

# Bytes.
start as_user vpnrun -p 9000:9001 demo "$ports" echo 127.0.0.1 9001
is "$("$ports" cut 127.0.0.1 9000)" line 'half-close: the end of one direction arrives, the other goes on'
is "$("$ports" trip 127.0.0.1 9000 1000 200)" 200 '200 connections at once, each its own bytes'
is "$("$ports" trip ::1 9000 100000 50)" 50 '50 that carry more than a pipe holds'
is "$("$ports" trip 127.0.0.1 9000 104857600 1)" 1 '100 MB there and back are the same'
relay=$(pgrep -x vpnrun-ports)
idle() { [ "$(find "/proc/$relay/fd" -lname 'socket:*' | wc -l)" -le 2 ]; }
ok 'afterwards it holds its listeners alone' wait_for 5 idle
diag "largest resident size: $(awk '/VmHWM/ { print $2, $3 }' "/proc/$relay/status")"
stop "$pid"
wait_for 5 no_relay
start as_user sh -c "ulimit -n 700; exec vpnrun -p 9000:9001 demo $ports echo 127.0.0.1 9001"
# Where it is slow to accept, the first are over before the last come, and then none has to be refused.
some() { [ "$1" -ge 50 ]; }
ok 'more connections than there are descriptors for: some are refused, none is cut' \
	some "$("$ports" trip 127.0.0.1 9000 1000000 100)"
is "$("$ports" cut 127.0.0.1 9000)" line 'and it serves on'
stop "$pid"
wait_for 5 no_relay
start as_user vpnrun -p 9000:9001/udp demo "$ports" echo-udp 127.0.0.1 9001
is "$("$ports" trip-udp 127.0.0.1 9000 100)" 100 'R47: UDP, a hundred clients'
is "$(for _ in 1 2 3; do "$ports" trip-udp ::1 9000 100; done | tr '\n' ' ')" '100 100 100 ' \
	'R47: UDP by IPv6, more than it remembers'
stop "$pid"
wait_for 5 no_relay
start as_user vpnrun -p 9000:9001/udp demo "$ports" echo-udp ::1 9001
is "$("$ports" trip-udp 127.0.0.1 9000 10)" 10 'R47: UDP, bound to ::1 inside'
stop "$pid"
wait_for 5 no_relay

# A sandbox that runs already.
start as_user vpnrun demo "$ports" answer 127.0.0.1 9001 'echo hello'
server=$pid
as_user vpnrun --with "$server" -p 9000:9001 sleep 60 &
wait_for 5 up 9000
is "$(get http://localhost:9000/)" hello '--with PID -p: a port of a sandbox that runs already'
end_sleep
ok 'for as long as that command runs' wait_for 5 gone 9000
ok 'the sandbox goes on' kill -0 "$server"
stop "$server"
wait_for 5 no_relay

# The other direction.
start "$ports" answer 127.0.0.1 9200 'echo host'
one=$pid
start "$ports" answer 127.0.0.1 9300 'echo other'
two=$pid
ok 'R50: nothing of the host is reached from inside' not as_user vpnrun demo curl -s -m 3 http://127.0.0.1:9200/
$RIG_CAPTURE start
is "$(as_user vpnrun --reach 9200 demo curl -s -m 5 http://localhost:9200/)" host '--reach: the one port is'
is "$(as_user vpnrun --reach 80:9200 demo curl -s -m 5 'http://[::1]/')" host '--reach: by another number'
ok 'R50: and no other' not as_user vpnrun --reach 9200 demo curl -s -m 3 http://127.0.0.1:9300/
stop "$one"
start "$ports" answer 0.0.0.0 9200 'echo host'
one=$pid
is "$(get "http://$RIG_HOST4:9200/")" host 'control: at another address it is there, for the host'
ok 'R50: nor at another address' not as_user vpnrun --reach 9200 demo curl -s -m 3 "http://$RIG_HOST4:9200/"
is "$(as_user vpnrun --reach "8080:$RIG_HOST4:9200" demo curl -s -m 5 http://localhost:8080/)" host \
	'--reach: one port of one address'
ok 'R50: and no other address' not as_user vpnrun --reach "$RIG_HOST4:9200" demo curl -s -m 3 "http://$RIG_HOST4:9200/"
is "$(as_user vpnrun --reach 9200 -p 9000:9001 demo curl -s -m 5 "http://$RIG_WEB4/")" demo '--reach: all else goes through the VPN'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing of all that left by the uplink'
stop "$one"
stop "$two"
ok 'nothing stays' wait_for 5 no_relay

if [ "$RIG_LAYOUT" = bridge ]; then
	like "$(vpnctl publish demo 9000:9001 2>&1)" "demo' has no namespace of its own" \
		'R46: publish: services are the host'"'"'s own, and their ports too'
	finish
	exit
fi

# A service in the VPN's own namespace.
start ip netns exec demo "$ports" answer 127.0.0.1 9001 "curl -s -m 5 http://$RIG_WEB4/"
service=$pid
ok 'control: the host does not reach it' not get http://127.0.0.1:9000/
start vpnctl publish demo 9000:9001 9000:9002/udp
publish=$pid
like "$ready" '^2 ports' 'vpnctl publish says when it serves'
is "$(get http://localhost:9000/)" demo "R46 R49: localhost reaches the VPN's own service, which itself uses the VPN"
is "$(get 'http://[::1]:9000/')" demo 'R46: so does [::1]'
ok "R48: not on the host's LAN address" not get "http://$RIG_HOST4:9000/"
is "$("$ports" trip-udp 127.0.0.1 9000 1; vpnctl status demo >/dev/null; echo $?)" "$(printf '0\n0')" \
	'a UDP port that nobody serves: no answer, no harm'
is "$(grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' "/proc/$publish/status" | grep -c 0000000000000000)" 5 \
	'it has no capability'
is "$(awk '/^(Seccomp|NoNewPrivs):/ { print $2 }' "/proc/$publish/status" | tr '\n' ' ')" '1 2 ' 'and a filter'
like "$(vpnctl publish demo 9000:9001 2>&1)" 'port 9000 .*in use' 'a port in use: says so'
like "$(vpnctl publish nowhere 9100:1 2>&1)" 'nowhere' 'an unknown VPN: says so'
like "$(as_user vpnctl publish demo 9100:1 2>&1)" 'root' 'without root: says so'
vpnctl down demo >/dev/null
is "$(get http://localhost:9000/)" '' 'the VPN down: the service answers, and has nothing to say'
vpnctl up demo >/dev/null
is "$(get http://localhost:9000/)" demo 'and up again: as before'
stop "$service"
vpnctl down --force demo >/dev/null
wait_for 20 ended "$publish" || kill "$publish"
wait "$publish"
is $? 1 'the namespace removed: it ends as a failure, to be started anew'
like "$(vpnctl publish demo 9000:1 2>&1)" 'down' 'a VPN that is down: says so'
vpnctl up demo >/dev/null
start vpnctl publish demo 9000:9001
stop "$pid"
ok 'stopped: the port is free' wait_for 5 gone 9000

# Wrong input: each its own sentence, 125, and the command never runs.
refused() { # refused PATTERN DESCRIPTION ARGS...
	local out rc pat=$1 what=$2
	shift 2
	rm -f "$home/ran"
	out=$(as_user vpnrun "$@" demo touch "$home/ran" 2>&1 >/dev/null)
	rc=$?
	[ ! -e "$home/ran" ] || out="$out (the command ran)"
	like "$rc $out" "^125 .*$pat" "$what"
}
start "$ports" answer 127.0.0.1 9200 'echo host'
refused 'port 9200 .*in use' 'a port in use: says so' -p 9200:80
refused 'port 9200 .*in use' 'a port in use on one of the addresses' -p 0.0.0.0:9200:80
stop "$pid"
start "$ports" echo-udp 127.0.0.1 9200
refused 'UDP port 9200 .*in use' 'a UDP port in use' -p 9200:80/udp
stop "$pid"
refused '1 to 65535' 'port 0: refused' -p 0:80
refused '1 to 65535' 'port 0 inside: refused' -p 80:0
refused '1 to 65535' 'a port that is none' -p 9000:99999
refused 'two ports' 'one port alone' -p 9000
refused 'not an IP address' 'an address that is none' -p localhost:9000:80
refused 'not an address of' 'an address of somebody else' -p 192.0.2.1:9000:80
refused 'names go through' 'a name server elsewhere is not reached' --reach "$RIG_HOST4:53"
refused 'udp' 'a protocol that is none' -p 9000:80/sctp
refused 'root' "a port that is root's" -p 80:80
like "$(as_user vpnrun -p 9000:80 host true 2>&1)" 'host' 'the host network needs none: refused'
ok 'nothing stays' no_relay
finish
