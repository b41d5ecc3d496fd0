#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# At every system call of a program it fails, or is killed, and what comes of it is judged. In the rig, as root.
#
#   faults.pl [--sample N] [--seed S] [--only POINT] [--match REGEX] [--slice K/N] [--keep FILE] KIND...
#
# Without --sample: every point, that is, every call that the program makes before it is done, with every error
# listed for it in lib/Fault.pm, and killed there where the call before has changed something. --match takes the
# points that are like it (KILL, openat), --slice each Nth of them from the Kth on, and --keep leaves out what FILE
# says went well before, and adds to it: so it is done in parts, and in parallel. Prints TAP: a
# line for each kind, with its counts. A finding is printed with what repeats it alone: --only POINT. A file
# named stop in the working directory ends it before its time, with the counts so far. Where a killed one can be
# followed by this or by that, a point is tried with each of them: P.CALL:KILL:N@T is one of these. In the end, once
# for all kinds, what is there is looked at again 40 s later.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Getopt::Long;
use Fault;
use Look;
use Control;
use Launch;
use Engine;
use Daemon;

my ($sample, $seed, $only, $match, $slice, $keep) = (0, 7, undef, '', '1/1', undef);
GetOptions(
	'sample=i' => \$sample,
	'seed=i' => \$seed,
	'only=s' => \$only,
	'match=s' => \$match,
	'slice=s' => \$slice,
	'keep=s' => \$keep
) or exit 2;
my $is_part = $match ne '' || $slice ne '1/1' || defined $keep;
my ($first, $parts) = $slice =~ m{^([1-9]\d*)/([1-9]\d*)$} or die "faults.pl: no slice '$slice'\n";
$| = 1;

my %kinds = (%Launch::kinds, %Engine::kinds, %Daemon::kinds, %Control::kinds);
my $log = "$work/calls";

sub some_of {
	my ($n, @points) = @_;
	for my $i (0 .. $n - 1) {
		my $j = $i + int rand(@points - $i);
		@points[$i, $j] = @points[$j, $i];
	}
	return @points[0 .. $n - 1];
}

# Deaths are few among the points and say more: they are a half of a sample.
sub choose {
	my ($n, @points) = @_;
	return @points if !$n || $n >= @points;
	my @kills = grep { is_kill($_) } @points;
	my @errors = grep { !is_kill($_) } @points;
	my $k = int($n / 2);
	$k = @kills if $k > @kills;
	$k = $n - @errors if $n - $k > @errors;
	return (some_of($k, @kills), some_of($n - $k, @errors));
}

# Each death with each of its next runs, if it is to be all of it; else they follow in turns.
sub with_turns {
	my ($kind, @points) = @_;
	my $last = ($kind->{turns} // 1) - 1;
	return map { my $p = $_; is_kill($p) && $last ? map { "$p\@$_" } 0 .. $last : $p } @points;
}

# Those of this run, of all that there are.
sub part_of {
	my ($name, @points) = @_;
	my %well = map { $_ => 1 } $keep ? split /\n/, slurp($keep) : ();
	my $i = 0;
	return grep { !$well{"$name $_"} } grep { /(?:$match)/ && $i++ % $parts == $first - 1 } @points;
}

sub note_good {
	my ($name, $point) = @_;
	open my $f, '>>', $keep or die "$keep: $!\n";
	print $f "$name $point\n";
	close $f;
}

sub all_points {
	my ($kind) = @_;
	return $kind->{points}->($log) if $kind->{points};
	# One that was refused has not made all its calls.
	for (1 .. 3) {
		unlink $log;
		my $v = $kind->{verdict}->(run(60, @{$kind->{as} // []}, strike($log), @{$kind->{cmd}}), '');
		return points_of($log) if $v eq 'whole';
		print "# its calls, not all: $v\n";
		$kind->{reset}->() if $kind->{reset};
	}
	return ();
}

# Without a fault it has to be whole, or the judge sees nothing.
sub control {
	my ($kind) = @_;
	return $kind->{try}->() if $kind->{try};
	$kind->{reset}->() if $kind->{reset};
	return $kind->{verdict}->(run(60, @{$kind->{as} // []}, @{$kind->{cmd}}), '');
}

sub try_point {
	my ($kind, $point) = @_;
	unlink $log;
	if ($kind->{try}) {
		my $v = $kind->{try}->($log, $point);
		return slurp($log) =~ /^struck/m || $v !~ /^(whole|refused)$/ ? $v : 'late';
	}
	$kind->{reset}->() if $kind->{reset};
	my ($rc, $out, $err) = run(30, @{$kind->{as} // []}, strike($log, $point), @{$kind->{cmd}});
	# It does not always make the same number of calls.
	my $struck = slurp($log) =~ /^struck (\d+)/m ? $1 : undef;
	my $died = defined $struck && $struck == 0 && (is_kill($point) ? $rc == 137 : has_aborted($rc, $err));
	return $kind->{killed}->($rc, $out, $err, $point) || 'killed' if $died;
	my $v = $kind->{verdict}->($rc, $out, $err, $point);
	return defined $struck || $v !~ /^(whole|refused)$/ ? $v : 'late';
}

my ($n, $bad) = (0, 0);
for my $name (@ARGV) {
	my $kind = $kinds{$name} or die "faults.pl: no kind '$name'\n";
	# The same choice whichever other kinds there are.
	srand($seed + unpack '%32C*', $name);
	put("$work/in", $kind->{stdin}) if $kind->{stdin};
	local $ENV{FAULT_STDIN} = $kind->{stdin} ? "$work/in" : '/dev/null';
	Control::forget($seed);
	Control::set_turn($1) if ($only // '') =~ /@(\d+)$/;
	my $t0 = time;
	my $before = $kind->{reset} ? $kind->{reset}->() : '';
	my @all = $only ? ($only) : all_points($kind);
	@all = part_of($name, $sample || $only ? @all : with_turns($kind, @all));
	my @points = choose($only ? 0 : $sample, @all);
	# What was found once is in every sample.
	my %chosen = map { $_ => 1 } @points;
	push @points, grep { !$chosen{$_} } @{$kind->{found} // []} if !$only && !$is_part;
	my $control = control($kind);
	$kind->{warm}->() if $kind->{warm};
	my %count = map { $_ => 0 } qw(refused whole killed late bad);
	my ($tried, @findings) = (0);
	for my $p (@points) {
		last if -e "$work/stop";
		my $since = time;
		Control::set_turn($1) if $p =~ /@(\d+)$/;
		my $v = try_point($kind, $p);
		$tried++;
		$since = time - $since;
		print "# $name $p: $since s\n" if $since > 4;
		my $good = $v =~ /^(whole|refused|killed|late)$/;
		$count{$good ? $v : 'bad'}++;
		note_good($name, $p) if $good && $keep;
		next if $good;
		push @findings, "$p: $v" =~ s/\n+/; /gr;
		print "# $name --only $findings[-1]\n";
		$kind->{mend}->() if $kind->{mend};
	}
	$kind->{done}->() if $kind->{done};
	$n++;
	my $good = $control eq 'whole' && $tried && !@findings;
	$bad++ if !$good;
	my $kills = grep { is_kill($_) } @points;
	printf "%sok %d - L51 R36 R76 %s: %d of %d points (seed %d, %d s; %d to be killed): %d refused, %d whole, %d killed, %d too late, %d bad\n",
		$good ? '' : 'not ', $n, $name, $tried, scalar @all, $seed, time - $t0, $kills, @count{qw(refused whole killed late bad)};
	print "# without any fault: $control\n" if $control ne 'whole';
}
my @lasting = grep { $Control::kinds{$_} } @ARGV;
if (@lasting && !$sample && !$only) {
	my $now = look_alone();
	sleep 40;
	my $later = difference($now, look_alone());
	$n++;
	$bad++ if $later;
	printf "%sok %d - L51 after %s: 40 s later all is as it was\n", $later ? 'not ' : '', $n, join(', ', @lasting);
	print "# $later\n" if $later;
}
print "1..$n\n";
exit($bad ? 1 : 0);
