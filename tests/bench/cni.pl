#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# cni.pl PLUGIN VPN ROUNDS JSON: how long ADD and DEL take, from before the plugin is started until it
# is reaped, beside the CNI project's bridge plugin with host-local addresses (Debian:
# containernetworking-plugins; elsewhere: CNI_PATH). Each round gives both a fresh namespace, in turns.
# As root, in the rig.
use strict;
use warnings;
use Time::HiRes qw(time sleep);

my ($plugin, $vpn, $rounds, $out) = @ARGV;
my ($dir) = grep { -x "$_/bridge" } split(/:/, $ENV{CNI_PATH} // ''), qw(/usr/lib/cni /opt/cni/bin);
my $data = "$ENV{RIG_DIR}/cni-bench";
my %config = (
	vpnrun => qq({"cniVersion":"1.0.0","name":"net","type":"vpnrun","vpn":"$vpn"}),
	bridge => qq({"cniVersion":"1.0.0","name":"br","type":"bridge","bridge":"cni0","isGateway":true,)
		. qq("ipam":{"type":"host-local","dataDir":"$data","subnet":"10.77.0.0/24",)
		. qq("routes":[{"dst":"0.0.0.0/0"}]}}),
);
my %path = (vpnrun => $plugin, $dir ? (bridge => "$dir/bridge") : ());

sub call {
	my ($who, $command, $id) = @_;
	my $start = time;
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		%ENV = (CNI_COMMAND => $command, CNI_CONTAINERID => $id, CNI_IFNAME => 'eth0',
			CNI_NETNS => "/run/netns/$id", CNI_PATH => $dir // '/nowhere');
		open STDIN, '<', "$data/$who.json" or die;
		open STDOUT, '>', '/dev/null' or die;
		exec $path{$who} or die "$path{$who}: $!";
	}
	waitpid $pid, 0;
	die "$who $command failed" if $?;
	return (time - $start) * 1000;
}

mkdir $data;
for my $who (keys %path) {
	open my $f, '>', "$data/$who.json" or die;
	print $f $config{$who};
	close $f;
}
# The first ADD makes the bridge.
if ($dir) {
	system 'ip netns add warm' and die;
	call('bridge', $_, 'warm') for 'ADD', 'DEL';
	system 'ip netns del warm';
}
my %ms;
for my $round (1 .. $rounds) {
	for my $who ($round % 2 ? sort keys %path : reverse sort keys %path) {
		system "ip netns add b$round$who" and die;
		push @{$ms{$who}{$_}}, call($who, $_, "b$round$who") for 'ADD', 'DEL';
		system "ip netns del b$round$who";
		sleep 0.08; # what dies holds a lock that the next one needs
	}
}
system 'ip link del cni0' if $dir;

my @json;
my %median;
printf "%-34s %8s %8s %8s\n", 'CNI, ms', 'min', 'median', 'max';
for my $who (sort keys %path) {
	for my $command ('ADD', 'DEL') {
		my @v = sort { $a <=> $b } @{$ms{$who}{$command}};

		$median{$who}{$command} = $v[@v / 2];
		printf "%-34s %8.2f %8.2f %8.2f\n", "$command, $who", $v[0], $v[@v / 2], $v[-1];
		push @json, sprintf '{"plugin": "%s", "command": "%s", "min_ms": %.3f, "median_ms": %.3f}',
			$who, $command, $v[0], $v[@v / 2];
	}
}
if ($dir) {
	printf "ADD %.1f times, DEL %.1f times as fast as the bridge plugin\n",
		map { $median{bridge}{$_} / $median{vpnrun}{$_} } 'ADD', 'DEL';
} else {
	print "left out: the bridge plugin (containernetworking-plugins is not installed)\n";
}
open my $f, '>', $out or die "$out: $!";
print $f "\n    ", join(",\n    ", @json);
