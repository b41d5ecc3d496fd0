#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The broker alone, against good and hostile clients: no tunnel, only what it decides.
#
#   this test's own network, mount and pid namespaces ("the host")
#   ├── vpnrund             /run/vpnrun/vpnrund.sock, user vpnrun, no capability
#   │   └── vpnrund-plug    user vpnrun, CAP_NET_ADMIN
#   ├── netns tst  (id 7)   br-tst: group vpnrun may; alice is in it, bob is not
#   ├── netns two  (id 8)   the same, at most 2 cables a user
#   ├── netns tiny (id 9)   a /29: 5 addresses; everyone may
#   ├── netns some (id 11)  a /28: 13 addresses, and no limit said
#   └── alice 4001, bob 4002, carol 4003 (primary group vpnrun), dave 4004 (no line in passwd)
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-$PWD/build}
if [ "${BROKER_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	BROKER_INSIDE=1 B=$B exec unshare -nmpf --mount-proc --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh
# In the guest, what its kernel makes different: who asks and whose a namespace is, not how many at once or what blocks.
slow=${RIG_SLOW:+yes}

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/t /run/netns
install -m 755 "$B"/tests/net/{hostile,mkvpn,fusehang,front} "$B"/libexec/vpnrun/vpnrund{,-plug} /run/t/
chmod 1777 /run/t
H=/run/t/hostile
S=/run/vpnrun/vpnrund.sock
LOG=/run/t/log
ip link set lo up

cat >/run/t/passwd <<-END
	root:x:0:0::/root:/bin/sh
	vpnrun:x:4000:4000::/:/usr/sbin/nologin
	alice:x:4001:4001::/:/bin/sh
	bob:x:4002:4002::/:/bin/sh
	carol:x:4003:4000::/:/bin/sh
END
group() { printf 'root:x:0:\nvpnrun:x:4000:%s\nalice:x:4001:\n' "$1" >/run/t/group; }
group alice
mount --bind /run/t/passwd /etc/passwd
mount --bind /run/t/group /etc/group
if [ -f /etc/subuid ]; then
	echo alice:104000:1000 >/run/t/subuid
	mount --bind /run/t/subuid /etc/subuid
fi

vpn() { # vpn NAME ID OPTION...: a VPN's namespace with its bridge, and its record
	ip netns add "$1" && ip -n "$1" link add "br-$1" type bridge && ip -n "$1" link set "br-$1" up
	record "$@"
}
record() {
	local name=$1 id=$2
	shift 2
	/run/t/mkvpn "$name" "$id" "$(ip netns exec "$name" cat "/sys/class/net/br-$name/ifindex")" "$@"
}
vpn tst 7 group=vpnrun limit=253
vpn two 8 group=vpnrun limit=2
vpn tiny 9 everyone plen=29
vpn low 10 group=vpnrun down
vpn some 11 group=vpnrun plen=28

as() { # as UID COMMAND...
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all --bounding-set=-all -- "$@"
}
alice() { as 4001 $H $S "$@"; }
bob() { as 4002 $H $S "$@"; }
ports() { ip -n "$1" -o link show type veth 2>/dev/null | grep -c .; }
no_ports() { [ "$(ports "$1")" = 0 ]; }
# Those that serve somebody: a worker says by its name whether it is busy.
children() {
	local p
	for p in $(cat "/proc/$BROKER/task/$BROKER/children"); do
		! grep -qx vpnrund/busy "/proc/$p/comm" 2>/dev/null || echo "$p"
	done
}
child_count() { children | wc -w; }
children_are() { [ "$(child_count)" = "$1" ]; }
last() { tail -n 1 $LOG; }
log_has() { grep -qE "$1" $LOG; }
status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/${2:-$BROKER}/status"; }
plugger() { pgrep -P "$BROKER" -x vpnrund-plug; }

start() { # start OPTION...: the broker, ready
	mkfifo /run/t/ready
	# By somebody careless: with groups, capabilities to hand down, a file and room for a core.
	prlimit --core=4096:4096 -- setpriv --groups 4,27 --inh-caps=+net_admin,+net_raw --ambient-caps=+net_admin,+net_raw -- \
		/run/t/vpnrund --ready-fd 8 "$@" 7</etc/passwd 8>/run/t/ready 2>>$LOG &
	BROKER=$!
	read -r -t 20 </run/t/ready
	rm -f /run/t/ready
}
listens() { perl -MSocket -e 'socket(S, AF_UNIX, SOCK_SEQPACKET, 0); exit !connect(S, sockaddr_un($ARGV[0]))' /run/vpnrun/vpnrund.sock; }
# A child that was forked in the last moment may hold the listening socket a little longer.
stop() {
	local rc
	kill -TERM "$BROKER" && wait "$BROKER"
	rc=$?
	wait_for 10 not listens
	return $rc
}
# A client that keeps what it has until it is released; its first line is in $HELD.
declare -A HPID
hold() { # hold LABEL UID ARGUMENTS...
	local label=$1 uid=$2
	shift 2
	rm -f "/run/t/$label.in" "/run/t/$label.out"
	mkfifo "/run/t/$label.in"
	# Opened for both, so that its end never comes.
	setpriv --reuid "$uid" --regid "$uid" --clear-groups $H $S "$@" \
		<>"/run/t/$label.in" >"/run/t/$label.out" 2>&1 &
	HPID[$label]=$!
	wait_for 30 test -s "/run/t/$label.out"
	HELD=$(head -n 1 "/run/t/$label.out")
}
release() { # release LABEL
	kill "${HPID[$1]}"
	wait "${HPID[$1]}" 2>/dev/null
}
# A descriptor that root opened for the client, as if it had been handed to it.
with_fd() { setpriv --reuid 4001 --regid 4001 --clear-groups $H $S tst fd 9 9<"$1"; }

# --- the broker itself -----------------------------------------------------------------------

like "$(alice tst good)" 'refused: the broker is not running .*systemctl start' 'R08 no broker: a sentence that helps'
start
ok 'L25 started as root, ready' test -S $S
is "$(stat -c %a:%U $S)" 666:root 'the socket is for everybody'
is "$(status Uid)" $'4000\t4000\t4000\t4000' 'runs as user vpnrun'
is "$(status Gid)" $'4000\t4000\t4000\t4000' 'and its group'
is "$(status Groups)" '' 'without another group'
caps() { # caps PID: permitted, effective, inheritable, bounding, ambient
	local s
	for s in Prm Eff Inh Bnd Amb; do printf '%x ' "0x$(status Cap$s "$1")"; done
}
is "$(caps "$BROKER")" '0 0 0 0 0 ' 'the front has no capability, and no way to one'
is "$(status NoNewPrivs) $(status Seccomp)" '1 2' 'no_new_privs, own system call filter'
is "$(stat -c %u "/proc/$BROKER/environ")" 0 'not dumpable: nobody of its own user looks into it'
is "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$BROKER/limits")" '0 0' 'no core with requests of others in it'
is "$(find "/proc/$BROKER/fd" -type l | wc -l)" 6 'no stray descriptor: stdio, listener, signals, plugger'
P=$(plugger)
is "$(caps "$P")" '1000 1000 0 0 0 ' 'the plugger has CAP_NET_ADMIN only, and no way to another'
is "$(status Uid "$P"),$(status Gid "$P"),$(status Groups "$P")" $'4000\t4000\t4000\t4000,4000\t4000\t4000\t4000,' \
	'and is user vpnrun, too'
is "$(stat -c %u "/proc/$P/environ")" 0 'not dumpable either'
is "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$P/limits")" '0 0' 'no core'
is "$(ps -o sid= -p "$P" | xargs)" "$P" 'a session of its own: Ctrl-C at a terminal is not for it'
is "$(status NoNewPrivs "$P") $(status Seccomp "$P")" '1 2' 'no_new_privs, and a filter of its own'
is "$(find "/proc/$P/fd" -type l | wc -l)" 5 'no stray descriptor: the pair, stdio, two of netlink'
is "$(tr '\0' ' ' <"/proc/$P/cmdline")$(tr '\0' ' ' <"/proc/$P/environ" | wc -c)" 'vpnrund-plug 0' 'no argument, no environment'
like "$(/run/t/vpnrund --listen $S 2>&1)" 'somebody listens at' 'a second broker refuses'
touch /run/t/plain
like "$(/run/t/vpnrund --listen /run/t/plain 2>&1)" 'exists and is not a socket' 'a file in the way is left alone'
like "$(setpriv --reuid 4000 --clear-groups --regid 4000 --inh-caps=-all --bounding-set=-all \
	/run/t/vpnrund --listen /run/t/s2 2>&1)" 'needs CAP_NET_ADMIN' 'without the capability it refuses to serve'
ok 'no user to become: a sentence' bash -c \
	'unshare -m sh -c "grep -v ^vpnrun: /run/t/passwd >/run/t/p2; mount --bind /run/t/p2 /etc/passwd
		/run/t/vpnrund --listen /run/t/s3" 2>&1 | grep -q "no user .vpnrun. in /etc/passwd"'

# --- what is asked for rightly ---------------------------------------------------------------

hold a 4001 tst hold
like "$HELD" '^attached [0-9]+$' 'L25 alice plugs a namespace of her own'
h=${HELD#attached }
like "$(ip -n tst -d -o link show "vr7.$h")" "mtu 1420 .*master br-tst .*group 4001 .*veth" \
	'the port: on the bridge, of her group, of the MTU'
like "$(ip -n tst -o link show "vr7.$h")" '<[^>]*UP' 'and up'
ok 'one line a decision' wait_for 5 log_has "^vpnrund: attach tst uid=4001 pid=[0-9]+ -> vr7.$h$"
like "$(nsenter -t "${HPID[a]}" -n ip -o link show vpn0)" \
	"ether $(printf '02:76:70:07:%02x:%02x' $((h / 256)) $((h % 256)))" "the sandbox's end has the lease's MAC"
release a
ok 'the lease is free when the sandbox is gone' wait_for 10 no_ports tst
hold a 4001 tst hold2
wait_for 20 test "$(wc -l </run/t/a.out)" = 2
like "$(sed 1d /run/t/a.out)" 'refused: .*already has a device called vpn0' 'a second cable for one namespace: refused'
is "$(ports tst)" 1 'and not made'
release a
is "$(as 4003 $H $S tst good | cut -d' ' -f1)" attached 'L26 carol, by her primary group in the file'
is "$(setpriv --reuid 4004 --regid 4004 --groups 4000 $H $S tst good | cut -d' ' -f1)" attached \
	"L26 dave, whom the files do not know, by his process's groups"

# --- who is refused --------------------------------------------------------------------------

like "$(bob tst good)" "refused: user bob \(uid 4002\) may not use VPN 'tst'; .*usermod -aG vpnrun bob" 'L26 bob'
ok 'L26 with a line in the log' wait_for 10 log_has "^vpnrund: refused tst uid=4002 pid=[0-9]+: user bob"
like "$(setpriv --reuid 4002 --regid 4002 --groups 4000 $H $S tst good)" 'refused: user bob' \
	'L26 bob, whose process still has the group: the file decides'
like "$(setpriv --reuid 4004 --regid 4004 --clear-groups $H $S tst good)" 'refused: user unknown \(uid 4004\)' 'L26 dave without it'
group ''
like "$(alice tst good)" 'refused: user alice' 'L26 taken out of the group: refused at once'
group alice,bob
like "$(bob tst good)" '^attached' 'L26 put into the group: allowed at once, without a login'
group alice
like "$(alice nowhere good)" "refused: no VPN 'nowhere' is up \(these are: .*tst" 'L26 an unknown VPN: says which there are'
like "$(alice low good)" "refused: VPN 'low' is down; bring it up with: sudo vpnctl up low" 'a VPN that is down'
like "$($H $S tst file /proc/self/ns/net)" 'refused: the broker serves ordinary users only' "L25 root with the host's namespace"

# --- namespaces that are not the asker's -----------------------------------------------------

like "$(alice tst file /proc/self/ns/net)" "refused: the network namespace is the host's own" "L25 L27 the host's namespace"
ip netns exec tst sleep 1000 & IN_TST=$!
ip netns exec two sleep 1000 & IN_TWO=$!
setpriv --reuid 4002 --regid 4002 --clear-groups unshare -Un sleep 1000 & BOBBOX=$!
in_another_net() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] && grep -q sleep "/proc/$1/comm"; }
for p in $IN_TST $IN_TWO $BOBBOX; do wait_for 10 in_another_net "$p"; done
like "$(with_fd /proc/$IN_TST/ns/net)" 'refused: the network namespace is that of VPN' "L25 the VPN's own"
like "$(with_fd /proc/$IN_TWO/ns/net)" 'refused: that network namespace belongs to the system' "L25 another VPN's"
like "$(with_fd /proc/$BOBBOX/ns/net)" 'refused: that network namespace belongs to uid 4002, not to uid 4001' "L25 another user's"
like "$(alice tst file /run/netns/two)" 'refused: the descriptor is a file' 'L25 a namespace by its name'
kill $IN_TST $IN_TWO $BOBBOX
like "$(alice tst nested)" 'refused: that network namespace is of a sandbox within a sandbox' 'L25 from within a sandbox'
like "$(alice tst engine)" '^attached' "an engine's container, two user namespaces down, asked for from the host's network"
no_leak() { wait_for 10 no_ports tst && wait_for 10 no_ports two; }
ok 'none of them left a port' no_leak

# --- descriptors that are no namespaces ------------------------------------------------------

like "$(alice tst file /etc/passwd)" 'refused: the descriptor is a file, not a network namespace' 'L25 a file'
like "$(alice tst file /dev/null)" 'refused: the descriptor is a file, not a network namespace' 'L25 a device'
for k in pipe socket user mnt uts; do
	like "$(alice tst $k)" 'refused: the descriptor is not a network namespace' "L25 a descriptor of kind $k"
done
like "$(alice tst memfd)" 'refused: the descriptor is a file, not a network namespace' 'L25 a memfd that is called like one'

# --- messages that are no requests -----------------------------------------------------------

more_than() { [ "$(grep -cE "$2" $LOG)" -gt "$1" ]; }
bad() { # bad FORM SENTENCE
	local line="^vpnrund: dropped uid=4001 pid=[0-9]+: $2" n
	n=$(grep -cE "$line" $LOG)
	like "$(alice tst bytes "$1")" "refused: $2" "L25 a request with a bad $1"
	# The answer comes first, the line after it; some forms have the same sentence.
	ok "L25 logged: $1" wait_for 10 more_than "$n" "$line"
}
bad short 'a request of 12 bytes'
bad long 'a request of [0-9]+ bytes'
bad magic 'not a request'
bad version 'the client speaks version 77 of the protocol, the broker version 2'
bad op 'unknown operation 9'
bad flags 'reserved fields'
bad reserved 'reserved fields'
bad pad 'what the request names cannot be'
bad name 'what the request names cannot be'
bad port 'what the request wants opened is not a port'
like "$(alice tst bytes open)" "refused: VPN 'tst' lets its users open no port" 'R29 a port where nobody may open one'
like "$(alice tst bytes lan)" "refused: VPN 'tst' opens nothing of the LAN" 'R86 the LAN where the file opens nothing of it'
like "$(alice tst bytes empty)" '^(dropped|refused)' 'L25 an empty message'
like "$(alice tst fds 0)" 'refused: the request carries no descriptor' 'L25 no descriptor'
like "$(alice tst fds 2)" 'refused: the request carries more than the one descriptor' 'L25 two descriptors'
like "$(alice tst fds 200)" 'refused: the request carries more than the one descriptor' 'L25 two hundred descriptors'
alice tst gone
ok 'no control character of theirs in the log' not grep -q '[[:cntrl:]]' $LOG
like "$(alice tst good)" '^attached' 'L25 and after all that, others are served'

# Beside hundreds of others on a busy machine a request waits long for the plugger, and is served all the same: the five
# seconds are what the client itself may take. They have to pass here, and no state shows that they did.
kill -STOP "$(plugger)"
alice tst good >/run/t/late.out 2>&1 &
LATE=$!
RIG_SLOW_FACTOR=1 ok 'a request that the plugger does not come to waits for it' not wait_for 6 ended $LATE
kill -CONT "$(plugger)"
wait $LATE
like "$(cat /run/t/late.out)" '^attached' 'and is served when its turn comes'

# --- limits ----------------------------------------------------------------------------------

hold one 4001 two hold
like "$HELD" '^attached' 'R27 the first of two'
hold two 4001 two hold
like "$HELD" '^attached' 'R27 the second of two'
# Its namespace outlasts the refusal: that alone takes no cable away.
hold three 4001 two hold
like "$HELD" "refused: uid 4001 already holds 2 cables to VPN 'two', the limit for one user" 'R27 the third: refused'
is "$(ports two) $(nsenter -t "${HPID[three]}" -n ip -o link show vpn0 2>/dev/null | wc -l)" '2 0' 'R27 and taken away again'
release three
nsenter -t "${HPID[one]}" -n ip link set vpn0 name elsewhere
like "$(alice two good)" 'refused: uid 4001 already holds 2' 'R27 a vpn0 renamed counts all the same'
group alice,bob
like "$(bob two good)" '^attached' "R27 another user's are not counted"
group alice
release one
release two

for i in 1 2 3 4 5; do hold "t$i" 400$((i % 3 + 1)) tiny hold; done
is "$(ports tiny)" 5 'everyone may: all five addresses of a /29 are taken'
like "$(alice tiny good)" "refused: VPN 'tiny' has no free address: all 5 are taken" 'R27 a full pool says so'
release t3
wait_for 10 bash -c "[ \$(ip -n tiny -o link show type veth | grep -c .) = 4 ]"
like "$(alice tiny good)" '^attached' 'and has room again when one leaves'
for i in 1 2 4 5; do release "t$i"; done

if [ -f /etc/subuid ]; then
	like "$(as 104007 $H $S tiny good)" 'refused: uid 104007 .* subordinate uid' "L25 everyone, but not alice's thousand other uids"
else
	skip 'no /etc/subuid here' "L25 everyone, but not alice's thousand other uids"
fi

# Without a limit of its own a VPN gives one user a quarter of what it has.
for i in 1 2 3 4; do hold "s$i" 4001 some hold; done
is "$(ports some)" 4 'L49 no limit said: four of thirteen addresses for one user'
like "$(alice some good)" "refused: uid 4001 already holds 4 cables to VPN 'some', the limit for one user \(.*\"limit\" in /etc/vpnrun/some.json" \
	'L49 the fifth: refused, with a sentence'
is "$(ports some)" 4 'L49 and taken away again'
other() { setpriv --reuid 104007 --regid 104007 --groups 4000 $H $S "$@"; } # a thousand of these are alice's
idle_of_all() { # idle_of_all N: as many children as somebody with three more uids gets, should be N
	local i
	hold i1 4001 tst idle 20
	for i in 2 3 4; do hold "i$i" "10400$i" tst idle 20; done
	as 4003 $H $S tst good >/dev/null # whose turn comes after theirs
	wait_for 5 children_are "$1"
	child_count
	for i in 1 2 3 4; do release "i$i"; done
	wait_for 30 children_are 0
}
if [ -f /etc/subuid ]; then
	: >/run/t/subuid
	like "$(other some good)" '^attached' 'L49 control: a uid of nobody in /etc/subuid is a user of its own'
	[ "$slow" ] || is "$(idle_of_all 32)" 32 'L49 control: four uids have four shares of the broker'
	echo alice:104000:1000 >/run/t/subuid
	like "$(other some good)" "refused: uid 4001 already holds 4 cables to VPN 'some'" \
		'L49 a subordinate uid of alice is alice, when cables are counted'
	[ "$slow" ] || is "$(idle_of_all 8)" 8 'L49 and when children are'
else
	skip 'no /etc/subuid here' 'L49 a subordinate uid is its owner'
fi
for i in 1 2 3 4; do release "s$i"; done

# --- many at once ----------------------------------------------------------------------------

t0=$(date +%s%N)
n=$([ "$slow" ] && echo 40 || echo 250)
is "$(as 4001 $H $S tst burst "$n" 2>&1 | tail -n 1)" "$n attached" "R27 $n at once by one user all work"
diag "$n at once: $((($(date +%s%N) - t0) / 1000000)) ms"
ok 'and all are gone' wait_for 30 no_ports tst
ok 'its children too' wait_for 10 children_are 0

if [ -z "$slow" ]; then
	rest=$(status VmRSS)
	hold flood 4002 tst idle 900
	is "$HELD" '900 idle' 'L25 bob opens 900 connections and says nothing'
	t0=$(date +%s%N)
	like "$(alice tst good)" '^attached' 'L25 alice is served meanwhile'
	ms=$((($(date +%s%N) - t0) / 1000000))
	ok "L25 at once ($ms ms)" test $ms -lt $((1000 * ${RIG_SLOW_FACTOR:-1}))
	hold flood2 4002 tst idle 400
	like "$(alice tst good)" '^attached' 'L25 and with 400 more, beyond the queue'
	ok 'L25 which are turned away with a line each' wait_for 10 log_has 'dropped uid=4002 .*too many of your connections'
	ok 'L25 the broker has few children for all that' test "$(child_count)" -le 64
	rss=$(status VmRSS)
	# Each system's libc and kernel have another size; what counts is what a connection costs.
	ok "R58 and has not grown by a quarter for them ($rest, $rss)" test $((${rss% kB} * 4)) -le $((${rest% kB} * 5))
	release flood
	release flood2
	ok 'they are all forgotten' wait_for 30 children_are 0
fi

# --- what blocks, what dies ------------------------------------------------------------------

hold idle 4001 tst idle 1
wait_for 10 test -n "$(children)"
child=$(children)
kill -9 "${child%% *}"
ok 'a worker killed: a line in the log' wait_for 10 log_has 'the process that served uid=4001 pid=[0-9]+ was killed by signal 9'
like "$(alice tst good)" '^attached' 'and the next is served'
release idle

if [ -z "$slow" ]; then
	mkdir /run/t/fuse
	/run/t/fusehang /run/t/fuse 4000 >/run/t/fuse.out 2>&1 & FUSE=$!
	wait_for 10 test -s /run/t/fuse.out
	if grep -q ready /run/t/fuse.out; then
		like "$(bob tst file /run/t/fuse/file)" 'refused: user bob' 'L25 a FUSE file from one who may not'
		ok 'L25 is never even taken: no child hangs on it' wait_for 5 children_are 0
		for i in 1 2 3; do
			like "$(alice tst file /run/t/fuse/file)" 'refused: the descriptor is a file' "L25 a FUSE file whose close hangs, $i: refused at once"
		done
		like "$(alice tst fds 2 /run/t/fuse/file)" 'refused: .*more than the one descriptor' 'L25 one such too many: the same'
		ok 'L25 their children hang in the kernel' wait_for 5 children_are 4
		like "$(alice tst good)" '^attached' 'L25 and hold up nobody'
		for i in $(seq 13); do alice tst file /run/t/fuse/file >/dev/null; done
		group alice,bob
		like "$(bob tst good)" '^attached' "L25 with all of alice's children hanging, bob is served"
		group alice
		kill $FUSE
		wait $FUSE 2>/dev/null
		ok 'L25 when the file system dies, so do they' wait_for 10 children_are 0
		like "$(alice tst good)" '^attached' 'L25 and alice is served again'
	else
		skip "no FUSE here: $(cat /run/t/fuse.out)" 'L25 a FUSE file whose close hangs'
	fi

	# What is in the queue of a connection is closed with it, and that can take minutes, too. The broker gets the processor
	# after its workers here: they are done with a connection before it goes on, and it must not have it any more by then.
	slow_broker() { # slow_broker POLICY CPUS: it and its workers on these, itself with that policy; what it makes is as ever
		local p
		for p in $BROKER $(cat "/proc/$BROKER/task/$BROKER/children"); do taskset -p "$2" "$p" >/dev/null; done
		chrt --reset-on-fork "$1" -p 0 "$BROKER"
	}
	ALL_CPUS=$(taskset -p $$ | sed 's/.*: //')
	like "$(alice tst good)" '^attached' 'a worker is there'
	slow_broker --idle 1
	kill -STOP "$BROKER"
	hold linger 4001 tst linger 4
	kill -CONT "$BROKER"
	ok 'L25 four connections whose close lingers: each holds a child' wait_for 10 children_are 4
	like "$(alice tst good)" '^attached' 'L25 and nobody else'
	ok 'L25 no longer than a request may take' wait_for 30 children_are 0
	release linger
	slow_broker --other "$ALL_CPUS"
fi

# --- a front that lies -----------------------------------------------------------------------
#
# front.c in the place of vpnrund: user vpnrun without a capability, and the plugger at its other end. It has been handed
# a namespace of alice's (9) and says what it likes of it.

box() { # box UID: a sandbox of that user's that waits; its process in $BOX
	setpriv --reuid "$1" --regid "$1" --clear-groups unshare -Un sleep 1000 &
	BOX=$!
	wait_for 10 in_another_net $BOX
}
front() { # front UID FD LIE...: what each of them comes to
	local uid=$1 fd=$2
	shift 2
	setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
		--bounding-set=-all,+net_admin /run/t/front /run/t/vpnrund-plug tst "$uid" "$fd" "$@" 2>&1
}
fresh() { exec 9<&-; kill $BOX; wait $BOX 2>/dev/null; box "$1"; exec 9<"/proc/$BOX/ns/net"; }
box 4001
exec 9<"/proc/$BOX/ns/net"
lies='uid=4002 uid=0 uid=4000 group=4000 place kind=hostnet kind=usernamespace kind=pipe kind=memfd kind=udp kind=netlink
	kind=/etc/passwd kind=/dev/null vpn=nowhere vpn=low vpn=../tst vpn=abcdefghijklmnop magic groups manygroups overflow short
	huge fds=1 fds=3 answer=netlink answer=udp answer=/etc/passwd answer=pipe fds=0'
group alice,bob
# shellcheck disable=SC2086
said=$(front 4001 9 $lies good end)
is "$(grep -c attached <<<"$said")" 2 'L25 a front that lies: nothing is plugged but what is true'
like "$said" 'group=4000: attached' "L25 alice's own, by whatever groups she is said to have"
group alice
lie() { like "$(sed -n "s|^$1: ||p" <<<"$said")" "^$2" "L25 it says $1"; }
lie uid=4002 'refused: that network namespace belongs to uid 4001, not to uid 4002'
lie uid=0 'refused: the broker serves ordinary users only'
lie uid=4000 "refused: uid 4000 may not use VPN|refused: that network namespace belongs to uid 4001, not to uid 4000"
lie kind=hostnet "refused: the network namespace is the host's own"
for k in usernamespace pipe udp netlink; do lie "kind=$k" 'refused: the descriptor is not a network namespace'; done
for k in memfd /etc/passwd /dev/null; do lie "kind=$k" 'refused: the descriptor is a file'; done
for k in vpn=nowhere vpn=low vpn=../tst; do lie "$k" 'refused: '; done
for k in place vpn=abcdefghijklmnop magic groups overflow short; do lie "$k" 'refused: not a request that the broker makes'; done
for k in manygroups huge fds=1 fds=3; do lie "$k" 'refused: not the two descriptors'; done
for k in netlink udp /etc/passwd pipe; do lie "answer=$k" 'no answer'; done
lie fds=0 'no answer'
like "$(sed -n 's/^good: //p' <<<"$said")" 'refused: .*already has a device called vpn0' 'L25 after all these it serves as before'
lie end 'status 0'
fresh 4002
said=$(front 4001 9 good uid=4002 end)
lie good 'refused: that network namespace belongs to uid 4002, not to uid 4001'
lie uid=4002 'refused: uid 4002 may not use VPN'
said=$(front 4002 9 group=4000 end)
lie group=4000 'refused: uid 4002 may not use VPN'
exec 8<"/proc/$BOX/ns/net"
ip netns exec two sleep 1000 & IN_TWO=$!
wait_for 10 in_another_net $IN_TWO
exec 9<"/proc/$IN_TWO/ns/net"
said=$(front 4001 9 good uid=0 end)
lie good 'refused: that network namespace belongs to the system'
kill $IN_TWO
exec 8<&-
fresh 4001
said=$(front 4001 9 elsewhere good end)
like "$said" 'elsewhere: attached' 'L25 a namespace that is not nested may be asked for from anywhere'
fresh 4001
if [ -n "${FUSE:-}" ] && mkdir -p /run/t/fuse2; then
	/run/t/fusehang /run/t/fuse2 4000 >/run/t/fuse2.out 2>&1 & FUSE=$!
	wait_for 10 test -s /run/t/fuse2.out
fi
if grep -qs ready /run/t/fuse2.out; then
	front 4001 9 kind=/run/t/fuse2/file good >/run/t/front.out 2>&1 &
	FRONT=$!
	ok 'L25 a FUSE file whose close hangs: refused at once' wait_for 5 grep -q 'file: refused: the descriptor is a file' /run/t/front.out
	ok 'L25 and that front has no plugger any more' wait_for 5 grep -q 'good: no answer' /run/t/front.out
	like "$(front 4001 9 good)" 'good: attached' 'L25 while the next one has'
	kill $FUSE
	wait $FUSE $FRONT 2>/dev/null
fi
exec 9<&-
kill $BOX
wait $BOX 2>/dev/null
ok 'none of these left a port' wait_for 10 no_ports tst
like "$(/run/t/vpnrund-plug </dev/null 2>&1)" 'the plugger is started by vpnrund' 'the plugger by hand: a sentence'
# shellcheck disable=SC2016
like "$(perl -MSocket -e 'socketpair(my $own, my $other, AF_UNIX, SOCK_SEQPACKET, 0); open STDIN, "<&", $own; exec @ARGV' \
	/run/t/vpnrund-plug 2>&1)" 'the plugger must not be root' 'nor as root, by whoever gives it what vpnrund would'

# --- what either of the two may do -----------------------------------------------------------

if [ -n "$slow" ]; then
	diag 'the calls are looked at on a machine that is no guest'
elif command -v strace >/dev/null; then
	stop
	strace -ff -qq -s0 -e signal=none -o /run/t/calls /run/t/vpnrund --ready-fd 8 8>/run/t/started 2>>$LOG &
	TRACER=$!
	wait_for 20 listens
	wait_for 20 test -s /run/t/started
	BROKER=$(pgrep -P $TRACER -x vpnrund)
	P=$(plugger)
	as 4001 $H $S tst burst 5 >/dev/null
	alice tst good >/dev/null
	bob tst good >/dev/null
	kill -TERM "$BROKER"
	wait $TRACER
	capset=$(grep -nE 'capset\(' "/run/t/calls.$BROKER" | tail -n 1 | cut -d: -f1)
	accept=$(grep -nE '^accept' "/run/t/calls.$BROKER" | head -n 1 | cut -d: -f1)
	ok 'the front gives up its last capability before it accepts the first client' \
		test "${capset:-99999}" -lt "${accept:-0}"
	after() { # after PID: the names of its calls once its filter is in force
		sed -nE '1,/^(seccomp|prctl\(PR_SET_SECCOMP)/d; s/^([a-z0-9_]+)\(.*/\1/p' "/run/t/calls.$1" | sort -u | xargs
	}
	diag "plugger: $(after "$P")"
	is "$(after "$P" | tr ' ' '\n' | grep -vxE 'recvmsg|recvfrom|sendto|getsockopt|openat|open|read|close|fstat|newfstatat|statx|readlink|ioctl|brk|mmap|munmap|mremap|uname|exit_group|lseek')" '' \
		'the plugger accepts, listens, polls, forks and sleeps not, and makes no socket'
	like "$(after "$P")" 'recvmsg' 'control: it was seen at work'
	is "$(cat /run/t/calls.* | grep -cE '^(socket\(AF_(NETLINK|INET|PACKET)|setns|unshare|mount)')" 2 \
		'two netlink sockets, and those are the plugger'"'"'s, made before its filter'
	rm -f /run/t/calls.* /run/t/started
	start
else
	skip 'no strace' 'the calls of the plugger'
fi

# --- coming and going ------------------------------------------------------------------------

P=$(plugger)
kill -9 "$BROKER"
wait "$BROKER" 2>/dev/null
ok 'L51 the front killed: its plugger ends' wait_for 10 ended "$P"
like "$(alice tst good)" 'refused: the broker is not running' 'the broker killed: says so'
start
like "$(alice tst good)" '^attached' 'started again over the stale socket'
kill -9 "$(plugger)"
wait "$BROKER" 2>/dev/null
is $? 1 'L51 the plugger killed: the front ends, too, and not as if all were well'
ok 'L51 with a line in the log' log_has '^vpnrund: the plugger has ended'
start
said=$(alice tst good)
like "$said" '^attached' 'L51 and both can be started again at once'
[[ $said = attached* ]] || diag "$(tail -n 12 $LOG; ps -o pid,ppid,stat,args --ppid $$)"
stop
is $? 0 'SIGTERM: exit status 0'
# Where the kernel says it is one of those that are slow to say EEXIST, the names are looked up first.
start_as_old() {
	mkfifo /run/t/ready
	setarch "$(uname -m)" --uname-2.6 /run/t/vpnrund --ready-fd 8 8>/run/t/ready 2>>$LOG &
	BROKER=$!
	read -r -t 20 </run/t/ready
	rm -f /run/t/ready
}
if [ -z "$slow" ]; then
	start_as_old
	is "$(as 4001 $H $S tst burst 40 2>&1 | tail -n 1)" '40 attached' 'old kernels: 40 at once'
	like "$(alice tst hold2 </dev/null | tail -n 1)" 'already has a device called vpn0' 'old kernels: a second cable'
	for i in 1 2 3 4 5; do hold "t$i" 400$((i % 3 + 1)) tiny hold; done
	like "$(alice tiny good)" 'all 5 are taken' 'old kernels: a full pool'
	for i in 1 2 3 4 5; do release "t$i"; done
	stop
fi
start --idle 1
ok 'exits when idle' wait_for 10 ended "$BROKER"
wait "$BROKER"
is $? 0 'with status 0'

# As in a terminal, where Ctrl-C goes to all of them.
mkfifo /run/t/ready
perl -e '$^F = 100; $SIG{INT} = "DEFAULT"; setpgrp; exec @ARGV' /run/t/vpnrund --ready-fd 8 8>/run/t/ready 2>/run/t/ctrl-c.log &
BROKER=$!
read -r -t 20 </run/t/ready
rm -f /run/t/ready
like "$(alice tst good)" '^attached' 'control: a broker in a process group of its own'
P=$(plugger)
kill -INT -- -"$BROKER"
wait "$BROKER"
is "$?" 0 'Ctrl-C ends the broker with status 0'
ok 'and its plugger' wait_for 10 ended "$P"
ok 'and nothing is said to have failed' not grep -E 'signal|has ended' /run/t/ctrl-c.log

# A systemd that has one plugger at a time hangs up twice: the one before is still ending.
cat >/run/t/one-plugger <<'END'
use Socket; use POSIX;
my ($path, @cmd) = @ARGV;
socket(my $l, AF_UNIX, SOCK_SEQPACKET, 0) or die;
bind($l, pack_sockaddr_un($path)) && listen($l, 100) or die;
for (1, 2) { accept(my $c, $l) or die; close $c }
accept(my $c, $l) or die;
POSIX::dup2(fileno($c), 0);
exec @cmd;
END
setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
	--bounding-set=-all,+net_admin perl /run/t/one-plugger /run/t/plug.sock /run/t/vpnrund-plug & P=$!
wait_for 10 test -S /run/t/plug.sock
start --plugger /run/t/plug.sock
like "$(alice tst good)" '^attached' 'L28 the front waits for the plugger before its own to end'
stop
ok 'and that one ends with it' wait_for 10 ended $P

cat >/run/t/activate <<'END'
use Socket; use POSIX;
my ($path, @cmd) = @ARGV;
unlink $path;
POSIX::close(3);
socket(my $l, AF_UNIX, SOCK_SEQPACKET, 0) or die;
bind($l, pack_sockaddr_un($path)) && listen($l, 100) or die;
chmod 0666, $path;
$^F = 100;
POSIX::dup2(fileno($l), 3) if fileno($l) != 3;
fcntl($l, 2, 0);
$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
exec @cmd;
END
# As systemd does it: an ordinary user with an ambient capability.
setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
	--bounding-set=-all,+net_admin true 2>/dev/null && amb=1
chmod 777 /run/t
if [ "${amb:-}" = 1 ]; then
	setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all,+net_admin \
		--ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin \
		perl /run/t/activate /run/t/sock /run/t/vpnrund --idle $((2 * ${RIG_SLOW_FACTOR:-1})) 2>>$LOG &
	BROKER=$!
	wait_for 10 test -S /run/t/sock
	like "$(S=/run/t/sock; alice tst good)" '^attached' 'R73 socket activation, by an ordinary user with one capability'
	is "$(caps "$BROKER")" '0 0 0 1000 0 ' 'the front keeps not even that: what is bounding gives nothing back'
	is "$(caps "$(plugger)")" '1000 1000 0 1000 0 ' 'the plugger keeps only that'
	is "$(status NoNewPrivs) $(status Seccomp)" '1 2' 'and confines itself all the same'
	is "$(status NoNewPrivs "$(plugger)") $(status Seccomp "$(plugger)")" '1 2' 'both of them'
	ok 'and exits when idle' wait_for 10 ended "$BROKER"
	ok 'leaving the socket, which is not its own' test -S /run/t/sock
else
	skip 'no ambient capabilities here' 'R73 socket activation'
fi
like "$(perl /run/t/activate /run/t/sock sh -c 'LISTEN_PID=$$ LISTEN_FDS=2 exec /run/t/vpnrund' 2>&1)" \
	'2 sockets were passed' 'two sockets: refused'
like "$(LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec /run/t/vpnrund 3</dev/null' 2>&1)" \
	'not a listening Unix socket of type SEQPACKET' 'another kind of descriptor: refused'
ok 'nothing is left' wait_for 10 no_ports tst
[ "$tap_failed" = 0 ] || sed 's/^/# log: /' $LOG | tail -n 60
finish
