#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Takes one protection away at a time, and sees whether the test that is named for it notices. Works
# on copies of the tree, one a worker; the tree itself is never touched. Says TAP. See README.md here.
# usage: mutate.pl [--check|--table]	--check: only that each line applies and names tests that there are
#					--table: what KEEP, or noticed here, holds of them, a room a line
use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

my $top = abs_path(dirname(abs_path($0)) . '/../..');
my $B = abs_path($ENV{B} // "$top/build");
die "usage: mutate.pl [--check|--table]   (which ones: variables, see tests/mutate/README.md)\n"
	if @ARGV > 1 || @ARGV && $ARGV[0] !~ /^--(check|table)$/;
my $check = @ARGV && $ARGV[0] eq '--check';
my $limit = $ENV{LIMIT} // 400;
chdir $top or die "$top: $!";
$| = 1;

# --- the list -------------------------------------------------------------------------------------

my (@rows, %row, @errors);

sub read_list {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	while (<$f>) {
		chomp;
		next if /^\s*(#|$)/;
		my ($name, $at, $edit, $tests, @more) = split /\t+/;
		my $where = "$file:$.";
		push(@errors, "$where: not four columns"), next if !defined $tests || @more;
		push(@errors, "$where: '$name' is there twice"), next if $row{$name};
		push @rows, $row{$name} = {name => $name, at => $at, edit => $edit, tests => $tests, where => $where};
	}
}

sub slurp {
	open my $f, '<:raw', $_[0] or return undef;
	local $/;
	return scalar <$f>;
}

sub spew {
	open my $f, '>:raw', $_[0] or die "$_[0]: $!";
	print $f $_[1];
	close $f or die "$_[0]: $!";
}

sub unescape {
	my ($s) = @_;
	$s =~ s/\\([ntS\\])/{n => "\n", t => "\t", S => ' ', '\\' => '\\'}->{$1}/ge;
	return $s;
}

# The text without the protection; undef: the line does not apply (any more).
sub edited {
	my ($edit, $text) = @_;
	local $_ = $text;
	if ($edit =~ m{^s[\{/!|]}) {
		eval "no warnings; $edit; 1" or return undef;
	} elsif ($edit =~ /^drop (.*)/) {
		my $re = $1;
		my $n = () = /^.*$re.*\n/mg;
		return undef if $n != 1;
		s/^.*$re.*\n//m;
	} elsif ($edit =~ /^(.*?) =>(?: (.*))?$/) {
		my ($old, $new) = (unescape($1), unescape($2 // ''));
		my $n = () = /\Q$old\E/g;
		return undef if $n != 1;
		s/\Q$old\E/$new/;
	} else {
		return undef;
	}
	return $_ eq $text ? undef : $_;
}

# Those of a line and, for "=a+b", of the lines that it names: path => text.
sub changes {
	my ($r, $root) = @_;
	my %new;
	for my $part ($r->{at} =~ /^=(.*)/ ? split(/\+/, $1) : ($r->{name})) {
		my $p = $row{$part} or return undef;
		my $text = edited($p->{edit}, $new{$p->{at}} // slurp("$root/$p->{at}") // return undef);
		return undef if !defined $text;
		$new{$p->{at}} = $text;
	}
	return \%new;
}

# --- tests ----------------------------------------------------------------------------------------

my %kinds = (
	unit => sub { my $t = shift; -e "tests/unit/$t.c" ? "tests/unit/$t.c" : "tests/unit/$t.t" },
	net => sub { "tests/net/$_[0].t" },
	rig => sub { "tests/leak/$_[0].t" },
	bridge => sub { "tests/leak/$_[0].t" },
	engine => sub { "tests/engine/$_[0].t" },
	fault => sub { "tests/fault/$_[0].t" },
	lint => sub { "tests/lint/$_[0].t" },
	nspawn => sub { 'tests/nspawn/' . ($_[0] || 'nspawn') . '.t' },
	build => sub { 'Makefile' }, # it is noticed if it cannot be built
);

sub explained { $_[0]{tests} =~ /^(?:explained by (\S+)|equal): \S/ ? $1 // 'equal' : undef }

sub tests_of { map { s/^hangs://r } split /,/, $_[0]{tests} }

sub check_row {
	my ($r) = @_;
	my $w = "$r->{where}: $r->{name}";
	my $by = explained($r);
	push @errors, "$w: does not apply" if !changes($r, $top);
	if ($r->{tests} =~ /^(explained|equal)/) {
		push @errors, "$w: explained by what is no line, or without a reason"
			if !defined $by || ($by ne 'equal' && (!$row{$by} || explained($row{$by})));
		return;
	}
	for my $t (tests_of($r)) {
		my ($kind, $name) = split /:/, $t, 2;
		push @errors, "$w: there is no test '$t'" if !$kinds{$kind} || !-e $kinds{$kind}->($name // '');
	}
}

our $waits = 0;

# What the runner of a test says of one that hangs, and what is said here.
my $hangs = qr/has not ended in \d+ s$/;

# Runs cmd in dir, to a file; ended at the first "not ok". (what it said first that is not ok, code,
# how many controls failed: these show that the danger is real, and notice nothing).
sub run {
	my ($dir, $log, $tap, @cmd) = @_;
	unlink $log;
	my $pid = fork // die;
	if ($pid == 0) {
		setpgrp;
		chdir $dir or exit 127;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		exec @cmd or exit 127;
	}
	my ($end, $said, $at, $code) = (time + $limit, undef, 0);
	# What waits for its turn on a machine that is shared has not begun, and says nothing.
	my $latest = $waits ? time + 10 * $limit : $end;
	my $controls = 0;
	while (!defined $code) {
		my $done = waitpid($pid, WNOHANG) == $pid ? $? : undef;
		if ($tap && open my $f, '<', $log) {
			seek $f, $at, 0;
			while (<$f>) {
				last if !/\n\z/;
				$at = tell $f;
				next if !/^not ok \d* ?-? ?(.*)/ || /# (TODO|SKIP)/;
				my $what = $1;
				$what =~ /^control\b/ ? $controls++ : ($said //= $what);
			}
		}
		$end = time + $limit if $latest > $end && time < $latest && !-s $log;
		if (!defined $done && (defined $said || time > $end)) {
			$said //= "it has not ended in $limit s";
			kill TERM => -$pid;
			for (1 .. 50) { last if waitpid($pid, WNOHANG) == $pid; select undef, undef, undef, 0.1 }
			kill KILL => -$pid;
			waitpid $pid, 0;
			$done = 1;
		}
		$code = $done;
		select undef, undef, undef, 0.05 if !defined $code;
	}
	return ($said, $code, $controls);
}

sub make {
	my ($w, @targets) = @_;
	my @cc = grep { -x "$_/ccache" } split /:/, $ENV{PATH};
	return (run($w->{tree}, "$w->{dir}/make.log", 0, 'make', '--no-print-directory', 'B=build', 'WERROR=',
		@cc ? 'CC=ccache cc' : (), @targets))[1];
}

# What has to be made for a test.
sub targets {
	my ($t) = @_;
	my ($kind, $name) = split /:/, $t, 2;
	return ("build/tests/unit/$name") if $kind eq 'unit' && $name =~ /^test_/;
	return () if $kind eq 'lint';
	return ('all', $kind eq 'unit' ? 'build/tests/unit/policy_try' : ());
}

sub run_test {
	my ($w, $t) = @_;
	my ($kind, $name) = split /:/, $t, 2;
	my $file = $kinds{$kind}->($name // '');
	$file = "build/tests/unit/$name" if $file =~ /\.c$/;
	local $ENV{B} = "$w->{tree}/build";
	local $ENV{VPNCTL} = "$w->{tree}/build/bin/vpnctl";
	local $ENV{RIG_LAYOUT} = $kind eq 'bridge' ? 'bridge' : 'netns';
	delete local $ENV{TAP_DIR};
	my @wrap = $kind =~ /^(rig|bridge|engine|fault|nspawn)$/ ? split(' ', $ENV{WRAP} // '') : ();
	local $waits = @wrap > 0;
	my ($said, $code, $controls) = run($w->{tree}, "$w->{dir}/test.log", 1, @wrap, 'tests/exec', $file);
	return $said // ($code && !$controls ? "ends with " . ($code >> 8 || "signal $code") : undef);
}

# --- workers --------------------------------------------------------------------------------------

sub copy_tree {
	my ($dir) = @_;
	mkdir $dir;
	my $tree = "$dir/tree";
	mkdir $tree or die "$tree: $!";
	# Other systems and programs, unpacked: large, and never written. All else is made by make, and must
	# be this worker's own: what it makes of a changed source would end up in the tree.
	my %unpacked = map { $_ => 1 } qw(autofs debian12 debian13 trixie sid engines openssh vm);
	mkdir "$tree/build";
	# A release has no git, and where it is a clone git may not be installed.
	system("{ git ls-files -z 2>/dev/null || find . -path ./build -prune -o ! -type d -print0; } | " .
		"xargs -0 cp -a --parents -t '$tree'") == 0 or die 'cannot copy the tree';
	for my $entry (glob "$B/*") {
		(my $name = $entry) =~ s{.*/}{};
		next if $name =~ /^(asan|tap.*|mutate.*)$/;
		if ($unpacked{$name}) {
			symlink $entry, "$tree/build/$name" or die "cannot link $entry";
		} else {
			system('cp', '-a', $entry, "$tree/build/") == 0 or die "cannot copy $entry";
		}
	}
	# What an object was made of is noted by the name that it had. By another nothing of it would be made anew, and a
	# test that includes a changed file would judge what it was.
	for my $d (map { chomp; $_ } `find '$tree/build' -type f -name '*.d'`) {
		my $text = slurp($d) // '';
		spew($d, $text) if $text =~ s{(^|\s)\Q$B\E/}{$1build/}g;
	}
	return $tree;
}

# A test that is red as it is notices nothing. Asked once for all workers.
sub is_green {
	my ($w, $t) = @_;
	(my $file = "$w->{shared}/$t") =~ tr/:/_/;
	open my $lock, '>>', "$file.lock" or die;
	flock $lock, LOCK_EX;
	my $known = slurp($file);
	if (!defined $known) {
		$known = make($w, targets($t)) ? "it cannot be built" : run_test($w, $t) // '';
		# Once more, for the machine may have been busy.
		$known = run_test($w, $t) // '' if $known;
		$known = $1 if !$known && slurp("$w->{dir}/test.log") =~ /^1\.\.0 # (SKIP.*)/m;
		spew($file, $known);
	}
	return $known;
}

sub try_row {
	my ($w, $r) = @_;
	my @tests = tests_of($r);
	my %may_hang = map { $_ => 1 } $r->{tests} =~ /(?:^|,)hangs:([^,]+)/g;
	for my $t (grep { !/^build:/ } @tests) {
		my $why = is_green($w, $t);
		return ('not ok', "$t fails as it is: $why") if $why;
	}
	my $new = changes($r, $w->{tree}) or return ('not ok', 'does not apply');
	my %old = map { $_ => slurp("$w->{tree}/$_") } keys %$new;
	my @result = ('not ok', "NOT NOTICED by $r->{tests}");
	# Files have the time of the kernel's last tick: what is edited in the tick in which its object was made is not
	# newer for make, and a test of a few milliseconds would judge the guard that is still there.
	select undef, undef, undef, 0.02;
	spew("$w->{tree}/$_", $new->{$_}) for keys %$new;
	for my $t (@tests) {
		my $broken = make($w, targets($t));
		if ($t =~ /^build:/) {
			next if !$broken;
			@result = ('ok', "noticed by $t: it is not built");
			last;
		}
		if ($broken) {
			@result = ('not ok', 'does not build: ' . ((grep { /error/i } split /\n/, slurp("$w->{dir}/make.log"))[0] // ''));
			last;
		}
		my $said = run_test($w, $t) // next;
		# Nobody knows what it would have said; where hanging is what the guard is against, the line says so.
		my $is_late = $said =~ $hangs && !$may_hang{$t};
		@result = $is_late ? ('timeout', "TIMEOUT of $t: $said") : ('ok', "noticed by $t: $said");
		last if !$is_late;
	}
	select undef, undef, undef, 0.02;
	spew("$w->{tree}/$_", $old{$_}) for keys %old;
	return @result;
}

sub work {
	my ($shared, $i, $rows, $out) = @_;
	my $w = {shared => $shared, dir => "$shared/$i", tree => copy_tree("$shared/$i")};
	while (1) {
		open my $next, '+>>', "$shared/next" or die;
		flock $next, LOCK_EX;
		seek $next, 0, 0;
		my $n = () = <$next>;
		print $next "\n";
		close $next;
		last if $n >= @$rows;
		my $t0 = time;
		my ($good, $what) = try_row($w, $rows->[$n]);
		syswrite $out, sprintf("%s\t%s\t%s (%d s)\n", $good, $rows->[$n]{name}, $what =~ s/[\t\n]/ /gr, time - $t0);
	}
	exit 0;
}

# --- the whole ------------------------------------------------------------------------------------

sub choose {
	my @r = @rows;
	@r = grep { $_->{name} =~ /$ENV{NAMES}/ } @r if $ENV{NAMES};
	@r = grep { explained($_) || !grep { !/^(?:$ENV{TESTS})/ } tests_of($_) } @r if $ENV{TESTS};
	if (($ENV{SLICE} // '') =~ m{^(\d+)/(\d+)$}) {
		my ($i, $n) = ($1 - 1, $2);
		@r = @r[grep { $_ % $n == $i } 0 .. $#r];
	}
	if ($ENV{KEEP}) {
		my %known = known($ENV{KEEP});
		@r = grep { !$known{key($_)} } @r;
	}
	if ($ENV{SAMPLE}) {
		my $seed = $ENV{SEED} // time ^ $$;
		@r = grep { !explained($_) } @r;
		printf "# a sample of %d of %d: SEED=%d\n", $ENV{SAMPLE}, scalar @r, $seed;
		srand $seed;
		my %at = map { $_->{name} => rand } @r;
		@r = sort { $at{$a->{name}} <=> $at{$b->{name}} } @r;
		splice @r, $ENV{SAMPLE} if @r > $ENV{SAMPLE};
	}
	return @r;
}

# A line that was changed is another mutation.
sub key { $_[0]{name} . "\t" . substr sha256_hex(join ' | ', map { $_[0]{$_} } qw(name at edit tests)), 0, 12 }

# Of a file of lines NAME, KEY, and who noticed it.
sub known {
	open my $f, '<', $_[0] or return;
	return map { /^([^\t]+\t[0-9a-f]{12})(?:\t|$)/ ? ($1 => 1) : () } <$f>;
}

# The room that a line is about: src/NAME, hooks/NAME, policy.
sub room_of {
	my ($r) = @_;
	my $at = $r->{at};
	$at = ($row{$1} // $r)->{at} if $at =~ /^=([^+]+)/;
	return $at =~ m{^((?:src|hooks)/[^/]+)/} ? $1 : $at =~ m{^([^/]+)/} ? $1 : 'Makefile';
}

sub print_table {
	my %known = known($ENV{KEEP} // 'tests/mutate/noticed');
	my %room;

	for my $r (@rows) {
		my $what = explained($r) ? 1 : $known{key($r)} ? 0 : 2;
		$room{$_}[$what]++ for room_of($r), 'all';
	}
	print "| room | noticed | explained | not noticed, or not run |\n|---|---|---|---|\n";
	printf "| %s | %s |\n", $_, join ' | ', map { $_ // 0 } @{$room{$_}}[0 .. 2] for (grep { $_ ne 'all' } sort keys %room), 'all';
}

read_list($_) for sort glob 'tests/mutate/*.list';
check_row($_) for @rows;
print "# $_\n" for @errors;
if ($check) {
	print !@errors ? 'ok' : 'not ok', ' 1 - ', scalar @rows, " mutations apply, and name tests that there are\n1..1\n";
	exit(@errors ? 1 : 0);
}
if (@ARGV) {
	print_table();
	exit 0;
}

my @chosen = choose();
my @run = grep { !explained($_) } @chosen;
my $n = 0;
my %count = (noticed => 0, explained => 0, timeout => 0, bad => 0);
for my $r (grep { explained($_) } @chosen) {
	printf "ok %d - %s: %s\n", ++$n, $r->{name}, $r->{tests};
	$count{explained}++;
}
my $shared = tempdir('vpnrun-mutate.XXXXXX', DIR => $ENV{TMPDIR} // '/var/tmp', CLEANUP => 0);
# A user's container is made by the copy's own programs.
chmod 0755, $shared;
my $main = $$;
END { remove_tree($shared) if $shared && $$ == $main }
$SIG{$_} = sub { exit 143 } for qw(INT TERM HUP);
pipe my $in, my $out or die;
my $jobs = $ENV{JOBS} || 2;
$jobs = @run if @run && $jobs > @run;
for my $i (1 .. (@run ? $jobs : 0)) {
	my $pid = fork // die;
	work($shared, $i, \@run, $out) if $pid == 0;
}
close $out;
while (<$in>) {
	chomp;
	my ($good, $name, $what) = split /\t/;
	$count{{ok => 'noticed', timeout => 'timeout'}->{$good} // 'bad'}++;
	printf "%s %d - %s: %s\n", $good eq 'ok' ? 'ok' : 'not ok', ++$n, $name, $what;
	if ($good eq 'ok' && $ENV{KEEP} && open my $f, '>>', $ENV{KEEP}) {
		printf $f "%s\t%s\n", key($row{$name}), $what =~ s/^noticed by | \(\d+ s\)$//gr;
	}
}
1 while wait != -1;
if ($count{noticed} + $count{timeout} + $count{bad} < @run) {
	printf "not ok %d - a worker died\n", ++$n;
	$count{bad}++;
}
printf "not ok %d - %s\n", ++$n, $_ for @errors;
print "1..$n\n";
printf "# %d mutations: %d noticed, %d explained, %d timed out, %d not noticed or wrong\n", scalar @chosen,
	@count{qw(noticed explained timeout bad)};
exit($count{bad} || $count{timeout} || @errors ? 1 : 0);
