#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# goals.pl BENCH.JSON: the numbers to reach, and what the run gave. Each by the medians, which other work on
# the machine lengthens, and by the best of each (the shortest time, the highest speed). What was not
# measured is said too.
use strict;
use warnings;
use JSON::PP;

open my $f, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
my $bench = decode_json(do { local $/; <$f> });
my ($missed, $missing) = (0, 0);

# The entry of a section with that name and, if said, that key.
sub entry {
	my ($section, $name, $key, $value) = @_;
	my ($found) = grep { $_->{name} eq $name && (!$key || $_->{$key} eq $value) } @{$bench->{$section}};
	return undef unless $found && $found->{n}; # of a list too: its place must not be lost
	# The launch benchmark's own names.
	$found->{$_} //= $found->{"${_}_ms"} for qw(median min max);
	return $found;
}

# A row: what is said, the limit, whether more is better, and the two values.
sub row {
	my ($what, $limit, $more, $unit, $median, $best) = @_;
	my $meets = sub { defined $_[0] && ($more ? $_[0] >= $limit : $_[0] <= $limit) };
	my $show = sub { defined $_[0] ? sprintf("%.2f%s", $_[0], $unit) : '-' };
	my $verdict = $meets->($median) ? 'met' : $meets->($best) ? 'by the best' : 'missed';

	$verdict = 'not measured' unless defined $median;
	$missed++ if $verdict eq 'missed';
	$missing++ unless defined $median;
	printf "%-58s %s %-8s %10s %10s  %s\n", $what, $more ? '>=' : '<=', "$limit$unit", $show->($median),
		$show->($best), $verdict;
}

# How many times the first is the second; the best is by the field that is said.
sub ratio {
	my ($what, $limit, $more, $a, $b, $best) = @_;
	my $of = sub { $a && $b && $b->{$_[0]} ? $a->{$_[0]} / $b->{$_[0]} : undef };

	row($what, $limit, $more, 'x', $of->('median'), $of->($best // 'min'));
}

printf "%-58s %-11s %10s %10s\n", 'Goals', 'goal', 'medians', 'the best';
my %launch = map { $_ => entry('launch', $_) } 'vpnrun', 'bare floor', 'full floor', 'ip(8) by hand (root)', 'pasta',
	'firejail --net=BRIDGE';
ratio('a launch to the bare floor', 1.3, 0, @launch{'vpnrun', 'bare floor'});
ratio('a launch to the full floor', 1.15, 0, @launch{'vpnrun', 'full floor'});
ratio("$_ to a launch", 1, 1, @launch{$_, 'vpnrun'}) for 'ip(8) by hand (root)', 'pasta', 'firejail --net=BRIDGE';
ratio('podman run, none with the hook, to a launch', 1, 1, entry('engines', 'podman run, none with the hook'),
	$launch{vpnrun});

ratio("a launch beside $_ to one beside none", 1.1, 0, map { entry('doors', $_) } $_, 'no listeners')
	for '300 listeners', '300 listeners, a session bus';
ratio('a launch beside both to the full floor', 1.2, 0, map { entry('doors', $_) } '300 listeners, a session bus', 'full floor');

my %beside = map { $_->{beside} => 1 } @{$bench->{many}}, grep { $_->{beside} } @{$bench->{cni}};
for my $n (sort { $a <=> $b } keys %beside) {
	ratio("a launch beside $n to the bare floor there", 1.3, 0, map { entry('many', $_, beside => $n) }
		'vpnrun', 'bare floor');
	ratio("CNI ADD beside $n to its floor there", 1.3, 0, map { entry('cni', "$_ ADD", beside => $n) }
		'vpnrun', 'floor');
}
row('launches and CNI beside 1 to 1000 sandboxes', 1.3, 0, 'x') unless %beside;

for my $c ('ADD', 'DEL') {
	my ($ours, $bridge, $nat) = map { entry('cni', "$_ $c", beside => 0) } 'vpnrun', 'bridge', 'bridge,ipMasq';

	ratio("CNI $c: the bridge plugin to ours", 5, 1, $bridge, $ours);
	ratio("CNI $c: the bridge plugin with ipMasq to ours", 5, 1, $nat, $ours);
}
for my $r ('crun', 'runc') {
	my ($alone, $hook) = map { entry('engines', "$r run, $_") } 'alone', 'with the hook';
	my $more = entry('engines', "$r run: the hook");

	row("$r run: the hook adds", 5, 0, ' ms', $more && $more->{median}, $hook && $hook->{min} - $alone->{min});
}
my ($bridge, $hook) = map { entry('engines', "podman run, $_") } '--network bridge', 'none with the hook';
row('podman run: the bridge to none with the hook, more', 100, 1, ' ms',
	map { $bridge && $hook ? $bridge->{$_} - $hook->{$_} : undef } 'median', 'min');

for my $c (['p50', 1.3, 'median'], ['p99', 1.5, 'p99']) {
	my ($vpnrun, $floor) = map { entry('burst', $_) } 'vpnrun', 'bare floor';

	row("64 launches at once beside 950 to the bare floor: $c->[0]", $c->[1], 0, 'x',
		$floor ? $vpnrun->{$c->[2]} / $floor->{$c->[2]} : undef, $floor && $vpnrun->{min} / $floor->{min});
}

# Only the kernel's WireGuard is measured with four.
my $kernel = entry('throughput', 'bare Mbit/s', kind => 'tunnel4');
for my $k (['tunnel', 'the tunnel'], ['tunnel4', 'the tunnel, 4 streams'], ['veth', 'a veth in its place'], ['veth4', 'the same, 4 streams']) {
	my ($kind, $text) = @$k;

	ratio("speed in a sandbox to bare: $text", $kind =~ /tunnel/ && $kernel ? 0.97 : 0.95, 1,
		(map { entry('throughput', "$_ Mbit/s", kind => $kind) } 'sandbox', 'bare'), 'max');
	next if $kind =~ /tunnel/;
	ratio("processor time, bare to in a sandbox: $text", 0.95, 1,
		map { entry('throughput', "$_ ns/KiB", kind => $kind) } 'bare', 'sandbox');
	ratio("processor time, SNAT alone to all rules: $text", 0.95, 1,
		map { entry('throughput', "$_ ns/KiB", kind => $kind) } 'gateway', 'sandbox');
}
for my $other ('socat', 'systemd-socket-proxyd') {
	ratio("a published port's speed to $other", 1, 1,
		(map { entry('throughput', "$_ Mbit/s", kind => 'publish') } 'vpnrun -p', $other), 'max');
}
print "\n$missed missed, $missing not measured\n";
printf "The machine was busy with other things (load %.1f at the start): trust none of it, and run it again.\n",
	$bench->{load} if $bench->{load} > $bench->{cpus} / 2;
