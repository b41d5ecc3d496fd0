#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# beside.pl DIR [--rounds N] [--only PART,...]: this tree beside another one that is built, with test-tools and
# bench-tools, for a change that must cost nothing: `make bench BESIDE=DIR`. Each has a rig of its own, with its own
# broker; they are measured in turns, one launch or one burst each, so that whatever else the machine does falls on both.
# Parts: launch, burst (64 and 250 at once), cni, hook, many (one launch beside 1, 100, 500, 950 and 1000 sandboxes, and
# 64 at once beside 950). As root.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Cwd 'abs_path';
use IPC::Open2;
use JSON::PP;
use Time::HiRes qw(time sleep);
use Turns;

# --- in a rig --------------------------------------------------------------------------------------

my %hold;

sub launch {
	open my $p, '-|', 'as_user', "$ENV{RIG_DIR}/build/bench/spawn", '/dev/null', '/dev/null',
		"$ENV{RIG_DIR}/build/bin/vpnrun", 'demo', 'true'
		or die;
	my $ms = <$p>;
	close $p or die "a launch failed\n";
	return $ms + 0;
}

# From the moment at which all are let go until each is reaped.
sub burst {
	my ($n) = @_;
	my @ms;
	my ($failed, %left) = 0;
	pipe my $wait, my $go or die;
	pipe my $heard, my $ready or die;

	for (1 .. $n) {
		my $pid = fork // die;
		$left{$pid} = 1 if $pid;
		next if $pid;
		close $_ for $go, $heard;
		open STDIN, '<&', $wait or exit 1;
		open STDOUT, '>&', $ready or exit 1;
		exec 'as_user', 'sh', '-c', 'echo; read x; exec vpnrun demo true >/dev/null 2>&1' or exit 1;
	}
	close $_ for $wait, $ready;
	for (1 .. $n) { readline $heard // die "a shell did not start\n" }
	sleep 0.1;
	my $start = time;
	close $go;
	while (%left) {
		my $pid = wait;
		next unless delete $left{$pid}; # what holds the others
		$? ? $failed++ : push @ms, 1000 * (time - $start);
	}
	warn "$ENV{B}: $failed of $n launches failed\n" if $failed;
	return @ms;
}

sub hold {
	my ($turns, $n) = @_;

	if (%hold) { close $hold{pipe}; %hold = () }
	$turns->settle(0);
	return unless $n;
	open $hold{pipe}, '|-', "$ENV{RIG_DIR}/build/bench/bench hold demo $n >/run/held" or die;
	sleep 0.02 until -s '/run/held';
	unlink '/run/held';
	return;
}

# A script of this directory, for one round: what its JSON says of that name.
sub script {
	my ($name, $what, @args) = @_;
	my $out = '/run/beside.json';

	# crun does not take a hierarchy of cgroups of both kinds.
	my $in = $name =~ /engines/ ? q(unshare -m --propagation private sh -c '! mountpoint -q /sys/fs/cgroup/unified ||
		umount /sys/fs/cgroup/unified; exec "$@"' -) : '';

	system("$in $FindBin::Bin/$name demo 2 $out @args >/dev/null 2>/run/beside.err") == 0 or die `cat /run/beside.err`;
	open my $f, '<', $out or die;
	my ($entry) = grep { $_->{name} eq $what } @{decode_json('[' . do { local $/; <$f> } . ']')};
	system 'rm', '-rf', "$ENV{RIG_DIR}/cni-bench", "$ENV{RIG_DIR}/engines-bench";
	return $entry->{min};
}

sub inside {
	$| = 1;
	system q(sed -i 's/"id": 1,/& "limit": 1022, "subnet": "10.99.0.0\/22",/' /etc/vpnrun/demo.json;
		vpnctl down --force demo >/dev/null && vpnctl up demo >/dev/null) and die;
	my $turns = Turns->new('demo');
	my %do = (launch => \&launch, burst => \&burst, hold => sub { hold($turns, @_) },
		cni => sub { script('cni.pl', 'vpnrun ADD') }, hook => sub { script('engines.pl', 'crun run, with the hook', 'crun') });

	launch() for 1 .. 5;
	print "ready\n";
	while (<STDIN>) {
		my ($what, @args) = split;
		my $ports = $turns->ports;
		my @ms = $do{$what}->(@args);

		$turns->settle($what eq 'hold' ? $args[0] : $ports);
		print "@ms\n";
	}
}

# --- beside each other -----------------------------------------------------------------------------

my (%rig, %ms, @order);

sub start {
	my ($name, $tree) = @_;
	local $ENV{B} = "$tree/build";

	$ENV{B} = $ENV{BESIDE_B} if $name eq 'this';
	my $pid = open2(my $from, my $to, "$tree/tests/rig/rig", 'run', '--', "$FindBin::Bin/beside.pl", '--inside');
	$rig{$name} = {from => $from, to => $to, pid => $pid};
	my $said = readline $from;
	die "the rig of $tree did not start\n" unless ($said // '') eq "ready\n";
}

sub ask {
	my ($name, $what) = @_;
	my $r = $rig{$name};

	print {$r->{to}} "$what\n";
	$r->{to}->flush;
	return split ' ', readline($r->{from}) // die "the rig of '$name' has ended at: $what\n";
}

sub turns {
	my ($title, $n, $what) = @_;
	my @names = sort keys %rig;

	push @order, $title;
	for my $round (1 .. $n) {
		push @{$ms{$title}{$_}}, ask($_, $what) for $round % 2 ? @names : reverse @names;
	}
}

sub at { my ($part, @v) = @_; return (sort { $a <=> $b } @v)[int($part * $#v)] }

sub report {
	printf "%-44s %19s %19s %19s\n%-44s" . ' %9s %9s' x 3 . " %6s\n", '', 'least', 'median', '99 of 100', 'ms',
		('other', 'this') x 3, 'median';
	for my $t (@order) {
		my @them = map { $ms{$t}{$_} } qw(other this);

		printf '%-44s', $t;
		for my $part (0, 0.5, 0.99) { printf ' %9.2f %9.2f', map { at($part, @$_) } @them }
		printf " %+5.1f%%  %d\n", 100 * (at(0.5, @{$them[1]}) / at(0.5, @{$them[0]}) - 1), scalar @{$them[0]};
	}
}

sub main {
	my $other = abs_path(shift @ARGV // die "usage: beside.pl DIR [--rounds N] [--only PART,...]\n");
	my %o = ('--rounds' => 100, '--only' => 'launch,burst,cni,hook,many', @ARGV);
	my $rounds = $o{'--rounds'};
	my %want = map { $_ => 1 } split /,/, $o{'--only'};
	my $few = int($rounds / 10) + 1;

	start('other', $other);
	start('this', abs_path("$FindBin::Bin/../.."));
	turns('a launch at rest', $rounds, 'launch') if $want{launch};
	if ($want{burst}) { turns("$_ at once", $few, "burst $_") for 64, 250 }
	turns('CNI ADD', $few, 'cni') if $want{cni};
	turns('crun run, with the hook', $few, 'hook') if $want{hook};
	for my $n ($want{many} ? (1, 100, 500, 950, 1000) : ()) {
		ask($_, "hold $n") for sort keys %rig;
		turns("a launch beside $n", int($rounds / 3) + 1, 'launch');
		turns("64 at once beside $n", $few, 'burst 64') if $n == 950; # a VPN has 1022 leases
		ask($_, 'hold 0') for sort keys %rig;
	}
	report();
	for (values %rig) { close $_->{to}; waitpid $_->{pid}, 0 }
}

@ARGV && $ARGV[0] eq '--inside' ? inside() : main();
