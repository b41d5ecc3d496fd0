#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# doors.pl VPN ROUNDS JSON: what a desktop's sockets cost a launch. The same launch, in turns with the full
# floor: from a network namespace in which nobody listens; from the host's, where 300 do, as on a desktop
# 270 of them below /run and 30 where they have to be covered; and from there with a session bus, so that
# the launch has one of the VPN's own. Then the steps of each by vpnrun -v, in turns too: where they differ
# is what the sockets cost. As root, in the rig; BENCH_TESTS is this directory.
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

# Milliseconds of one launch by the user, and what it said; @$before: what enters another place first.
sub launch {
	my ($before, $bus, @options) = @_;
	my $log = "$dir/user/log";
	my @line = (@$before, 'as_user', 'env', $bus ? "DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/user/bus" : '-uNONE',
		"$ENV{RIG_DIR}/build/bench/spawn", '/dev/null', $log, "$ENV{RIG_DIR}/build/bin/vpnrun", @options, $vpn, 'true');

	open my $ms, '-|', @line or die "$!\n";
	my $line = <$ms>;
	my $ended = close $ms;
	open my $said, '<', $log or die "$log: $!\n";
	my @said = <$said>;
	die "@line: failed:\n@said" unless $ended;
	return ($line + 0, @said);
}

sub floor {
	my $ms = `'$ENV{RIG_DIR}/build/bench/bench' floor '$vpn'`;

	die "the floor cannot be measured\n" if $?;
	return $ms + 0;
}

# --- the place, and who is in it ------------------------------------------------------------------

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
my @them = (['no listeners', ['nsenter', '--net=/run/netns/doors-bench'], 0], ['300 listeners', [], 0]);
push @them, ['300 listeners, a session bus', [], 1] if $bus;

# --- how long -------------------------------------------------------------------------------------

my $t = Turns->new($vpn);
$t->rounds($rounds, ['full floor', sub { ('' => floor()) }], map { my $who = $_; [$who->[0], sub {
	my ($ms) = launch(@$who[1, 2]);
	return ('' => $ms);
}] } @them);
my @json = $t->report('A launch beside (ms)');
printf "%-46s %9s %9s\n", 'Times', 'medians', 'minima';
for my $pair (map({ [$_->[0], 'no listeners'] } @them[1 .. $#them]), map { [$_->[0], 'full floor'] } @them) {
	my ($a, $b) = map { [$t->median($_), ($t->sorted($_))[0]] } @$pair;

	printf "%-46s %9.2f %9.2f\n", "$pair->[0] : $pair->[1]", map { $a->[$_] / $b->[$_] } 0, 1;
}
print "\n";

# --- step by step ---------------------------------------------------------------------------------

my (%us, @steps);
for my $round (0 .. POSIX::ceil($rounds / 2)) {
	for my $who ($round % 2 ? @them : reverse @them) {
		my (undef, @said) = launch(@$who[1, 2], '-v');

		$t->settle;
		for (map { /^vpnrun: +(\d+) us  (.+)$/ ? [$1, $2] : () } @said) {
			push @steps, $_->[1] unless $us{$_->[1]};
			push @{$us{$_->[1]}{$who->[0]}}, $_->[0];
		}
	}
}
# Where the longest line has them.
@steps = ((grep { $_ ne 'in all' } @steps), 'in all');
printf "%-34s%s\n", 'Its steps: median and minimum in us', join '', map { sprintf '%17.17s', $_->[0] =~ s/300 listeners, a/+/r } @them;
for my $step (@steps) {
	printf "%-34s", $step;
	for my $who (map { $_->[0] } @them) {
		my @v = sort { $a <=> $b } @{$us{$step}{$who} // []};

		printf '%9s%8s', @v ? @v[@v / 2, 0] : ('-', '-');
		push @json, sprintf '{"name": "%s: %s", "n": %d, "median_us": %d, "min_us": %d}', $who, $step, scalar @v,
			@v[@v / 2, 0] if @v;
	}
	print "\n";
}
print "\n";
Turns::write_json($out, @json);
kill 'TERM', @pids;
waitpid $_, 0 for @pids;
$t->settle($t->{ports} - ($bus ? 1 : 0));
system "ip netns del doors-bench; rm -rf /run/doors-bench /run/user/$uid/doors-bench-* $dir $home/doors-bench /dev/shm/doors-bench-*";
