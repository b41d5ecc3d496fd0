#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The same thing many times over, and what remains of it: nothing. In the rig, as root; `make check-soak`.
#
#   soak.pl [--scale PERCENT] [KIND...]      kinds: launch race restart switch container server
#
# Prints TAP, a line for each kind: how many, how many failed, the seconds; what is left of links, namespaces,
# leases, files of /run and processes; descriptors and memory of the broker, the plugger and the keepers at its
# beginning, its middle and its end.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
BEGIN { chomp($ENV{FAULT_HOME} = `as_user sh -c 'echo \$HOME'`) }
use Getopt::Long;
use JSON::PP;
use Time::HiRes 'time';
use Fault;
use Look;

my $scale = 100;
GetOptions('scale=f' => \$scale) or exit 2;
$| = 1;
my $vpnctl = "$bin/bin/vpnctl";
my $vpnrun = "$dir/bin/vpnrun";
$vpnrun = "$bin/bin/vpnrun" if !-x $vpnrun;
# One launch may still be on its way when the next look is taken.
my $jobs = 4;

# --- what stays -------------------------------------------------------------------------------------------

# Memory that is the process's own, in kB, and its descriptors.
sub size_of {
	my ($pid) = @_;
	my ($rss) = slurp("/proc/$pid/status") =~ /^RssAnon:\s*(\d+)/m;
	my @fds = glob "/proc/$pid/fd/*";
	return [scalar @fds, $rss // 0];
}

sub programs {
	my %p;
	for my $d (glob '/proc/[0-9]*') {
		my ($pid) = $d =~ /(\d+)/;
		my $command = slurp("$d/cmdline");
		my $name = $command =~ /vpnrund-plug/ ? 'plugger' : $command =~ m{/vpnrund\0} ? 'broker'
			: $command =~ /^[^\0]*vpnctl\0supervise\0(\w+)/ ? "keeper $1" : next;
		# Of several processes the one that was there first.
		$p{$name} //= $pid;
	}
	return %p;
}

sub sizes { my %p = programs(); return { map { $_ => size_of($p{$_}) } keys %p } }

# Flat is: no descriptor more at its end than in its middle, and less than 200 kB more memory.
sub growth {
	my ($begin, $middle, $end) = @_;
	my (@text, @grown);
	for my $name (sort keys %$end) {
		my @s = map { $_->{$name} // [0, 0] } $begin, $middle, $end;
		push @text, "$name: fds " . join('>', map { $_->[0] } @s) . ', kB ' . join('>', map { $_->[1] } @s);
		push @grown, $name if $s[1][0] && ($s[2][0] > $s[1][0] || $s[2][1] > $s[1][1] + 200);
	}
	return (join('; ', @text), @grown);
}

# --- the kinds --------------------------------------------------------------------------------------------

# parallel N, SUB: SUB(i) in a process of its own, a few at a time; how many said no
sub parallel {
	my ($from, $to, $each) = @_;
	my ($running, $failed) = (0, 0);
	my $reap = sub { waitpid(-1, 0) > 0 and $running--; $failed++ if $? };
	for my $i ($from .. $to) {
		$reap->() while $running >= $jobs;
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			srand $i;
			require POSIX;
			POSIX::_exit($each->($i) ? 0 : 1);
		}
		$running++;
	}
	$reap->() while $running > 0;
	return $failed;
}

# said COMMAND...: its output, without a shell and without the noise of those that are killed
sub said {
	open my $f, '-|', @_ or return '';
	local $/;
	my $text = <$f> // '';
	close $f;
	return $text =~ s/\n\z//r;
}

sub launch_one {
	my ($i) = @_;
	my @how = $i % 10 == 0 ? ('--strict') : $i % 20 == 1 ? ('-p', '127.0.0.1:' . (20000 + $i % 10000) . ':80') : ();
	return said(@as_user, $vpnrun, @how, $i % 2 ? 'demo' : 'other', 'echo', $i) eq $i;
}

# Somewhere between its start and its end.
sub race_one {
	my $pid = fork // die;
	if (!$pid) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec @as_user, $vpnrun, 'demo', 'true';
	}
	select undef, undef, undef, rand 0.04;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return 1;
}

sub web { my (@as) = @_; return said(@as, 'curl', '-s', '-m', '15', "http://$ENV{RIG_WEB4}/") }

sub in_turn {
	my ($from, $to, $each) = @_;
	return scalar grep { !$each->($_) } $from .. $to;
}

# A program stays inside; now and then it is asked whether it still gets out.
my ($inside, $lines);
sub begin_inside {
	$inside = open($lines, '-|', @as_user, $vpnrun, 'demo', 'sh', '-c', 'echo $$; exec sleep 100000') or die;
	<$lines>;
}
sub end_inside { kill 'KILL', $inside; close $lines }
sub restart_one {
	my ($i) = @_;
	return 0 if quiet($vpnctl, 'restart', '--no-wait', 'demo');
	return $i % 10 || web('nsenter', '-t', $inside, '-n') eq 'demo';
}

sub switch_one {
	my ($i) = @_;
	my $to = $i % 2 ? 'other' : 'demo';
	return 0 if quiet($vpnctl, 'default', '--no-ip', $to);
	return $i % 10 || web(@as_user) eq $to;
}

# Another of a VPN's servers, with a program inside that is at work all the while: the same one in the end, and it
# has met each of them.
my $many = '/etc/vpnrun/many.json';
my $flow = "$ENV{FAULT_HOME}/flow";
my $flows;
sub begin_many {
	return begin_flow() if -e $many;
	my $given = "$dir/given";
	quiet($vpnctl, 'down', '--force', 'demo', 'other');
	system "mkdir $given && install -m 600 /etc/vpnrun/demo.conf /etc/vpnrun/other.conf $given" and die;
	my $bad = quiet($vpnctl, 'import', $given, '--name', 'many', '--id', '9');
	system "sed -i 's/\"id\"/\"layout\": \"$layout\", &/' $many";
	$bad ||= quiet($vpnctl, 'up', 'many');
	die $bad if $bad;
	begin_flow();
}
# Page after page, a line each, as fast as they come.
sub begin_flow {
	unlink $flow;
	$flows = fork // die;
	if (!$flows) {
		open STDERR, '>', '/dev/null';
		exec @as_user, $vpnrun, 'many', 'sh', '-c', 'while :; do curl -s -m 5 "$0/" "$0/big?1000000" | head -c 5; echo; done >"$1"', "http://$ENV{RIG_WEB4}", $flow;
	}
	soon(20, sub { -s $flow }) or die "nothing flows\n";
}
sub end_flow { kill 'KILL', $flows; waitpid $flows, 0 }
sub goes_on {
	my ($server) = @_;
	my $since = -s $flow;
	return soon(20, sub { open my $f, '<', $flow or return 0; seek $f, $since, 0; grep { /^$server/ } <$f> });
}
sub server_one {
	my ($i) = @_;
	my $to = $i % 2 ? 'other' : 'demo';
	return 0 if quiet($vpnctl, 'switch', 'many', $to);
	return goes_on($to) && waitpid($flows, 1) == 0;
}

my $bundle = "$dir/bundle";
my $hook = "$bin/libexec/vpnrun/vpnrun-hook";
sub begin_containers {
	# crun does not take a hierarchy of both kinds; the rig's own view of it goes.
	system 'mountpoint -q /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified && mount -t tmpfs none /sys/fs/cgroup/unified';
	my $busybox = -x '/bin/busybox' ? '/bin/busybox' : '/usr/bin/busybox';
	system "mkdir -p $bundle/rootfs/bin $bundle/rootfs/etc $bundle/rootfs/proc $bundle/rootfs/sys $bundle/rootfs/dev &&
		cp $busybox $bundle/rootfs/bin/busybox && ln -sf busybox $bundle/rootfs/bin/wget && cd $bundle && rm -f config.json && crun spec";
	my $c = decode_json(slurp("$bundle/config.json"));
	$c->{annotations} = { vpnrun => 'demo' };
	$c->{process}{terminal} = \0;
	$c->{process}{args} = ['wget', '-qO-', "http://$ENV{RIG_WEB4}/"];
	delete $c->{linux}{resources};
	$c->{mounts} = [grep { $_->{destination} !~ /cgroup/ } @{$c->{mounts}}];
	$c->{hooks} = { createRuntime => [{ path => $hook, args => ['vpnrun-hook', 'createRuntime'] }],
		createContainer => [{ path => $hook, args => ['vpnrun-hook', 'createContainer'] }] };
	put("$bundle/config.json.in", encode_json($c));
	system "$hook precreate <$bundle/config.json.in >$bundle/config.json" and die "no container\n";
}
sub container_one {
	my ($i) = @_;
	return said('crun', '--cgroup-manager=disabled', "--root=$work/crun", 'run', '-b', $bundle, "c$i") eq 'demo';
}

# A VPN that was made anew is another device, and its keeper another process.
sub left { join "\n", grep { !m{^/run/vpnrun/\w+(\.supervisor)? } } split /\n/, look_alone() }

my $capture = $ENV{RIG_CAPTURE};
my %kinds = (
	launch => { n => 10000, run => sub { parallel(@_, \&launch_one) } },
	race => { n => 1000, run => sub { parallel(@_, \&race_one) } },
	restart => { n => 300, run => sub { in_turn(@_, \&restart_one) }, begin => \&begin_inside, end => \&end_inside },
	# The uplink is watched while one default follows the other.
	switch => { n => 200, run => sub { in_turn(@_, \&switch_one) }, sees => 1,
		begin => sub { quiet($vpnctl, 'default', '--no-ip', 'demo') },
		end => sub { quiet($vpnctl, 'default', '--no-ip', 'none') } },
	server => { n => 200, run => sub { in_turn(@_, \&server_one) }, sees => 1, begin => \&begin_many, end => \&end_flow },
	container => { n => 300, run => sub { parallel(@_, \&container_one) }, begin => \&begin_containers },
);

# --- the whole --------------------------------------------------------------------------------------------

my @names = @ARGV ? @ARGV : qw(launch race restart switch container server);
my ($n, $bad) = (0, 0);
# The far end's name is not asked for while the uplink is watched.
system "sed -i 's/^Endpoint.*/Endpoint = $ENV{RIG_OTHER_ENDPOINT4}:$ENV{RIG_PORT}/' /etc/vpnrun/other.conf";
quiet($vpnctl, 'restart', 'other');
for my $name (@names) {
	my $kind = $kinds{$name} or die "soak.pl: no kind '$name'\n";
	my $count = int($kind->{n} * $scale / 100) || 1;
	my $half = int($count / 2);
	# What the first one makes for all that follow is there before.
	$kind->{begin}->() if $kind->{begin};
	$kind->{run}->(1, 2);
	$kind->{end}->() if $kind->{end};
	ports_are(0);
	my ($before, $t0, $begin) = (left(), time, sizes());
	$kind->{begin}->() if $kind->{begin};
	system "$capture start" if $kind->{sees};
	my $failed = $kind->{run}->(1, $half);
	my $middle = sizes();
	$failed += $kind->{run}->($half + 1, $count);
	my $packets = $kind->{sees} ? `$capture stop` + 0 : 0;
	$kind->{end}->() if $kind->{end};
	my $after;
	my $clean = soon(20, sub { ($after = left()) eq $before });
	my ($sizes, @grown) = growth($begin, $middle, sizes());
	my $good = !$failed && $clean && !@grown && !$packets;
	$bad++ if !$good;
	$n++;
	printf "%sok %d - R37 %s: %d of them, %d failed, %.0f s, %d packets in the clear, left: %s\n", $good ? '' : 'not ', $n, $name, $count,
		$failed, time - $t0, $packets, $clean ? 'nothing' : difference($before, $after);
	print "#   $sizes\n";
	print "#   has grown: @grown\n" if @grown;
}
print "1..$n\n";
exit($bad ? 1 : 0);
