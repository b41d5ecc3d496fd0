#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The launcher without a tunnel: what a confined program sees, keeps and cannot do. Each door is shown
# open without vpnrun first.
#
#   this test's own network, mount and pid namespaces ("the host")
#   ├── /etc, /run          copies of its own, with fake sockets of system services
#   ├── user 4242, other 4343
#   ├── vpnrund             /run/vpnrun/vpnrund.sock
#   └── netns tst (id 7)    br-tst with 10.20.7.1, up, and no tunnel behind it
# shellcheck disable=SC2016,SC2086,SC2012 # scripts for other shells, options as words, counts of names
set -u
cd "$(dirname "$0")/../.." || exit 1
B=$(realpath -m "${B:-build}")
if [ "${LAUNCH_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	LAUNCH_INSIDE=1 B=$B exec unshare -nmpf --mount-proc --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# --- the host ----------------------------------------------------------------------------------

mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/bin /mnt/lib/vpnrun /mnt/libexec /mnt/home /mnt/run
install -m 755 "$B/bin/vpnrun" "$B/bin/vpnctl" "$B/tests/net/mkvpn" /mnt/bin/
install -m 755 "$B/libexec/vpnrun/vpnrund" "$B/libexec/vpnrun/vpnrund-plug" /mnt/libexec/
cp -r "$B/lib/vpnrun/policy" /mnt/lib/vpnrun/
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /run/{nscd,systemd/resolve,avahi-daemon,dbus,vpnrun,netns,user/4242/pulse,udev/data,media}
touch /run/user/4242/{wayland-0,bus,pipewire-0} /run/udev/data/x
chown -R 4242:4242 /mnt/home /run/user/4242
chmod 700 /run/user/4242
rm -f /etc/resolv.conf
echo 'nameserver 192.0.2.53' >/etc/resolv.conf
printf 'passwd: files\n hosts : mymachines resolve [!UNAVAIL=return] mdns4 files dns\nnetworks: files\n' \
	>/etc/nsswitch.conf
sed -i '/:4242:\|:4343:/d' /etc/passwd /etc/group
echo 'tester:x:4242:4242::/mnt/home:/bin/bash' >>/etc/passwd
printf 'tester:x:4242:\nextra:x:4250:a,tester,b\nvpnrun:x:4000:tester\n' >>/etc/group
echo 'vpnrun:x:4000:4000::/:/usr/sbin/nologin' >>/etc/passwd
echo '192.0.2.77 from-hosts' >>/etc/hosts
ip link set lo up

V=/mnt/bin/vpnrun
as() { # as UID COMMAND...
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all -- "$@"
}
me() { as 4242 env -u SUDO_UID HOME=/mnt/home "$@"; }
run() { me $V "$@"; }
# The same as one simple command, for the background: its process id is $!.
SP='setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all env HOME=/mnt/home'
status_of() { "$@" >/dev/null 2>&1; echo $?; }
ms() { # milliseconds that a command takes
	local t=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - t) / 1000))
}
listener() { # listener NAME PATH: a listening unix socket; '@' first: an abstract one
	perl -MSocket -e '($n) = @ARGV; $n =~ s/^@/\0/; unlink $n;
		socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un($n) or die "$n: $!";
		chmod 0777, $n; listen S, 5; while (1) { accept C, S; close C }' "$2" &
	declare -g "$1=$!"
}
connects='perl -MSocket -e '\''($n) = @ARGV; $n =~ s/^@/\0/;
	socket S, AF_UNIX, SOCK_STREAM, 0; connect S, pack_sockaddr_un($n) or die "$!\n"'\'
can() { me sh -c "$connects \"\$0\"" "$1"; }
can_inside() { run none sh -c "$connects \"\$0\"" "$1"; }

# --- the command line --------------------------------------------------------------------------

is "$(status_of run)" 125 'R28 no argument at all: 125'
like "$(run 2>&1)" '^usage: vpnrun' 'R28 and the usage'
is "$(status_of run --help)" 0 '--help: 0'
ok '--help fits a screen' test "$(run --help | wc -l)" -le 24 -a "$(run --help | wc -L)" -le 100
like "$(run --version)" '^vpnrun [0-9]' '--version'
like "$(run --bogus none true 2>&1)" '^vpnrun: unknown option --bogus' 'an unknown option: a sentence'
like "$(run nosuch true 2>&1)" "^vpnrun: there is no VPN 'nosuch', nor any other; .*vpnctl import" \
	'R28 unknown VPN, none defined: how to add one'
mkdir -p /etc/vpnrun; rm -f /etc/vpnrun/*; echo '{ "id": 1, "config": "/etc/wireguard/work.conf" }' >/etc/vpnrun/work.json
like "$(run nosuch true 2>&1)" "there are: work \(down\)" 'R28 unknown VPN: those that exist'
like "$(run work touch /mnt/home/ran 2>&1)" "^vpnrun: VPN 'work' is down.*sudo vpnctl up work" \
	'VPN down: how to bring it up'
is "$(status_of run work touch /mnt/home/ran)" 125 'and 125'
ok 'and the command did not run' test ! -e /mnt/home/ran
like "$(run -- true 2>&1)" 'no VPN is up; there are: work' 'R02 no default: those that exist'
like "$(run none --policy nosuch true 2>&1)" "no policy 'nosuch'" 'an unknown policy: a sentence'
like "$(run none --dns 1.2.3 true 2>&1)" 'not an IP address' 'a bad --dns: a sentence'

# --- the same command --------------------------------------------------------------------------

is "$(run none id -u):$(run none id -g)" 4242:4242 'R04 own uid and gid'
is "$(status_of run none sh -c 'exit 55')" 55 'R04 exit status of the command'
is "$(status_of run none nosuch)" 127 'not found: 127'
is "$(status_of run none ./nosuch)" 127 'not found, with a path: 127'
is "$(status_of run none /etc/passwd)" 126 'cannot execute: 126'
is "$(status_of run none /etc)" 126 'a directory: 126'
mkdir -p /mnt/home/bin /mnt/home/shut && printf 'echo "$0 $@"\n' >/mnt/home/bin/plain && chmod 755 /mnt/home/bin/plain && chmod 700 /mnt/home/shut
: >/mnt/home/bin/notext && cp /mnt/home/bin/notext /mnt/home/shut/date && chmod 755 /mnt/home/shut/date
is "$(run none /mnt/home/bin/plain 1 '2 3')" '/mnt/home/bin/plain 1 2 3' 'R04 a script without "#!" is run by sh, as from a shell'
is "$(PATH=/mnt/home/bin:$PATH run none plain 4)" '/mnt/home/bin/plain 4' 'R04 and found in PATH'
is "$(PATH=/mnt/nosuch:/etc/passwd:/mnt/home/shut::$PATH status_of run none date +%Y)" 0 \
	'R04 directories of PATH that are none, or not to be entered, are passed over'
is "$(cd /mnt/home/bin && me env PATH=/mnt/nosuch::/mnt/none $V none plain 5)" 'plain 5' 'R04 an empty one is where one is'
chmod 644 /mnt/home/bin/plain
is "$(PATH=/mnt/home/bin:$PATH status_of run none plain)" 126 'R04 one that may not be executed: 126'
is "$(me env -u PATH $V none true; echo $?)" 0 'R04 no PATH: the usual places'
is "$(status_of run none sh -c 'kill -TERM $$')" 143 'a signal ends it as it would outside'
# shellcheck disable=SC2016
is "$(me sh -c 'echo $$; exec '$V' none sh -c '\''echo $$'\' | uniq | wc -l)" 1 'same process id'
is "$(me sh -c 'cd /mnt/home && exec '$V' none pwd')" /mnt/home 'R04 same directory'
is "$(X='a b' run none sh -c 'echo "$X"')" 'a b' 'R04 same environment'
is "$(me sh -c "umask 027; exec $V none sh -c umask")" 0027 'same umask'
is "$(me sh -c "trap '' INT; exec $V none grep SigIgn /proc/self/status")" \
	"$(me sh -c "trap '' INT; exec grep SigIgn /proc/self/status")" 'same signal dispositions'
is "$(run none -- echo -n -v --dns)" '-v --dns' "the command's options are its own"
is "$(me env SHELL=/bin/echo $V none)" '' 'R05 no command: $SHELL'
is "$(me env -u SHELL sh -c "echo 'echo \$0' | $V none")" /bin/bash 'R05 $SHELL unset: that of passwd'
is "$(run none bash -c 'diff <(echo a) <(echo a) && echo same')" same 'diff <(a) <(b) works'
is "$(me bash -c "exec 5< <(echo piped); exec $V none cat <&5")" piped 'an inherited pipe works'

# --- no network --------------------------------------------------------------------------------

is "$(run none sh -c 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')" lo 'R10 loopback only'
is "$(run none ls /sys/class/net)" lo '/sys shows the sandbox'
ok '/sys keeps the cgroups' test "$(run none ls /sys/fs/cgroup | wc -l)" = "$(ls /sys/fs/cgroup | wc -l)"
if command -v ping >/dev/null; then
	ok 'R58 unprivileged ping of the own loopback' run none ping -c1 -W2 127.0.0.1
else
	skip 'no ping' 'R58 unprivileged ping of the own loopback'
fi
like "$(run none bash -c ': </dev/tcp/192.0.2.1/80' 2>&1)" 'unreachable' 'R10 a connect fails'
ok 'R10 at once' test "$(ms run none bash -c ': </dev/tcp/192.0.2.1/80')" -lt $((500 * ${RIG_SLOW_FACTOR:-1}))
like "$(run none getent hosts from-hosts)" 192.0.2.77 "the host's /etc/hosts counts"
is "$(status_of run none getent hosts a.example)" 2 'a name is not found'
ok 'R45 at once' test "$(ms run none getent hosts a.example)" -lt $((500 * ${RIG_SLOW_FACTOR:-1}))

# --- powers ------------------------------------------------------------------------------------

is "$(run none grep -E '^Cap' /proc/self/status | cut -f2 | uniq)" 0000000000000000 'no capability in any set'
# PR_GET_SECUREBITS: NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each locked.
if [ "$(uname -m)" = x86_64 ]; then
	is "$(run none perl -e 'print syscall(157, 27, 0, 0, 0, 0)')" 207 'L17: nor does any program get one by who runs it'
fi
is "$(run none grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | cut -f2 | tr -d '\n')" 12 \
	'no_new_privs and a filter'
is "$(run --policy none none grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | cut -f2 | tr '\n' ' ')" \
	'0000000000000000 1 0 ' 'policy none leaves out only the filter'
install -m 4755 /usr/bin/id /mnt/bin/suid-id
is "$(me /mnt/bin/suid-id -u)" 0 'control: a setuid program works outside'
is "$(run none /mnt/bin/suid-id -u)" 4242 'L17 not inside'
$SP sleep 600 &
OUT=$!
wait_for 5 grep -q sleep /proc/$OUT/comm
ok 'control: another program of the user can be looked into' me readlink /proc/$OUT/root /proc/$OUT/fd/0 /proc/$OUT/ns/net
ok 'control: and its memory opened' me sh -c ": </proc/$OUT/mem"
ok 'L13 not from inside: memory' not run none sh -c ": </proc/$OUT/mem"
ok 'L13 L12 nor its root, descriptors and namespaces' \
	not run none sh -c "readlink /proc/$OUT/root || readlink /proc/$OUT/fd/0 || readlink /proc/$OUT/ns/net"
if command -v strace >/dev/null; then
	ok 'L13 ptrace' not run --policy none none strace -o /dev/null -p $OUT
else
	skip 'no strace' 'L13 ptrace'
fi
ok 'L12 nsenter' not run none nsenter -t $OUT -n true
listener ABSTRACT @vpnrun-test
ok 'control: an abstract socket answers outside' wait_for 5 can @vpnrun-test
ok 'L14 not inside' not can_inside @vpnrun-test

# --- the terminal ------------------------------------------------------------------------------

tty() { script -qefc "$1" /dev/null </dev/null 2>&1 | tr -d '\r'; }
push='perl -e "open T, q{+</dev/tty} or die; \$c = q{x}; print ioctl(T, 0x5412, \$c) ? qq{pushed\n} : qq{refused\n}"'
if command -v script >/dev/null; then
	like "$(tty "$SP $V none tty")" '^/dev/pts/' 'R04 the same terminal'
	is "$(tty "$SP $V none bash -ic 'sleep 100 & kill %1; wait %1; echo status \$?' 2>&1" | grep -c 'status 143\|no job control')" 1 \
		'R05 a shell has job control'
	ok 'R05 without a complaint' not grep -q 'no job control' <<<"$(tty "$SP $V none bash -ic true")"
	if [ "$(tty "$SP $push" | grep -o pushed)" = pushed ]; then
		like "$(tty "$SP $V none $push")" refused 'L31 TIOCSTI is refused'
	else
		skip 'this kernel refuses TIOCSTI to all' 'L31 TIOCSTI is refused'
	fi
else
	skip 'no script(1)' 'R04 R05 L31 the terminal'
fi

# --- descriptors -------------------------------------------------------------------------------

cat >/mnt/bin/with-fds <<'X'
#!/usr/bin/perl
use Socket; use Fcntl; use POSIX ();
$^F = 1000;
open A, '<', '/etc/passwd'; pipe R, W; opendir D, '/run'; socket S, AF_INET, SOCK_STREAM, 0;
open N, '<', '/proc/self/ns/net'; open Z, '+<', '/dev/null'; open P, '<', '/proc/self/status';
sysopen O, '/etc/hosts', 010000000;
sub put { POSIX::dup2(fileno($_[0]), $_[1]) }
POSIX::dup2(fileno(A), 20); POSIX::dup2(fileno(R), 21); POSIX::dup2(POSIX::open('/run', O_RDONLY), 22);
POSIX::dup2(fileno(S), 23); POSIX::dup2(fileno(N), 24); POSIX::dup2(fileno(Z), 25);
POSIX::dup2(fileno(P), 26); POSIX::dup2(fileno(O), 27);
POSIX::close($_) for 3 .. 19;
$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1;
exec @ARGV;
X
chmod 755 /mnt/bin/with-fds
fds='ls /proc/self/fd | awk "\$1 >= 20 && \$1 < 30" | tr "\n" " "'
is "$(me /mnt/bin/with-fds sh -c "$fds")" '20 21 22 23 24 25 26 27 ' 'control: they are inherited'
is "$(me /mnt/bin/with-fds $V none sh -c "$fds")" '20 21 25 ' \
	'L10 a file, a pipe and /dev/null stay; directory, socket, namespace, /proc and O_PATH do not'
is "$(me /mnt/bin/with-fds $V --keep-fd 23 none sh -c "$fds")" '20 21 23 25 ' '--keep-fd keeps one'
like "$(run --keep-fd 200 none true 2>&1)" '--keep-fd 200: no such descriptor' 'which must be there'
is "$(me /mnt/bin/with-fds $V none sh -c 'echo ${LISTEN_FDS-unset}')" unset 'L10 LISTEN_FDS goes with them'
is "$(run none sh -c 'ls /proc/self/fd | wc -l')" "$(me sh -c 'ls /proc/self/fd | wc -l')" 'none of ours is left'
ok 'a closed stdin stays closed' me sh -c "exec $V none sh -c '! test -e /proc/self/fd/0' <&-"

for what in directory:/ namespace:/proc/self/ns/net "device:/dev/net/tun" procfile:/proc/self/status; do
	from=${what#*:}
	# In a guest the nodes are root's, or are not there.
	me test -r "$from" || continue
	like "$(me sh -c "exec $V none ls /proc/self/fd/0/ <$from" 2>&1)" \
		'^vpnrun: standard input is a (directory|device|handle of the kernel).*--keep-fd 0$' \
		"L53 standard input is a ${what%%:*}: refused"
done
chmod 711 /run
ok 'control: a directory as standard input leads around a mount over it' \
	me unshare -Um --map-user=4242 --map-group=4242 --keep-caps \
	sh -c 'mount -t tmpfs none /run && test -e /proc/self/fd/0/nscd && ! test -e /run/nscd' </run
chmod 755 /run
like "$(me sh -c "exec $V none true 2</" 2>&1; echo $?)" 125 'L53 standard error, likewise'
is "$(me sh -c "exec $V --keep-fd 0 none sh -c 'test -d /proc/self/fd/0; echo \$?' </mnt")" 0 'L53 --keep-fd 0 accepts it'
ok 'L53 a file and /dev/null are streams as ever' me sh -c "exec $V none cat </etc/passwd >/dev/null"
is "$(perl -MSocket -e 'socketpair A, B, AF_UNIX, SOCK_STREAM, 0; open STDIN, "<&", \*B; exec @ARGV' \
	$SP $V none sh -c 'test -S /proc/self/fd/0; echo $?')" 0 'L53 a socket stays a standard stream'
if command -v strace >/dev/null; then
	like "$(me /mnt/bin/with-fds strace -qq -o /dev/null -e inject=close:error=EIO $V none sh -c "$fds" 2>&1)" \
		'cannot close the inherited descriptor' 'L51 a descriptor that cannot be closed ends the launch'
fi

# --- names -------------------------------------------------------------------------------------

doors='/run/nscd/socket /run/systemd/resolve/io.systemd.Resolve /run/avahi-daemon/socket /run/dbus/system_bus_socket /run/docker.sock'
i=0
for d in $doors; do listener "L$((i++))" "$d"; done
open=0 shut=0
for d in $doors; do
	wait_for 5 can "$d" && open=$((open + 1))
	can_inside "$d" 2>/dev/null || shut=$((shut + 1))
done
is $open 5 'control: nscd, resolved, avahi, system bus and docker answer outside'
is $shut 5 'L05 L06 L07 none of them inside'
is "$(run none ls -A /run | grep -v '^mount$' | tr '\n' ' ')" 'lock media shm udev user vpnrun-sandbox ' '/run is an allow-list'
is "$(run none ls /run/user/4242 | tr '\n' ' ')" 'pipewire-0 pulse wayland-0 ' "with the user's display and sound"
is "$(run none stat -c %a:%u /run/user/4242)" 700:4242 'as it was'
ok '--allow gives one back' run --allow /run/dbus none sh -c "$connects /run/dbus/system_bus_socket"
ok 'and no other' not run --allow /run/dbus none sh -c "$connects /run/nscd/socket"
like "$(run --allow /run/nosuch none true 2>&1)" '--allow /run/nosuch' '--allow of nothing: a sentence'
for dots in /run/../etc/passwd /run//dbus; do
	like "$(run --allow $dots none true 2>&1)" 'not a plain absolute path' "--allow $dots: refused"
done
# A /var/run that is no link, and sssd's pipes.
mount -t tmpfs -o mode=755 tmpfs /var
mkdir -p /var/run/nscd /var/lib/sss/pipes /var/tmp
touch /var/run/nscd/socket /var/lib/sss/pipes/nss
is "$(run none sh -c 'ls /var/run/nscd /var/lib/sss/pipes 2>/dev/null; ls -d /var/run/lock')" /var/run/lock \
	'L05 L07: neither what is in a /var/run of its own nor sssd is there'
umount /var
# What root mounts in a sandbox stays in it, also where the host shares its mounts, as systemd has it.
mount --make-rshared /
before=$(wc -l </proc/self/mountinfo)
"$V" none true
is "$(wc -l </proc/self/mountinfo)" "$before" 'R08: mounts of a sandbox of root do not come out of it'
mount --make-rprivate /

# A sandbox that stays, to look into while the host changes.
$SP $V none sh -c 'exec sleep 600' &
IN=$!
wait_for 5 sh -c "grep -q sleep /proc/$IN/comm"
with() { run --with "$IN" "$@"; }
ours='# Written by vpnrun'
like "$(with head -n1 /etc/resolv.conf)" "$ours" 'R43 resolv.conf is ours'
for kind in file absolute relative dangling; do
	mkdir -p /run/fake
	echo 'nameserver 192.0.2.54' >/run/fake/r
	rm -f /etc/new
	case $kind in
	file) echo 'nameserver 192.0.2.54' >/etc/new ;;
	absolute) ln -s /run/fake/r /etc/new ;;
	relative) ln -s ../run/fake/r /etc/new ;;
	dangling) ln -s /nowhere /etc/new ;;
	esac
	mv -f /etc/new /etc/resolv.conf
	like "$(with head -n1 /etc/resolv.conf)" "$ours" "L08 R43 a new one ($kind) renamed over the host's changes nothing inside"
	like "$(run none head -n1 /etc/resolv.conf)" "$ours" "L08 R43 nor for a new sandbox ($kind)"
done
rm -f /etc/resolv.conf; echo 'nameserver 192.0.2.53' >/etc/resolv.conf
is "$(run none cat /etc/nsswitch.conf | tr '\n' '|')" 'passwd: files|hosts: files dns|networks: files|' \
	'L07 nsswitch.conf asks no daemon'
kill "$L0" "$L1"
rm -rf /run/nscd /run/systemd
mkdir -p /run/nscd /run/systemd/resolve
listener L0 /run/nscd/socket; listener L1 /run/systemd/resolve/io.systemd.Resolve
ok 'control: nscd was restarted in a new directory' wait_for 5 can /run/nscd/socket
ok 'L05 it is still not inside' not with sh -c "$connects /run/nscd/socket"
ok 'L06 nor resolved' not with sh -c "$connects /run/systemd/resolve/io.systemd.Resolve"
chmod 755 /run/systemd /run/systemd/resolve
is "$(cd /run/systemd/resolve && run none pwd)" / 'a directory that is hidden is left'
ok 'L06 so that it is no way out' not sh -c "cd /run/systemd/resolve && setpriv --reuid 4242 --regid 4242 --clear-groups $V none test -e ./io.systemd.Resolve"
is "$(cd /etc && run none head -c ${#ours} resolv.conf)" "$ours" 'nor is /etc as the working directory'
is "$(cd /run/user/4242 && run none pwd)" /run/user/4242 'what is there stays the working directory'
ok 'nothing leads to the layer' run none sh -c '! ls -d /run/etc /run/run /run/copy 2>/dev/null'
ok '/etc cannot be written' not run none sh -c ': >/etc/resolv.conf'
is "$(run --dns 192.0.2.9 --dns 2001:db8::9 none grep -v '^#' /etc/resolv.conf | tr '\n' ' ')" \
	'nameserver 192.0.2.9 nameserver 2001:db8::9 search . ' '--dns names the servers'

if command -v ssh >/dev/null; then
	mkdir -p /etc/ssh/ssh_config.d
	echo 'Compression yes' >/etc/ssh/ssh_config.d/50-test.conf
	echo 'Include /etc/ssh/ssh_config.d/*.conf' >/etc/ssh/ssh_config
	like "$(me unshare -U --map-user=4242 --map-group=4242 ssh -G host 2>&1)" 'Bad owner' \
		'control: ssh refuses its included files in a user namespace'
	like "$(run none ssh -G host 2>&1)" 'compression yes' 'ssh reads them inside'
else
	skip 'no ssh' 'ssh reads its included files inside'
fi

# --- where the kernel makes no overlay ---------------------------------------------------------

copied() { # copied DESCRIPTION SETUP: all of it in a mount namespace of its own
	unshare -m --propagation private bash -c "set -e; $2; cd /; exec $SP $V -v none sh -c \
		'cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf; touch /etc/x && echo writable; ssh -G h'" 2>&1
}
mkdir -p /mnt/low1 /mnt/low2
out=$(copied deep 'for i in 1 2; do mount -t overlay o -o ro,lowerdir=/mnt/low$i:/etc /etc; done')
like "$out" 'it is a copy' 'an overlay on two overlays: a copy of /etc'
like "$out" "$ours" 'L08 with our resolv.conf'
like "$out" 'hosts: files dns' 'L07 and nsswitch.conf'
like "$out" 'from-hosts' "and the host's other files"
ok 'read-only' not grep -q writable <<<"$out"
command -v ssh >/dev/null && like "$out" 'compression yes' 'and ssh reads its files'
out=$(copied below 'echo 192.0.2.78 mounted from-hosts >/mnt/low1/h; mount --bind /mnt/low1/h /etc/hosts')
like "$out" 'it is a copy.*Written by vpnrun.*mounted' 'a file mounted below /etc, as in containers: a copy'

# --- user namespaces forbidden -----------------------------------------------------------------

like "$(unshare -U --map-user=4242 --map-group=4242 --keep-caps sh -c \
	"echo 0 >/proc/sys/user/max_user_namespaces; $V none true" 2>&1)" \
	'user.max_user_namespaces=0; to allow' 'user namespaces forbidden: by what, and what to do'

# --- strict ------------------------------------------------------------------------------------

touch /tmp/mine; mkdir /tmp/.X11-unix
E='env DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/4242/bus SSH_AUTH_SOCK=/tmp/mine DISPLAY=:0'
is "$(me $E $V --strict none ls -A /run/user/4242 /tmp | tr '\n' ' ')" \
	'/run/user/4242:  /tmp: ' 'L15 L42 L43 --strict: neither session nor display nor sound'
is "$(me $E $V --strict none sh -c 'echo "$DBUS_SESSION_BUS_ADDRESS$SSH_AUTH_SOCK$DISPLAY"')" '' \
	'L15 --strict: and nothing speaks of them'
rm -f /run/user/4242/bus
listener S0 /run/user/4242/bus
wait_for 10 test -S /run/user/4242/bus
is "$(me $E $V --strict --allow /run/user/4242/bus --allow /tmp/.X11-unix none sh -c 'echo "$DBUS_SESSION_BUS_ADDRESS $DISPLAY"')" \
	'unix:path=/run/user/4242/bus :0' '--allow gives back by name'
is "$(run --strict none stat -c %a /run/user/4242)" 700 '--strict: the directory is private'
is "$(me $E $V none sh -c 'echo "$DBUS_SESSION_BUS_ADDRESS $SSH_AUTH_SOCK $DISPLAY"')" ' /tmp/mine :0' \
	"without it the keys and the display stay, and the session's bus does not"

# --- strict: what a word gives back ------------------------------------------------------------

kill "$S0"
rm -rf /run/user/4242/wayland-0 /run/user/4242/pipewire-0 /run/user/4242/bus /tmp/.X11-unix
mkdir /tmp/.X11-unix
listener S1 /run/user/4242/pipewire-0
listener S2 /run/user/4242/pulse/native
listener S3 /tmp/.X11-unix/X7
listener S4 /run/user/4242/bus
listener S5 /run/user/4242/other
for path in user/4242/pipewire-0 user/4242/pulse/native user/4242/bus user/4242/other; do wait_for 10 test -S /run/$path; done
wait_for 10 test -S /tmp/.X11-unix/X7
E='env XDG_RUNTIME_DIR=/run/user/4242 DISPLAY=:7.0 PULSE_SERVER=unix:/run/user/4242/pulse/native XAUTHORITY=/run/user/4242/xauth_x'
echo cookie >/run/user/4242/xauth_x; chown 4242 /run/user/4242/xauth_x
shown() { me $E $V --strict "$@" none sh -c 'find /run/user/4242 /tmp ! -type d | sort; echo $XDG_RUNTIME_DIR $DISPLAY $XAUTHORITY $PULSE_SERVER $DBUS_SESSION_BUS_ADDRESS' | tr '\n' ' '; }
is "$(shown)" '/run/user/4242 ' 'L15 --strict without a word: nothing, and nothing speaks of it'
is "$(shown --allow sound)" '/run/user/4242/pipewire-0 /run/user/4242/pulse/native /run/user/4242 unix:/run/user/4242/pulse/native ' \
	'L42 --allow sound: both sound servers, and nothing else'
is "$(shown --allow x11)" '/run/user/4242/Xauthority /tmp/.X11-unix/X7 /run/user/4242 :7.0 /run/user/4242/Xauthority ' \
	'--allow x11: the display and its cookie'
is "$(shown --allow bus)" '/run/user/4242/bus /run/user/4242 unix:path=/run/user/4242/bus ' '--allow bus: the bus'
can_strict() { me $E $V --strict "$@" none sh -c "$connects \"\$0\"" "$path"; }
for path in /run/user/4242/pulse/native /run/user/4242/bus /tmp/.X11-unix/X7; do
	ok "L15 L42 --strict: $path does not answer" not can_strict
	ok "and where it is allowed it does" can_strict --allow sound --allow bus --allow x11
done
like "$(me env DISPLAY=remote:0 $V --strict --allow x11 none true 2>&1)" "DISPLAY 'remote:0' is not a display of this" \
	'--allow x11 with a display elsewhere: a sentence'
like "$(me env DBUS_SESSION_BUS_ADDRESS=tcp:host=x $V --allow bus none true 2>&1)" 'not a socket with a path' \
	'--allow bus with a remote one: a sentence'
like "$(me env PULSE_SERVER=unix:/x PIPEWIRE_REMOTE=/y $V --strict --allow sound none true 2>&1)" 'no sound server, neither .* at /x nor .* at /y; .*--allow /dev/snd' \
	'--allow sound without a server: a sentence'
like "$(me $E $V --strict --allow wayland none true 2>&1)" 'no compositor at /run/user/4242/wayland-0' '--allow wayland without a compositor: a sentence'
like "$(run --allow telepathy none true 2>&1)" 'neither an absolute path nor one of: wayland' 'another word: a sentence'
like "$(me env DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/4242/bus $V --allow bus none true 2>&1)" 'outside' '--allow bus is said aloud'
E='env XDG_RUNTIME_DIR=/run/user/4242 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/4242/bus'
for left in 'ln -s /mnt/home/victim' 'mkdir' 'mkfifo'; do
	echo untouched >/mnt/home/victim
	me $E $V none sh -c "rm -rf \$XDG_RUNTIME_DIR/bus; $left \$XDG_RUNTIME_DIR/bus"
	ok "--allow bus over what a program inside left there ($left)" me $E $V --allow bus none sh -c "$connects /run/user/4242/bus"
done
is "$(cat /mnt/home/victim)" untouched 'and no link was followed'
kill "$S1" "$S2" "$S3" "$S4" "$S5"

# --- strict: devices, terminals, shared memory, signals ----------------------------------------

fuse=
[ ! -e /dev/fuse ] || fuse='fuse '
is "$(run --strict none ls /dev | tr '\n' ' ')" \
	"fd full ${fuse}mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero " 'L44 --strict: /dev has what every program needs'
ok 'they work' run --strict none sh -c 'echo x >/dev/null && head -c1 /dev/urandom >/dev/full 2>&1 || test -c /dev/zero'
ok 'L44 and nothing can be added' not run --strict none sh -c 'touch /dev/x'
is "$(run --strict none sh -c 'ls /dev/pts')" ptmx 'L44 --strict: no terminal of the host'
ok 'L44 --allow gives a device back' run --strict --allow /dev/kmsg none test -c /dev/kmsg
on_tty() { me script -qec "$*" /dev/null </dev/null 2>/dev/null | tr -d '\r'; }
is "$(on_tty "$V --strict none tty")" /dev/console 'L44 --strict: the own terminal is /dev/console'
is "$(on_tty "$V --strict none readlink /proc/self/fd/0")" /dev/console 'by every way of asking'
like "$(on_tty "$V --strict none script -qec tty /dev/null")" /dev/pts/0 'and new ones can be made'
# The same number in another devpts is another terminal.
# shellcheck disable=SC2016
like "$(script -qec 'unshare -m --propagation private sh -c "mount -t devpts -o newinstance,ptmxmode=666,mode=666 d /dev/pts
	mount --bind /dev/pts/ptmx /dev/ptmx
	for i in 1 2 3 4 5 6 7 8 9; do (script -qfc \"sleep 30\" /dev/null </dev/null >/dev/null 2>&1 &); done
	until [ -e /dev/pts/8 ]; do sleep 0.05; done
	'"$SP $V"' --strict none sh -c \"tty; ls /dev/console\""' /dev/null </dev/null 2>/dev/null)" 'not a tty.*cannot access' \
	'L44 --strict: the terminal of another devpts is not taken for the own one'
like "$(on_tty "$V --strict none bash -ic 'sleep 60 & kill %1 && echo job-control'")" job-control 'R04 --strict: job control'
ipc() { readlink "/proc/$1/ns/ipc"; }
ok 'L45 --strict: shared memory of its own' test "$(run --strict none readlink /proc/self/ns/ipc)" != "$(ipc self)"
is "$(run none readlink /proc/self/ns/ipc)" "$(ipc self)" 'control: by default it is shared'
me ipcmk -M 4096 >/dev/null
touch /dev/shm/launch.t.$$; chown 4242 /dev/shm/launch.t.$$
ok 'control: by default a segment of the user'"'"'s is seen' run none sh -c 'test $(wc -l </proc/sysvipc/shm) -gt 1'
is "$(run --strict none sh -c 'wc -l </proc/sysvipc/shm; ls /dev/shm')" 1 'L45 --strict: neither SysV nor POSIX memory of others'
me ipcrm -a 2>/dev/null
rm -f /dev/shm/launch.t.$$
$SP sleep 600 &
VICTIM=$!
ok 'control: by default the user'"'"'s processes can be signalled' run none kill -0 $VICTIM
if $V -v --strict none true 2>&1 | grep -q 'cannot keep signals'; then
	skip 'no Landlock scopes in this kernel' 'L45 --strict: no signal to a process outside'
else
	ok 'L45 --strict: no signal to a process outside' not run --strict none kill -0 $VICTIM
fi
ok 'L45 --strict: but to its own' run --strict none bash -c 'sleep 60 & kill $!'
ok 'a file moves from directory to directory' run --strict none bash -c 'mkdir -p $HOME/a $HOME/b && touch $HOME/a/x && mv $HOME/a/x $HOME/b/x'
kill $VICTIM
ok 'L13 --strict loads the policy strict: no user namespace' not run --strict none unshare -U true
ok 'control: the default policy allows one' run none unshare -U true
is "$(run --strict host sh -c 'ls -A /run/user/4242; ls /run/dbus 2>&1 | grep -c socket')" 0 'L15 --strict host: no session and no system bus either'
is "$(run --strict host head -n1 /etc/resolv.conf)" 'nameserver 192.0.2.53' 'R06 --strict host: its names, all the same'
listener SA @launch-strict
ok 'control: on the host'"'"'s network abstract sockets answer' wait_for 10 run host sh -c "$connects @launch-strict"
$V -v --strict none true 2>&1 | grep -q 'cannot keep signals' ||
	ok 'L45 --strict host: they do not' not run --strict host sh -c "$connects @launch-strict"
kill "$SA"
is "$(script -qec "$SP $V --strict none tty" /dev/null </dev/null 2>/dev/null | tr -d '\r\0')" /dev/console \
	'L44 --strict: a terminal of another user'"'"'s, as after su'
is "$($V --user tester none id -u)" 4242 'R08 root: --user is who it names'
like "$(SUDO_UID=4294967295 SUDO_GID=0 $V none id -u 2>&1)" 'name no user' 'R08 sudo: a number that is nobody: refused, not root'
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, net_bind_service, sys_chroot: never sys_admin or net_admin.
is "$($V none grep CapEff /proc/self/status | cut -f2)" 00000000000404fb 'L12 as root: only what leads out of no sandbox'
is "$($V --policy none none grep CapEff /proc/self/status | cut -f2)" 00000000000400eb 'L12 also without a policy'
is "$($V --strict none sh -c 'ls /dev; ls /dev/pts' | grep -cE 'pts|kmsg')" 1 'L44 --strict as root: the same /dev'
$SP $V --strict none sleep 600 &
SIN=$!
wait_for 10 grep -q sleep /proc/$SIN/comm
is "$(me $V --with $SIN readlink /proc/self/ns/ipc)" "$(ipc $SIN)" '--with: its shared memory'
kill $SIN

# --- into a sandbox that runs ------------------------------------------------------------------

is "$(with readlink /proc/self/ns/net)" "$(readlink /proc/$IN/ns/net)" '--with: its network'
is "$(with readlink /proc/self/ns/user)" "$(readlink /proc/$IN/ns/user)" '--with: its user namespace'
is "$(with grep -E '^(CapEff|CapBnd|Seccomp):' /proc/self/status | cut -f2 | tr '\n' ' ')" \
	'0000000000000000 0000000000000000 2 ' '--with: no more powers than the first'
is "$(cd /etc && run --with $IN head -c ${#ours} resolv.conf)" "$ours" '--with: the working directory is entered anew'
is "$(me /mnt/bin/with-fds $V --with $IN sh -c "$fds")" '20 21 25 ' '--with: no stray descriptor'
is "$(status_of with sh -c 'exit 44')" 44 '--with: the status'
like "$(as 4343 $V --with $IN true 2>&1)" 'is not yours' "--with: another user's is refused"
like "$(run --with $OUT true 2>&1)" 'not confined by vpnrun' '--with: one that is not confined'
like "$(run --with 1 true 2>&1)" 'is not yours' "--with: root's"
like "$(run --with 999999 true 2>&1)" 'no process 999999' '--with: none'

# What is not vpnrun's is not entered: the command would go out by whatever network is there.
setpriv --reuid 4242 --regid 4242 --clear-groups --inh-caps=-all unshare -Unm --map-user=4242 --map-group=4242 sleep 600 &
ALIEN=$!
wait_for 10 grep -q sleep /proc/$ALIEN/comm
like "$(run --with $ALIEN true 2>&1)" 'confined, but not by vpnrun' "L50 --with: another program's sandbox of one's own is refused"
kill $ALIEN
# Whoever joins keeps to the sandbox's policy, whatever the line says.
userns() { me $V "$@" unshare -U true; }
for first in "--strict none" "--policy strict none"; do
	$SP $V $first sleep 600 &
	FIRST=$!
	wait_for 10 grep -q sleep /proc/$FIRST/comm
	ok 'control: the policy default lets a user namespace be made' userns none
	ok "L50 --with into $first: its policy" not userns --with $FIRST
	ok "L50 --with into $first: also where another is named" not userns --with $FIRST --policy browser
	ok "L50 --with into $first: and where none is" not userns --with $FIRST --policy none
	kill $FIRST
done
is "$(run --with $IN --policy none sh -c 'grep ^Seccomp: /proc/self/status | cut -f2')" 2 'L50 --policy none does not take the filter of the sandbox away'
# The program inside has the same uid, and its /run is a file system of its own.
ok 'L50 the record of the sandbox cannot be replaced from inside' not run none sh -c \
	'rm -f /run/vpnrun-sandbox || mv /run/vpnrun-sandbox /run/x || chmod u+w /run/vpnrun-sandbox && : >/run/vpnrun-sandbox'
ok 'control: other files of its /run can' run none sh -c ': >/run/x && mv /run/x /run/y && rm /run/y'
# A launcher that waits between its filter and the command: its standard error is a pipe that is full.
cat >/mnt/bin/stuck <<'X'
#!/usr/bin/perl
use Fcntl;
pipe R, W; fcntl W, F_SETFL, O_NONBLOCK; 1 while syswrite W, "x" x 4096; 1 while syswrite W, "x";
fcntl W, F_SETFL, 0; open STDERR, ">&W"; fcntl R, F_SETFD, 0;
exec @ARGV;
X
chmod 755 /mnt/bin/stuck
$SP /mnt/bin/stuck $V -v --with $IN sleep 600 &
STUCK=$!
is_stuck() { grep -q vpnrun /proc/$STUCK/comm && grep -q pipe_write /proc/$STUCK/wchan && grep -q 'Seccomp:.2' /proc/$STUCK/status; }
if wait_for 5 is_stuck; then
	ok 'control: a program of the sandbox can look into another there' with sh -c "readlink /proc/$IN/root"
	ok 'L50 and not into a launcher that joins it' not with sh -c "readlink /proc/$STUCK/root || readlink /proc/$STUCK/ns/net"
	ok 'L50 nor open its memory' not with sh -c ": </proc/$STUCK/mem"
else
	diag "$(cat /proc/$STUCK/comm /proc/$STUCK/wchan; grep Secc /proc/$STUCK/status)"
	ok 'L50 a launcher that waits before its command' false
fi
kill -9 $STUCK

# --- the host's network ------------------------------------------------------------------------

is "$(run host readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)" "R06 host: the host's network"
is "$(run host head -n1 /etc/resolv.conf)" 'nameserver 192.0.2.53' 'R06 host: its names'
is "$(run host --dns 192.0.2.9 readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)" 'R06 with --dns: the same network'
is "$(run host --dns 192.0.2.9 grep -v '^#' /etc/resolv.conf)" $'nameserver 192.0.2.9\nsearch .' 'R06 but that server'
touch /run/systemd/resolve/x
is "$(run host --dns 192.0.2.9 ls /run/systemd/resolve)" '' 'L06 R06 with --dns: nor resolved'
rm /run/systemd/resolve/x
ok 'R06 with --dns: no nscd before it' not run host --dns 192.0.2.9 sh -c "$connects /run/nscd/socket"
ok 'R06 with --dns: the system bus is there' run host --dns 192.0.2.9 sh -c "$connects /run/dbus/system_bus_socket"

# --- nested ------------------------------------------------------------------------------------

if command -v bwrap >/dev/null; then
	ok 'a nested bwrap works' run none bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all true
else
	skip 'no bwrap' 'a nested bwrap works'
fi

# --- through the broker ------------------------------------------------------------------------

rm -f /etc/vpnrun/work.json
ip netns add tst
ip -n tst link add br-tst type bridge
ip -n tst addr add 10.20.7.1/24 dev br-tst
ip -n tst link set br-tst up
ip -n tst link set lo up
/mnt/bin/mkvpn tst 7 "$(ip netns exec tst cat /sys/class/net/br-tst/ifindex)" ip4 ip6 group=vpnrun
like "$(run tst true 2>&1)" 'broker is not running' 'broker not running: a sentence'
is "$(status_of run tst true)" 125 'and 125'
mkfifo /mnt/run/ready
/mnt/libexec/vpnrund --ready-fd 8 8>/mnt/run/ready 2>/mnt/run/log &
BROKER=$!
read -r -t 20 </mnt/run/ready
like "$(as 4343 $V tst true 2>&1)" '^vpnrun: .*(not|allow)' 'L26 user not allowed: the broker says so'
is "$(status_of as 4343 $V tst true)" 125 'and 125'
flags=$(run tst sh -c 'ip -o link show vpn0; ip -o -4 addr show vpn0; ip route; ip -6 addr show vpn0; ip -6 route')
like "$flags" 'vpn0@.*UP' 'R07 an ordinary user gets the cable, up'
like "$flags" 'inet 10.20.7.[0-9]+/24' 'with its IPv4 address'
like "$flags" 'default via 10.20.7.1 dev vpn0 .*onlink' 'and a default route through the bridge'
like "$flags" 'inet6 fd76:706e:7275:7::[0-9a-f]+/64 .*default via fd76:706e:7275:7::1' 'and the same for IPv6'
ok 'but no route to its neighbours' not grep -qE '10.20.7.0/24|fd76:706e:7275:7::/64' <<<"$flags"
ok 'R58 ping of the gateway' run tst ping -c1 -W2 10.20.7.1
ok 'L04 no link-local address' not grep -q 'inet6 fe80' <<<"$flags"
/mnt/bin/mkvpn tst 7 "$(ip netns exec tst cat /sys/class/net/br-tst/ifindex)" ip4 group=vpnrun
is "$(run tst sh -c 'ip -6 addr show vpn0; ip -6 route show dev vpn0')" '' 'R60 L04 no IPv6 in the VPN: none on the cable'
like "$(run tst bash -c ': </dev/tcp/2001:db8::1/80' 2>&1)" 'unreachable' 'R60 and a connect by it fails'
ok 'R60 at once' test "$(ms run tst bash -c ': </dev/tcp/2001:db8::1/80')" -lt $((500 * ${RIG_SLOW_FACTOR:-1}))
is "$(run - id -u):$(run default id -u):$(run -- id -u)" 4242:4242:4242 'R02 the default by any of its names'
is "$(run tst sh -c 'exit 55')$?" 55 'R04 the exit status'
ok 'L25 the broker cannot be reached from inside' run tst sh -c '! test -e /run/vpnrun'
is "$($V tst sh -c 'id -u; ip -o link show vpn0 | grep -c vpn0' | tr '\n' ' ')" '0 1 ' 'root needs no broker'
is "$(SUDO_UID=4242 SUDO_GID=4242 $V tst sh -c 'id -un; id -G; echo $HOME $USER $XDG_RUNTIME_DIR; ls -d /proc/self/root' | tr '\n' ' ')" \
	'tester 4242 65534 /mnt/home tester /run/user/4242 /proc/self/root ' 'sudo vpnrun becomes the user, groups included'
ok 'sudo vpnrun: in a user namespace' test \
	"$(SUDO_UID=4242 SUDO_GID=4242 $V tst readlink /proc/self/ns/user)" != "$(readlink /proc/self/ns/user)"
like "$(SUDO_UID=x $V tst true 2>&1)" 'name no user' 'a SUDO_UID that is none is refused, not ignored'
no_ports() { [ -z "$(ip -n tst -o link show type veth)" ]; }
for _ in 1 2 3 4 5 6 7 8 9 10; do run tst true; done
ok 'nothing is left of them' wait_for 10 no_ports
for t in 1 2 3 4 5; do
	$SP $V tst sleep 600 &
	P=$!
	read -r -t 0.00$t <> <(:) || :
	kill -9 $P 2>/dev/null
	wait $P 2>/dev/null
done
ok 'R76 a launcher killed at any moment leaves nothing' wait_for 10 no_ports

kill "$BROKER" "$OUT" "$IN" "$ABSTRACT" "$L0" "$L1" "$L2" "$L3" "$L4" 2>/dev/null
finish
