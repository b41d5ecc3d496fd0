#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# cni.pl VPN ROUNDS JSON [N...]: how long the CNI plugin's ADD and DEL take, beside the CNI project's
# bridge plugin with host-local addresses (Debian: containernetworking-plugins; elsewhere: CNI_PATH) and
# beside the kernel's floor: a program that plugs and configures the same cable and does nothing else.
# Each measurement has a fresh namespace. With N: beside N other sandboxes, each in turn, and without
# the bridge plugin, whose pool here is smaller. As root, in the rig.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Turns;

my ($vpn, $rounds, $out, @beside) = @ARGV;
my ($dir) = grep { -x "$_/bridge" } split(/:/, $ENV{CNI_PATH} // ''), qw(/usr/lib/cni /opt/cni/bin);
my $tools = "$ENV{RIG_DIR}/build";
my $data = "$ENV{RIG_DIR}/cni-bench";
my %config = (
	vpnrun => qq({"cniVersion":"1.0.0","name":"net","type":"vpnrun","vpn":"$vpn"}),
	bridge => qq({"cniVersion":"1.0.0","name":"br","type":"bridge","bridge":"cni0","isGateway":true,)
		. qq("ipam":{"type":"host-local","dataDir":"$data","subnet":"10.77.0.0/24",)
		. qq("routes":[{"dst":"0.0.0.0/0"}]}}),
);
# Without address translation a bridge leads nowhere but to the host; with it, it does what we do.
($config{'bridge,ipMasq'} = $config{bridge}) =~ s/"isGateway"/"ipMasq":true,$&/;
my %path = (vpnrun => "$tools/libexec/vpnrun/cni/vpnrun");
$path{bridge} = "$dir/bridge" if $dir;
$path{'bridge,ipMasq'} = "$dir/bridge" if $dir && grep { -x "$_/iptables" } split /:/, $ENV{PATH};

sub plugin {
	my ($who, $command, $id) = @_;

	return Turns::call([$path{$who}], "$data/$who.json", {PATH => $ENV{PATH}, CNI_COMMAND => $command,
		CNI_CONTAINERID => $id, CNI_IFNAME => 'eth0', CNI_NETNS => "/run/netns/$id",
		CNI_PATH => $dir // '/nowhere'});
}

# What measures one of them in a fresh namespace.
sub in_namespace {
	my ($who, @steps) = @_;

	return [$who, sub {
		my $id = "bench-$_[0]";
		my %ms;

		system "ip netns add $id" and die;
		$ms{$_->[0]} = $_->[1]->($id) for @steps;
		system "ip netns del $id" and die;
		return %ms;
	}];
}

sub competitor {
	my ($who) = @_;

	return in_namespace($who, map { my $c = $_; [$c, sub { plugin($who, $c, $_[0]) }] } 'ADD', 'DEL');
}

my $floor = in_namespace('floor',
	['ADD', sub { Turns::call(["$tools/bench/bench", 'plug', $vpn, "/run/netns/$_[0]"]) }]);

mkdir $data;
for my $who (keys %path) {
	open my $f, '>', "$data/$who.json" or die;
	print $f $config{$who};
	close $f;
}

my @json;
for my $n (@beside ? @beside : 0) {
	my $hold;

	if ($n) {
		open $hold, '|-', "$tools/bench/bench hold $vpn $n >$data/ready" or die;
		select undef, undef, undef, 0.02 until -s "$data/ready";
	}
	my $turns = Turns->new($vpn);
	$turns->rounds($rounds, $floor, map { competitor($_) } $n ? 'vpnrun' : reverse sort keys %path);
	push @json, $turns->report($n ? "CNI beside $n sandboxes, ms" : 'CNI, ms', "\"beside\": $n, ");
	if ($hold) {
		close $hold;
		unlink "$data/ready";
		$turns->settle(0);
	}
}
system 'ip link del cni0' if $dir && !@beside;
print "left out: the bridge plugin (containernetworking-plugins is not installed)\n\n" unless $dir;
Turns::write_json($out, @json);
