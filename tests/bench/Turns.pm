# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks in Perl share: programs measured in turns, from before each is started until it is
# reaped, and what is said of them. After each measurement, whoever it was, the next waits until the VPN
# has no more ports than before: the kernel takes a dead namespace apart with the lock that the next
# start needs.
package Turns;
use strict;
use warnings;
use Time::HiRes qw(time sleep);

# In the rig, as root; the rest is wrong elsewhere.
sub new {
	my ($class, $vpn) = @_;
	die "needs the rig: tests/rig/rig run -- tests/bench/run.sh\n" unless $ENV{RIG_DIR} && $> == 0;
	my $self = bless {vpn => $vpn, order => [], ms => {}}, $class;
	$self->{ports} = $self->ports;
	return $self;
}

sub ports {
	my ($self) = @_;
	my @lines = `ip -n $self->{vpn} -o link show type veth`;
	die "cannot count the ports of $self->{vpn}\n" if $?;
	return scalar @lines;
}

# Until the VPN has as many ports as at the start, or as many as is said.
sub settle {
	my ($self, $ports) = @_;
	my $end = time + 20;

	while ($self->ports != ($ports // $self->{ports})) {
		die "ports are left over\n" if time > $end;
		sleep 0.005;
	}
	sleep 0.04;
}

# Milliseconds. %$env is the whole environment, if it is there; stdin a file.
sub call {
	my ($argv, $stdin, $env) = @_;
	my $log = "$ENV{RIG_DIR}/spawned.log";
	my $spawn = "$ENV{RIG_DIR}/build/bench/spawn";
	local %ENV = %$env if $env;
	open my $ms, '-|', $spawn, $stdin // '/dev/null', $log, @$argv or die "$spawn: $!\n";
	my $line = <$ms>;
	return $line + 0 if close $ms;
	open my $said, '<', $log or die "@$argv: failed\n";
	die "@$argv: failed:\n", <$said>;
}

sub add {
	my ($self, $name, $ms) = @_;
	push @{$self->{order}}, $name unless $self->{ms}{$name};
	push @{$self->{ms}{$name}}, $ms;
}

# Each of @them is a name and a function that measures once and gives label => value; the first round
# only warms up. Nobody always follows the same.
sub rounds {
	my ($self, $n, @them) = @_;
	my @turn = @them;

	for my $round (0 .. $n) {
		push @turn, shift @turn;
		for my $t ($round % 2 ? @turn : reverse @turn) {
			my %value = $t->[1]->($round);

			$self->settle;
			next unless $round;
			$self->add($t->[0] . ($_ && " $_"), $value{$_}) for sort keys %value;
		}
	}
	@{$self->{order}} = map { my $t = $_->[0]; grep { /^\Q$t\E(?: [^ ]+)?$/ } @{$self->{order}} } @them;
}

sub sorted {
	my ($self, $name) = @_;
	return sort { $a <=> $b } @{$self->{ms}{$name}};
}

sub median {
	my ($self, $name) = @_;
	my @v = $self->sorted($name);
	return $v[@v / 2];
}

# The median of what the second was more than the first in the same round.
sub more {
	my ($self, @names) = @_;
	my ($less, $more) = map { $self->{ms}{$_} } @names;
	my @d = sort { $a <=> $b } map { $more->[$_] - $less->[$_] } 0 .. $#$less;
	return $d[@d / 2];
}

# The table, and its lines as JSON objects, with what $also says.
sub report {
	my ($self, $title, $also) = @_;
	my @json;

	printf "%-46s %9s %9s %9s %5s\n", $title, qw(median min max runs);
	for my $name (@{$self->{order}}) {
		my @v = $self->sorted($name);

		printf "%-46s %9.2f %9.2f %9.2f %5d\n", $name, $v[@v / 2], @v[0, -1], scalar @v;
		push @json, sprintf '{"name": "%s", %s"n": %d, "median": %.3f, "min": %.3f, "max": %.3f}',
			$name, $also // '', scalar @v, $v[@v / 2], @v[0, -1];
	}
	print "\n";
	return @json;
}

sub write_json {
	my ($path, @json) = @_;
	open my $f, '>', $path or die "$path: $!\n";
	print $f join(",", map { "\n    $_" } @json);
	close $f or die "$path: $!\n";
}

1;
