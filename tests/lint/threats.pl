#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Holds the threat model (the table of tests/README.md) and the README's table of channels against what was tried.
# usage: threats.pl --names		each row's mutations exist, and name a test of that row; what is open, by name
#        threats.pl TAP-DIR		each row has a test that ran there, names the row, and was green
#        threats.pl --whole TAP-DIR	and no row is left out
# Without --whole a row none of whose tests ran is said and does not fail. Says one line of TAP a row.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use Cwd qw(abs_path);
use File::Basename qw(dirname basename);
use File::Find qw(find);

my $names = @ARGV && $ARGV[0] eq '--names' ? shift : undef;
my $whole = @ARGV && $ARGV[0] eq '--whole' ? shift : undef;
my $tap = @ARGV ? abs_path(shift) : undef;
die "usage: threats.pl --names | [--whole] TAP-DIR\n" if !$names == !defined $tap || @ARGV;
chdir dirname($0) . '/../..' or die;

sub lines_of {
	open my $f, '<', $_[0] or die "$_[0]: $!";
	chomp(my @l = <$f>);
	return @l;
}

my ($n, $bad) = (0, 0);

sub say_test {
	my ($good, $text) = @_;
	$n++;
	$bad++ if !$good;
	print $good ? '' : 'not ', "ok $n - $text\n";
	return $good;
}

# --- the tables -----------------------------------------------------------------------------------

sub cells { my @c = split /\s*\|\s*/, $_[0], -1; return @c[1 .. $#c - 1] }

# The threat model: id => {channel, how, tests, mutations}.
sub threats {
	my %rows;
	for (grep { /^\| L\d\d \|/ } lines_of('tests/README.md')) {
		my ($id, $channel, $how, $tests, $mutations) = cells($_);
		$rows{$id} = {channel => $channel, how => $how, tests => [split ' ', $tests],
			mutations => [grep { $_ ne '–' } split ' ', $mutations // '']};
	}
	return \%rows;
}

# README.md's channels: [name, ids, verdicts].
sub channels {
	my (@rows, $in);
	for (lines_of('README.md')) {
		$in = /^\| channel \| tests \|/ || ($in && /^\|/);
		next if !$in || /^\|(?:-| channel)/;
		my ($name, $tests, @verdicts) = cells($_);
		$tests =~ s/L(\d+)\x{2013}L(\d+)/join ' ', map { sprintf 'L%02d', $_ } $1 .. $2/ge;
		push @rows, {name => $name, ids => [$tests =~ /L\d\d/g], verdicts => \@verdicts};
	}
	return @rows;
}

# --- mutations ------------------------------------------------------------------------------------

# name => the files of its tests, as the threat model writes them; none where it is explained.
sub mutations {
	my %m;
	for my $list (glob 'tests/mutate/*.list') {
		for (lines_of($list)) {
			my ($name, undef, undef, $tests) = split /\t+/;
			next if /^\s*(?:#|$)/ || !defined $tests;
			$m{$name} = {};
			next if $tests =~ /^(?:explained by|equal)/;
			for (split /,/, $tests) {
				my ($kind, $t) = split /:/;
				$t //= $kind;
				my $dir = $kind =~ /^(?:rig|bridge)$/ ? 'leak' : $kind;
				my $file = $kind eq 'nspawn' ? 'nspawn' : "$dir/$t" . (-e "tests/$dir/$t.c" ? '.c' : '.t');
				$m{$name}{$file} = 1;
			}
		}
	}
	return \%m;
}

# What is wrong with a row's patterns, in words.
sub unnoticed {
	my ($row, $m) = @_;
	my @wrong;
	for my $p (@{$row->{mutations}}) {
		my $re = join '.*', map { quotemeta } split /\*/, $p, -1;
		my @hit = grep { /^$re$/ } keys %$m;
		my $by = grep {
			my $t = $m->{$_};
			grep { $t->{$_} || ($t->{nspawn} && m{^nspawn/}) } @{$row->{tests}};
		} @hit;
		push @wrong, !@hit ? "there is no mutation '$p'" : "no test of the row notices '$p'" if !$by;
	}
	return @wrong;
}

sub judge_names {
	my ($threats) = @_;
	my $m = mutations();
	say_test(scalar(%$m), 'there are mutations');
	my @without;
	for my $id (sort keys %$threats) {
		my @wrong = unnoticed($threats->{$id}, $m);
		say_test(!@wrong, "$id: its mutations are noticed by its tests") or print map { "# $_\n" } @wrong;
		push @without, $id if !@{$threats->{$id}{mutations}};
	}
	print "# without a mutation: @without\n" if @without;
	my @open = grep { $threats->{$_}{how} =~ /\*\*open\*\*/ } sort keys %$threats;
	print "# open in tests/README.md: @open\n";
}

# --- what ran -------------------------------------------------------------------------------------

# One file of TAP: which ids it proved, which it failed, whether it came to its end, or was skipped whole.
sub read_tap {
	my ($file) = @_;
	my $seen = {ok => {}, bad => {}, ended => 0, skipped => 0};
	my ($plan, $count) = (undef, 0);
	for (lines_of($file)) {
		$plan = $1 if /^1\.\.(\d+)/;
		$seen->{skipped} = 1 if /^1\.\.0\b/;
		next if !/^(not )?ok\b(.*)/;
		my ($not, $text) = ($1, $2);
		$count++;
		next if $text =~ /# ?(?:SKIP|TODO)/i;
		$seen->{$not ? 'bad' : 'ok'}{$_} = 1 for $text =~ /\b[LR]\d\d\b/g;
	}
	$seen->{ended} = defined $plan && $plan == $count && $count > 0;
	return $seen;
}

# Which files of TAP belong to a test: tests/exec names them by layout and path.
sub taps_of {
	my ($test, $all) = @_;
	return grep { m{(?:^|/)tests_nspawn_nspawn\.t\.tap$} } @$all if $test =~ m{^nspawn/};
	(my $flat = $test) =~ s{/}{_}g;
	$flat =~ s/\.c$//;
	return grep { basename($_) =~ /tests_\Q$flat\E\.tap$/ } @$all;
}

# 1: proved; 0: failed; undef: nothing of it ran.
sub judge_id {
	my ($row, $id, $all, $cache) = @_;
	my ($ran, @by, @bad) = (0);
	for my $test (@{$row->{tests}}) {
		for my $file (taps_of($test, $all)) {
			my $t = $cache->{$file} //= read_tap($file);
			next if $t->{skipped};
			# What is one layout's alone is left out in the other, by a test that is green there.
			next if basename($file) =~ /^bridge/ && $t->{ended} && !$t->{ok}{$id} && !$t->{bad}{$id};
			$ran++;
			push(@bad, $test), next if $t->{bad}{$id} || !$t->{ended};
			push @by, $test if $t->{ok}{$id};
		}
	}
	my %once;
	@by = grep { !$once{$_}++ } @by;
	return (undef) if !$ran;
	return (0, @bad ? "failed in @bad" : "no test that ran says $id") if @bad || !@by;
	return (1, "@by");
}

sub judge_runs {
	my ($threats) = @_;
	my (@all, %cache, %state, @left);
	find({no_chdir => 1, wanted => sub { push @all, $_ if /\.tap$/ }}, $tap);
	for my $id (sort keys %$threats) {
		my ($state, $why) = judge_id($threats->{$id}, $id, \@all, \%cache);
		$state{$id} = $state;
		push(@left, $id), next if !defined $state && !$whole;
		say_test($state, "$id: " . ($state ? "green in $why" : $why // 'none of its tests ran'));
	}
	my @open;
	for my $row (channels()) {
		my @unproved = grep { !$state{$_} && ($whole || defined $state{$_}) } @{$row->{ids}};
		push @open, $row->{name} if grep { /\*\*open\*\*/ } @{$row->{verdicts}};
		next if !@unproved && @{$row->{ids}};
		my $good = !@{$row->{ids}} && !grep { $_ && !/\*\*open\*\*/ } @{$row->{verdicts}};
		say_test($good, "README.md: $row->{name}: " . ($good ? 'open' : @unproved ? "not proved: @unproved" : 'names no id'));
	}
	print "# not judged in this run: @left\n" if @left;
	print "# open rows of README.md: ", join('; ', @open), "\n";
}

my $threats = threats();
say_test(%$threats && channels() ? 1 : 0, 'both tables are found');
$names ? judge_names($threats) : judge_runs($threats);
print "1..$n\n";
exit($bad ? 1 : 0);
