#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# flow.pl VPN ROUNDS SECONDS JSON: throughput, in turns. A sandbox beside the VPN's own namespace, through
# the tunnel and with a veth in the tunnel's place; there as processor time too, which other work on the
# machine changes less. And a port published by `vpnrun -p` beside socat and systemd-socket-proxyd; this one
# gets a listening socket of the host and runs in the sandbox's network, as units do it. What is not
# installed is left out. In the rig.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Programs;
use Turns;

my ($vpn, $rounds, $seconds, $out) = @ARGV;
my $tools = "$ENV{RIG_DIR}/build/bench";
my $far = $ENV{RIG_DNS_DEMO};
my @as_user = ('setpriv', '--reuid', $ENV{RIG_USER}, '--regid', $ENV{RIG_USER}, '--init-groups');
my @json;

END {
	my $status = $?;
	stop();
	system "$FindBin::Bin/fast.sh remove";
	$? = $status;
}

# --- the hop -------------------------------------------------------------------------------------

# By our own program: the ends' processor time, or the whole machine's, where a tunnel is the kernel's and
# nothing else runs there.
sub flow {
	my ($cost, $streams, @as) = @_;

	return sub {
		my ($mbit, %cost);
		($mbit, @cost{'ends', 'machine'}) = split ' ', `@as $tools/flow send $far 5201 $seconds $streams`;
		die "@as: no flow\n" unless $cost{machine};
		return ('Mbit/s' => $mbit, $cost ? ('ns/KiB' => $cost{$cost}) : ());
	};
}
sub one { my ($with_cost, @as) = @_; return flow($with_cost && 'ends', 1, @as) }

sub compare {
	my ($title, $key, $bare, $boxed, @more) = @_;
	my $turns = Turns->new($vpn);

	$turns->rounds($rounds, ['bare', $bare], ['sandbox', $boxed], @more);
	push @json, $turns->report($title, qq("kind": "$key", ));
}

# What is accepted passes by most of the rules from then on. Only to be measured: see README.md.
sub flowtable {
	my ($do) = @_;
	return !system "ip netns exec $vpn nft delete table inet bench" if $do eq 'delete';
	open my $nft, '|-', "ip netns exec $vpn nft -f - 2>/dev/null" or die;
	print $nft "table inet bench {\nflowtable fast { hook ingress priority 0; devices = { br-$vpn, $vpn }; }\n",
		"chain forward { type filter hook forward priority filter + 1; policy accept;\n",
		"ct state established meta l4proto { tcp, udp } flow add \@fast\n}\n}\n";
	return close $nft;
}

my @bare = ('ip', 'netns', 'exec', $vpn);
my @boxed = (@as_user, 'vpnrun', $vpn);
my $server = start('nsenter', "--net=$ENV{RIG_DIR}/ns/demo", "$tools/flow", 'serve', $far, 5201);
await_port(5201, $server);
print "Flows out: from the VPN's own namespace, and from a sandbox (one veth, the bridge, the firewall\n",
	"and the address translation more).\n\n";
my $cost = $ENV{RIG_WG} eq 'kernel' && 'machine';
for my $streams ($cost ? (1, 4) : 1) {
	my $flow = flow($cost, $streams, @boxed);

	compare("by the tunnel ($ENV{RIG_WG} WireGuard), streams: $streams", $streams > 1 ? "tunnel$streams" : 'tunnel',
		flow($cost, $streams, @bare), $flow, flowtable('add') && flowtable('delete') ? [flowtable => sub {
			flowtable('add') or die;
			my %v = $flow->();
			flowtable('delete');
			return %v;
		}] : ());
}
stop($server);

# How little the hop costs shows where no cipher hides it.
system "$FindBin::Bin/fast.sh make $far" and die;
my @far = ('ip', 'netns', 'exec', 'bench-far');
@bare = ('ip', 'netns', 'exec', 'bench-vpn');
my @box = ('ip', 'netns', 'exec', 'bench-box');
$server = start(@far, "$tools/flow", 'serve', $far, 5201);
await_port(5201, $server);
# The same bridge with no rule but the address translation's: what the kernel takes of any gateway.
sub by_snat_alone {
	my ($flow) = @_;

	return [gateway => sub {
		system "$FindBin::Bin/fast.sh rules snat" and die;
		my %v = $flow->();
		system "$FindBin::Bin/fast.sh rules vpn" and die;
		return %v;
	}];
}
compare("a veth in the tunnel's place, 1 stream", 'veth', one(1, @bare), one(1, @box), by_snat_alone(one(1, @box)));
stop($server);
if (!installed('iperf3')) {
	print "left out: four streams and published ports (iperf3 is not installed)\n\n";
	Turns::write_json($out, @json);
	exit 0;
}
$server = start(@far, 'iperf3', '-s', '-p', 5201);
await_port(5201, $server);
compare("a veth in the tunnel's place, 4 streams", 'veth4', iperf(5201, $far, 4, $seconds, @bare),
	iperf(5201, $far, 4, $seconds, @box), by_snat_alone(iperf(5201, $far, 4, $seconds, @box)));
stop($server);

# --- a published port ----------------------------------------------------------------------------

$server = start(@as_user, 'vpnrun', '-p', '5301:5201', $vpn, 'iperf3', '-s', '-B', '127.0.0.1', '-p', 5201);
await_port(5201, $server);
await_port(5301, $$);
my @in = ('nsenter', "--net=/proc/$server/ns/net");
my @them = (['no relay', iperf(5201, '127.0.0.1', 1, $seconds, @in)], ['vpnrun -p', iperf(5301, '127.0.0.1', 1, $seconds)]);
my %relay = (
	socat => [5302, installed('socat'), 'TCP4-LISTEN:5302,bind=127.0.0.1,fork,reuseaddr', 'TCP4:127.0.0.1:5202'],
	'systemd-socket-proxyd' => [5303, installed('systemd-socket-activate'), '-l', '127.0.0.1:5303',
		@in, installed('systemd-socket-proxyd', '/lib/systemd'), '127.0.0.1:5201'],
);
# socat listens and connects in one network only: it gets a server of the host's.
await_port(5202, start('iperf3', '-s', '-B', '127.0.0.1', '-p', 5202));
for my $name (sort keys %relay) {
	my ($port, @program) = @{$relay{$name}};

	if (grep { !defined } @program) {
		print "left out: $name (not installed)\n\n";
		next;
	}
	await_port($port, start(@program));
	push @them, [$name, iperf($port, '127.0.0.1', 1, $seconds)];
}
my $turns = Turns->new($vpn);
# The relay's own time is in neither end's.
$turns->rounds($rounds, map {
	my ($name, $f) = @$_;
	[$name, sub { my %v = $f->(@_); return ('Mbit/s' => $v{'Mbit/s'}) }];
} @them);
push @json, $turns->report('into a sandbox by a port of the host', '"kind": "publish", ');
Turns::write_json($out, @json);
