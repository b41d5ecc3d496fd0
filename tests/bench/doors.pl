#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# doors.pl VPN ROUNDS JSON: what a desktop's sockets cost a launch. The same launch, in turns: from a
# network namespace in which nobody listens; from the host's, where 300 do, as on a desktop 270 of them
# below /run and 30 where they have to be covered; and from there with a session bus, so that the
# launch has one of the VPN's own. As root, in the rig.
use strict;
use warnings;
use FindBin;
use POSIX ();
use Socket;
use lib $FindBin::Bin;
use Turns;

my ($vpn, $rounds, $out) = @ARGV;
my $uid = $ENV{RIG_UID};
my $dir = "$ENV{RIG_DIR}/doors-bench";
my $home = `as_user sh -c 'echo \$HOME'`;
chomp $home;

# Listeners until the returned process ends.
sub listen_at {
	my ($as, @names) = @_;
	pipe my $ready, my $done or die;
	my $pid = fork // die "$!\n";

	if (!$pid) {
		my @keep;

		POSIX::setgid($as), POSIX::setuid($as) if $as;
		for (@names) {
			socket my $s, AF_UNIX, SOCK_STREAM, 0 or die "$!\n";
			bind $s, pack_sockaddr_un($_) or die "$_: $!\n";
			listen $s, 5;
			push @keep, $s;
		}
		syswrite $done, '.';
		sleep 100000;
	}
	close $done;
	sysread $ready, my $dot, 1 or die "cannot listen\n";
	return $pid;
}

# Milliseconds of one launch by the user; @before: what enters another place first.
sub launch {
	my ($bus, @before) = @_;
	my @line = (@before, 'as_user', 'env', $bus ? "DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/user/bus" : '-uNONE',
		"$ENV{RIG_DIR}/build/bench/spawn", '/dev/null', "$dir/user/log", "$ENV{RIG_DIR}/build/bin/vpnrun", $vpn, 'true');

	open my $ms, '-|', @line or die "$!\n";
	my $line = <$ms>;
	close $ms or die "@line: failed:\n" . `cat $dir/user/log`;
	return $line + 0;
}

system "mkdir -p $dir /run/doors-bench && install -d -o $uid -g $uid $dir/user $home/doors-bench" and die;
system "ip netns add doors-bench" and die;
my @pids = (
	listen_at(0, (map { "/run/doors-bench/$_" } 1 .. 150), map { "$dir/$_" } 1 .. 10),
	listen_at($uid, (map { "/run/user/$uid/doors-bench-$_" } 1 .. 120), (map { "$home/doors-bench/$_" } 1 .. 10),
		map { "/dev/shm/doors-bench-$_" } 1 .. 10));
my $bus = -x '/usr/bin/dbus-daemon';
if ($bus) {
	my $pid = fork // die "$!\n";
	exec 'as_user', 'dbus-daemon', '--session', '--nofork', "--address=unix:path=$dir/user/bus" unless $pid;
	select undef, undef, undef, 0.05 until -S "$dir/user/bus";
	push @pids, $pid;
	# The VPN's own bus starts once, and stays for as long as something is in the VPN.
	my $stays = fork // die;
	exec 'as_user', 'env', "DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/user/bus", 'vpnrun', $vpn, 'sleep', 100000
		unless $stays;
	push @pids, $stays;
	select undef, undef, undef, 0.05 until -S "/run/user/$uid/vpnrun/$vpn/run/bus";
}
my $t = Turns->new($vpn);
my @them = (['no listeners', sub { ('' => launch(0, 'nsenter', '--net=/run/netns/doors-bench')) }],
	['300 listeners', sub { ('' => launch(0)) }]);
push @them, ['300 listeners, a session bus', sub { ('' => launch(1)) }] if $bus;
$t->rounds($rounds, @them);
my @json = $t->report('A launch beside (ms)');
Turns::write_json($out, @json);
kill 'TERM', @pids;
system "ip netns del doors-bench; rm -rf /run/doors-bench /run/user/$uid/doors-bench-* $dir $home/doors-bench /dev/shm/doors-bench-*";
