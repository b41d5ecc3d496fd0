#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The port that a provider forwards: asked for inside the tunnel, kept, shown, opened, and told to the
# user's program. The gateway of the test is tests/rig/natpmpd. Runs inside the rig, in either layout.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
}
first() { sed 's/.*inet6\{0,1\} //;s,/.*,,' | head -n 1; }
a4=$(in_vpn demo ip -4 -o addr show demo | first)
g=$RIG_DIR/gateway
mkdir -p "$g"
mode() { echo "$*" >"$g/mode"; }
gateway() { # gateway LEASE EPOCH: a new one
	local fd
	[ -z "${natpmpd:-}" ] || { kill "$natpmpd"; wait "$natpmpd" 2>/dev/null; }
	: >"$g/log"
	exec {fd}< <(exec in_ns demo "$RIG_DIR/tests/rig/natpmpd" "$g" "$RIG_DNS_DEMO" "$@")
	natpmpd=$!
	read -r -t 10 _ <&"$fd"
	exec {fd}<&-
}
port() { cat /run/vpnrun/demo.port 2>/dev/null; }
port_is() { [ "$(port)" = "$1" ]; }
asked() { [ "$(grep -c "${2:-}" "$g/log")" -ge "$1" ]; } # asked N [PATTERN]: at least so often
status_has() { vpnctl status demo | grep -q "$1"; }
json() { vpnctl status demo --json | grep "\"$1\"" | sed 's/^[^:]*: //;s/,$//'; }
there=(nsenter --net=/run/netns/demo)
[ "${RIG_LAYOUT:-netns}" = netns ] || there=(env)
listen() { # listen PORT COMMAND...: says hello there until stopped
	local p=$1 fd
	shift
	# shellcheck disable=SC2016
	exec {fd}< <(exec "$@" perl -MIO::Socket::IP -e '$| = 1; my $s = IO::Socket::IP->new(LocalHost => "0.0.0.0",
		LocalPort => shift, Listen => 5, ReuseAddr => 1) or die $!; print "ready\n";
		while (my $c = $s->accept) { print $c "hello"; close $c }' "$p" 2>&1)
	pid=$!
	read -r -t 20 ready <&"$fd"
	exec {fd}<&-
}
stop() { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
hello() { # hello PORT [SECONDS]: from the provider's side
	[ "$(in_ns demo timeout "${2:-$((5 * ${RIG_SLOW_FACTOR:-1}))}" bash -c "cat </dev/tcp/$a4/$1" 2>/dev/null)" = hello ]
}
works() { [ "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" = demo ]; }

# Shut and silent, unless asked for.
echo 51413 >"$g/port"
mode ok
gateway 60 1000
vpnctl up demo >/dev/null
ok 'the VPN works' works
listen 51413 "${there[@]}"
is "$ready" ready 'a program listens there'
ok 'R72: without port_forward its port is shut' not hello 51413 1
is "$(wc -l <"$g/log")" 0 'R72: and nobody is asked'
is "$(json forwarded_port)" null 'status --json: no port'

$RIG_CAPTURE start
cat >"$RIG_DIR/hook" <<-X
	#!/bin/sh
	{ echo "\$* \$(id -u) \$(id -G | grep -cw 0) \$VPNRUN_VPN \$(env | cut -d= -f1 | sort | tr '\n' ' ')\$(ls /proc/self/fd | wc -l)"; } >>"\$HOME/hook.log"
X
chmod 755 "$RIG_DIR/hook"
home=$(as_user sh -c 'echo $HOME')
hooked() { tail -n 1 "$home/hook.log" 2>/dev/null | cut -d' ' -f1; }
hook_is() { [ "$(hooked)" = "$1" ]; }
keys="\"port_forward\": \"natpmp\", \"port_forward_hook\": { \"user\": \"$RIG_USER\", \"command\": \"$RIG_DIR/hook\" }, "
vpnctl status demo --watch >"$RIG_DIR/events" &
watcher=$!
told() { grep -qx "$1" "$RIG_DIR/events"; }
wait_for 20 told 'demo is up'
with "$keys"
ok 'R72: the port is in a file' wait_for 10 port_is 51413
ok 'R70: who watches is told of it' wait_for 20 told 'demo: the provider forwards port 51413'
is "$(stat -c '%a %U' /run/vpnrun/demo.port)" '644 root' 'R72: which everybody can read, and root alone writes'
like "$(tr '\n' ' ' <"$g/log")" '1 0 1 60 -> 0 51413 2 0 51413 60 -> 0 51413' 'R72: UDP and TCP, the same port, for 60 s'
is "$(json forwarded_port) $(json forwarded_udp_port)" '51413 51413' 'R72: status --json'
ok 'R72: status' status_has 'the provider forwards port 51413'
ok 'R72: it arrives at the program' hello 51413
stop
listen 51414 "${there[@]}"
ok 'R72: another port does not' not hello 51414 1
stop
ok "R72: the user's hook is told" wait_for 10 hook_is 51413
is "$(cut -d' ' -f2-4 "$home/hook.log")" "$RIG_UID 0 demo" 'R72: as that user, without a group of root'
like "$(cut -d' ' -f5- "$home/hook.log")" '^HOME LOGNAME PATH (PWD )?(SHLVL )?USER VPNRUN_VPN (_ )?4$' \
	'R72: with nothing of ours in its environment, and no descriptor'

# To a sandbox that asks for it.
listen 51413 as_user vpnrun -e natpmp demo
ok 'R72: vpnrun -e natpmp: it arrives in the sandbox' hello 51413
like "$(as_user vpnrun -e natpmp demo true 2>&1)" "the forwarded port of VPN 'demo' is another sandbox's" 'R72: one at a time'
stop
free() { listen 7000 as_user vpnrun -e natpmp:7000 demo; [ "$ready" = ready ]; }
ok 'R72: free again' wait_for 10 free
ok 'R72: at a port of its own choice' hello 51413
is "$($RIG_CAPTURE stop)" 0 'R72: nothing of all that left by the uplink'

# Kept.
gateway 8 2000
inode=$(stat -c %i /run/vpnrun/demo.port)
vpnctl up demo >/dev/null
ok 'R72: renewed, and renewed, before it ends' wait_for 20 asked 4 ' 0 51413 60 -> 0 51413'
is "$(stat -c %i /run/vpnrun/demo.port) $(wc -l <"$home/hook.log")" "$inode 1" 'R72: what does not change is not told again'
ok 'it still arrives' hello 51413

# The gateway starts anew and gives another.
echo 'only 52000' >"$g/port"
gateway 60 0
ok 'R72: another port: the file follows' wait_for 20 port_is 52000
ok 'R70: and the watcher is told' wait_for 20 told 'demo: the provider forwards port 52000'
kill "$watcher"
ok 'R72: and the hook' wait_for 10 hook_is 52000
ok 'R72: and the firewall' hello 52000
ok 'R72: the old one is shut' not hello 51413 1
ok 'R72: an epoch that starts anew is seen' grep -q 'the gateway has started anew' /run/vpnrun/demo.log
ok 'R72: and the port asked for once more at once' wait_for 10 asked 4

# A gateway that says other things first.
mode hostile
echo 53000 >"$g/port"
gateway 60 3000
vpnctl down --force demo >/dev/null
stop
ok 'R72: down: no port' not test -e /run/vpnrun/demo.port
with "$keys"
ok 'R72: what is no answer is passed over' wait_for 10 port_is 53000
ok 'R72: UDP too' not grep -q 6666 /run/vpnrun/demo.log

# Refused, silent.
mode refuse 2
vpnctl up demo >/dev/null
ok 'R72: refused: status says why' wait_for 10 status_has 'refuses to forward a port: it is not allowed .*(result 2)'
ok 'R72: there is no port any more' wait_for 10 not test -e /run/vpnrun/demo.port
is "$(json forwarded_port)" null 'R72: nor in --json'
like "$(json forward_error)" 'refuses' 'R72: but the reason'
ok 'R72: the hook is told 0' wait_for 10 hook_is 0
listen 53000 "${there[@]}"
ok 'R72: the port is shut' not hello 53000 1
ok 'R72: the VPN stays up' works
mode ok
vpnctl up demo >/dev/null
ok 'R72: allowed again' wait_for 10 port_is 53000
ok 'and open' hello 53000
ok 'the sentence is gone' not status_has refuses
gateway 2 5000
vpnctl up demo >/dev/null
wait_for 10 asked 2
mode silent
ok 'R72: silent: asked again and again' wait_for 20 asked 3 silent
ok 'R72: status says so' wait_for 20 status_has "$RIG_DNS_DEMO does not answer NAT-PMP"
ok 'R72: the port ends with its time' wait_for 20 not test -e /run/vpnrun/demo.port
ok 'R72: and is shut' not hello 53000 1
ok 'R72: the VPN stays up' works
mode ok
vpnctl up demo >/dev/null
ok 'R72: it answers again: open again' wait_for 10 hello 53000 3

# Killed, and started again.
kill -KILL "$(cat /run/vpnrun/demo.supervisor)"
: >"$g/log"
vpnctl up demo >/dev/null
ok 'R72: a killed supervisor: the next asks again' wait_for 10 asked 2 '0 53000$'
ok 'R72: and has the same port' wait_for 10 port_is 53000
ok 'R72: and it arrives' wait_for 10 hello 53000 3

# What an `up` at the same time wrote over, from what it had read before: the last word is the supervisor's.
gateway 60 6000
vpnctl up demo >/dev/null
wait_for 10 asked 2
table=vpnrun
[ "${RIG_LAYOUT:-netns}" = netns ] || table=vpnrun-demo
of_table() { in_vpn demo nft "$1" element inet $table open "{ tcp . $2 }"; }
ok 'a set as an up without the port would leave it' of_table delete 53000
ok 'or with one that is gone' of_table add 53001
ok 'the danger: shut' not hello 53000 1
kill -HUP "$(cat /run/vpnrun/demo.supervisor)"
ok 'R72: told that an up has ended, the supervisor opens what is forwarded' wait_for 10 hello 53000 3
ok 'R72: and shuts what is not' not of_table get 53001
stop
with ''
ok 'R72: port_forward taken out: no port' wait_for 10 not test -e /run/vpnrun/demo.port

# Bad input.
check() { # check KEY-VALUES
	sed "s|{ |{ $1, |" "$RIG_DIR/demo.json" >"$RIG_DIR/bad.json"
	vpnctl check "$RIG_DIR/bad.json" 2>&1
}
like "$(check '"port_forward": "upnp"')" 'bad.json:1: port_forward: must be "natpmp"' 'R72: check: another protocol'
like "$(check '"port_forward_gateway": "10.2.0.1"')" 'port_forward_gateway: is of no use without' 'R72: check: a gateway alone'
like "$(check '"port_forward": "natpmp", "port_forward_gateway": "fd00::1"')" 'must be an IPv4 address' 'R72: check: a gateway of IPv6'
like "$(check '"port_forward": "natpmp", "port_forward_hook": { "user": "root", "command": "/bin/true" }')" \
	'must not be root' 'R72: check: never as root'
like "$(check '"port_forward": "natpmp", "port_forward_hook": { "user": "me", "command": "true" }')" \
	'an absolute path' 'R72: check: a relative command'
like "$(check '"expose": ["80"]')" 'expose: .* is not a port like' 'R29: check: a port without its protocol'
like "$(check '"allow_expose": ["9-1"]')" 'allow_expose: .* is not a port or range' 'R29: check: a range the wrong way round'
finish
