#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unix sockets with a path on which somebody outside listens: each is shown to be open to whoever only
# sits in the VPN's network, then dead in a sandbox. Runs inside the rig.
# shellcheck disable=SC2016,SC2086 # scripts for other shells and for perl; lists of words
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
R=/run/user/$RIG_UID
for at in /opt /tmp /var/lib/misc; do mount -t tmpfs -o mode=1777 doors $at; done
old() { # in the VPN's network, and nothing else changed: as people do it today
	in_vpn demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups env HOME="$home" XDG_RUNTIME_DIR="$R" "$@"
}
inside() { as_user vpnrun demo "$@"; }
strict() { as_user vpnrun --strict demo "$@"; }

# --- helpers in perl -------------------------------------------------------------------------------

mkdir -p /opt/t
# listen.pl HOW NAME...: listens and says so; ask.pl NAME...: what each says; names in URL encoding.
cat >/opt/t/listen.pl <<'X'
use Socket; use Fcntl;
my ($how, @names) = @ARGV; my @keep;
my $type = $how =~ /dgram/ ? SOCK_DGRAM : $how =~ /seqpacket/ ? SOCK_SEQPACKET : SOCK_STREAM;
for (@names) {
	s/%(..)/chr hex $1/ge;
	my $at = $_; my $dir = $at =~ s{[^/]*$}{}r; my $tmp = "$at.tmp";
	if ($how =~ /relative/) { chdir $dir or die; $at =~ s{.*/}{}; $tmp = "$at.tmp" }
	$tmp = $at unless $how =~ /rename|link|qt/;
	if ($how =~ /qt/) { mkdir "$dir.q"; $tmp = "$dir.q/s" }
	unlink $at; socket my $s, AF_UNIX, $type, 0 or die;
	bind $s, pack_sockaddr_un($tmp) or die "$tmp: $!";
	chmod 0777, $tmp; listen $s, 50 if $type != SOCK_DGRAM && $how !~ /bound/;
	rename $tmp, $at or die if $how =~ /rename/;
	if ($how =~ /link/) { link $tmp, $at or die; unlink $tmp if $how !~ /both/ }
	if ($how =~ /qt/) { rename $tmp, $at or die; rmdir "$dir.q" unless $how =~ /stays/ }
	push @keep, $s;
}
$| = 1; print "ready\n"; sleep 1000;
X
cat >/opt/t/ask.pl <<'X'
use Socket;
for (@ARGV) {
	s/%(..)/chr hex $1/ge; my $said = '';
	for my $type (SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM) {
		socket my $s, AF_UNIX, $type, 0;
		if (connect $s, pack_sockaddr_un($_)) { $said = 'open'; last }
		$said = "$!" unless $!{EPROTOTYPE};
	}
	print $said =~ /refused/ ? 'dead' : $said =~ /No such/ ? 'none' : $said, ' ';
}
X
pids=
listens() { # listens WHO HOW NAME...: waits until it does
	local fd who=$1
	shift
	exec {fd}< <(exec $who perl /opt/t/listen.pl "$@")
	pids+=" $!"
	read -r _ <&$fd
}
ask() { perl /opt/t/ask.pl "$@"; }
quiet() { kill $pids 2>/dev/null; pids=; }

# --- L33: wherever they are -------------------------------------------------------------------------

as_user mkdir -p "$home/.config/app" /tmp/mine
mkdir -p /opt/nix/daemon-socket /var/lib/misc/lxd
listens as_user '' "$home/s" "$home/.config/app/ipc" /tmp/s /tmp/mine/s /dev/shm/s "$R/s"
listens env '' /opt/nix/daemon-socket/socket /var/lib/misc/lxd/unix.socket
all="$home/s $home/.config/app/ipc /tmp/s /tmp/mine/s /dev/shm/s $R/s /opt/nix/daemon-socket/socket /var/lib/misc/lxd/unix.socket"
is "$(old perl /opt/t/ask.pl $all)" 'open open open open open open open open ' \
	"control: in the VPN's network alone, all of the user's and the system's listeners answer"
is "$(inside perl /opt/t/ask.pl $all)" 'dead dead dead dead dead none dead dead ' 'L33: none inside'
is "$(strict perl /opt/t/ask.pl $all)" 'dead dead none none none none dead dead ' 'L33: nor with --strict'
is "$(as_user vpnrun none perl /opt/t/ask.pl $all)" 'dead dead dead dead dead none dead dead ' 'L33: nor without any network'
is "$(old perl /opt/t/ask.pl $all)" 'open open open open open open open open ' 'outside they live on'
is "$(as_user vpnrun --allow "$home/s" --allow /opt/nix --allow "$R/s" demo perl /opt/t/ask.pl $all)" \
	'open dead dead dead dead open open dead ' '--allow gives back a listener, or those of a directory'
like "$(as_user vpnrun --allow "$home/nosuch" demo true 2>&1)" "^vpnrun: --allow $home/nosuch: .*No such file" '--allow of nothing: a sentence'
is "$(inside sh -c 'rm -f "$1"; mv "$1" "$1.x"; ls "$1"' - "$home/s" 2>/dev/null)$(old perl /opt/t/ask.pl "$home/s")" \
	"$home/s"'open ' 'a program that takes it for a stale one cannot remove it'
is "$(inside perl -e 'use Socket; $n = shift; socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un($n) or die; listen S, 5;
	exec "perl", "/opt/t/ask.pl", $n' "$home/own")" 'dead ' 'control: what ended is dead'
quiet

# --- by whatever name and kind -----------------------------------------------------------------------

for how in '' dgram seqpacket bound rename link linkboth relative 'relative rename' 'relative link' 'relative dgram' qt 'qt stays'; do
	listens as_user "$how" "$home/n"
	was=$(old perl /opt/t/ask.pl "$home/n" "$home/n.tmp")
	now=$(inside perl /opt/t/ask.pl "$home/n" "$home/n.tmp")
	case $how in
	linkboth) want='open open |dead dead ' ;;
	bound) want='dead none |dead none ' ;; # but it could listen at any time
	*) want='open none |dead none ' ;;
	esac
	is "$was|$now" "$want" "L32 L33: ${how:-stream}"
	quiet
	rm -f "$home/n" "$home/n.tmp"
done
long=$home/$(printf '%0*d' $((107 - ${#home} - 1)) 0)
names="$home/a%0Ab $home/%0A%0A/etc/passwd $home/sp%20ace $home/x%20(deleted) $home/%FF%C3 $home/..%2E $long $home/0000:%2000000002%2000000000%2000010000%200001%2001%2012345%20/x"
as_user mkdir -p "$home/"$'\n\n/etc' "$home/0000: 00000002 00000000 00010000 0001 01 12345 "
listens as_user '' $names
is "$(old perl /opt/t/ask.pl $names)" 'open open open open open open open open ' 'control: names with newlines, blanks, "(deleted)", other bytes, 107 of them'
is "$(inside perl /opt/t/ask.pl $names)" 'dead dead dead dead dead dead dead dead ' 'L33 hostile names: dead'
quiet
as_user mkdir "$home/real" && as_user ln -s real "$home/way"
listens as_user '' "$home/way/s"
as_user ln -s real/s "$home/direct"
is "$(inside perl /opt/t/ask.pl "$home/way/s" "$home/real/s" "$home/direct")" 'dead dead dead ' 'L33: bound by way of a link: dead by every name'
quiet

# A place where listeners may stay (sound) leads elsewhere.
as_user mkdir /tmp/pulse-b
as_user ln -s "$home/real" /tmp/pulse-a
listens as_user '' /tmp/pulse-a/native /tmp/pulse-b/../mine/t /tmp/pulse-b/native
all="/tmp/pulse-a/native $home/real/native /tmp/mine/t /tmp/pulse-b/../mine/t /tmp/pulse-b/native"
is "$(old perl /opt/t/ask.pl $all)" 'open open open open open ' 'control: listeners bound by way of a link and of ".."'
is "$(inside perl /opt/t/ask.pl $all)" 'dead dead dead dead open ' 'L33: what may stay is told by where a socket is, not by how its name begins'
quiet

# --- what the desktop needs, and what comes later -------------------------------------------------------

mkdir -m 1777 /tmp/.X11-unix
as_user mkdir -p /tmp/ssh-XX "$home/.cache/ibus"
listens env '' /tmp/.X11-unix/X7
listens as_user '' /tmp/ssh-XX/agent.1 /tmp/ssh-XX/agent.2 "$home/.cache/ibus/dbus-AB"
all="/tmp/.X11-unix/X7 /tmp/ssh-XX/agent.1 /tmp/ssh-XX/agent.2 $home/.cache/ibus/dbus-AB"
is "$(as_user env SSH_AUTH_SOCK=/tmp/ssh-XX/agent.1 vpnrun demo perl /opt/t/ask.pl $all)" 'open open dead dead ' \
	"X11 and the ssh-agent of SSH_AUTH_SOCK stay; L63: IBus's own bus, on which one can be everybody's keyboard, does not"
is "$(as_user env SSH_AUTH_SOCK=/tmp/ssh-XX/agent.1 vpnrun --strict demo perl /opt/t/ask.pl $all)" 'none none none dead ' 'but with --strict'
quiet
as_user mkfifo "$home/go"
inside sh -c 'touch $HOME/waits; read x <$HOME/go; perl /opt/t/ask.pl $HOME/later' >"$home/said" &
late=$!
wait_for 10 test -e "$home/waits"
listens as_user '' "$home/later"
as_user sh -c 'echo >$HOME/go'
wait $late
is "$(cat "$home/said")" 'open ' 'the open row of the README: a listener that is made after the launch is reached'
quiet

# --- in another network of the user's ------------------------------------------------------------------

# in_sandbox VPN HOW NAME...: a listener in a sandbox, until it is told to end
in_sandbox() { listens "as_user vpnrun $1" "${@:2}"; }
used=$R/vpnrun/other/used
in_sandbox '--strict other' '' "$home/o0"
is "$(inside perl /opt/t/ask.pl "$home/o0")" 'dead ' 'L33: what listens in a strict sandbox of another VPN'
quiet
rm -f "$home/o0"
in_sandbox other '' "$home/o1"
in_sandbox other qt "$home/o2"
in_sandbox other relative "$home/o3"
in_sandbox demo rename "$home/d1"
listens "as_user unshare -Urn" rename "$home/u1"
all="$home/o1 $home/o2 $home/o3 $home/d1 $home/u1"
is "$(old perl /opt/t/ask.pl $all)" 'open open open open open ' "control: in the VPN's network alone, sandboxes of another VPN are reached"
is "$(inside perl /opt/t/ask.pl $all)" 'dead dead dead open dead ' "L32 L33: not inside: only the same VPN's are"
is "$(strict perl /opt/t/ask.pl $all)" 'dead dead dead open dead ' 'with --strict, too'
is "$(as_user vpnrun other perl /opt/t/ask.pl $all)" 'open open open dead dead ' 'and the other way round'
is "$(as_user vpnrun none perl /opt/t/ask.pl $all)" 'dead dead dead dead dead ' 'nor without any network'
ok 'they leave a note that there is something to look for' test -e "$used"
quiet
gone() { inside true; [ ! -e "$used" ]; }
ok 'which goes when they have gone' wait_for 10 gone
listens "as_user unshare -Urn" '' "$home/u2"
is "$(inside perl /opt/t/ask.pl "$home/u2")" 'open ' 'the open row of the README: a network of the own making, where nothing tells that there is one'
as_user mkdir "$R/libpod"
is "$(inside perl /opt/t/ask.pl "$home/u2")" 'dead ' "L33: with the traces of the user's own containers, the networks of those are searched"
as_user rmdir "$R/libpod"
quiet
rm -f "$home/u2"
mv "$R" "$R.away"
in_sandbox other '' "$home/o4"
is "$(inside perl /opt/t/ask.pl "$home/o4")" 'dead ' 'L33: without a runtime directory, where no note can be left, neither'
quiet
rm -f "$home/o4"
mv "$R.away" "$R"
is "$(as_user sh -c 'trap "" CHLD; exec vpnrun demo echo ran')" ran 'a caller that ignores its children: no difference'
rm -f $all

# --- replaced while one looks ------------------------------------------------------------------------

as_user perl -MSocket -e '$n = shift; while (1) { unlink $n; socket S, AF_UNIX, SOCK_STREAM, 0;
	bind S, pack_sockaddr_un($n) and listen S, 5 }' "$home/churn" &
churn=$!
as_user perl -e '$n = shift; while (1) { symlink "/etc/passwd", "$n.l"; rename "$n.l", $n; mkdir "$n.d"; unlink $n; rename "$n.d", $n; rmdir $n }' "$home/churn" &
churn2=$!
is "$(for i in 1 2 3 4 5 6 7 8 9 10; do inside echo ran; done 2>&1 | sort -u)" ran \
	'a listener that is replaced all the time, by links and directories too: launches go on'
kill $churn $churn2

# --- many --------------------------------------------------------------------------------------------

as_user mkdir "$home/many"
for i in 1 2 3 4 5 6 7 8 9 10; do
	listens as_user rename $(seq -f "$home/many/$i-%g" 1000)
done
is "$(inside perl /opt/t/ask.pl "$home/many/1-1" "$home/many/10-1000" "$home/many/5-500")" 'dead dead dead ' \
	'10,000 listeners, all renamed: dead'
quiet
finish
