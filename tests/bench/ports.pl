#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# ports.pl VPN ROUNDS SECONDS JSON: throughput into a container by a port of the host, in turns: the hook's
# `publish=`, as root and without, beside Docker's docker-proxy, podman's rootlessport and the port handler of
# slirp4netns. The same iperf3 serves in each container's network, and the host's localhost asks. What is not installed is
# left out. As root, in the rig, in a mount namespace of its own.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Programs;
use Turns;

my ($vpn, $rounds, $seconds, $out) = @ARGV;
my $dir = "$ENV{RIG_DIR}/ports-bench";
my $engines = "$ENV{RIG_DIR}/build/engines/usr";
my $user_home = (getpwnam $ENV{RIG_USER})[7];
my %who = (
	root => ['env', "CONTAINERS_CONF=$dir/containers.conf", 'podman', '--root', "$dir/root", '--runroot', "$dir/runroot"],
	user => ['as_user', 'env', "CONTAINERS_CONF=$dir/containers.conf", "HOME=$user_home", "XDG_RUNTIME_DIR=/run/user/$ENV{RIG_UID}",
		'podman'],
);
my @them;

sub put {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!\n";
	print $f $text;
	close $f or die "$path: $!\n";
}

sub run {
	my $said = `@_ 2>&1 </dev/null`;
	die "@_: $said\n" if $?;
	chomp $said;
	return (split /\n/, $said)[-1];
}

sub prepare {
	put("$dir/containers.conf", <<"C");
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
hooks_dir = ["/etc/vpnrun/oci/hooks.d", "/etc/vpnrun/oci/podman.d"]
C
	run("mkdir -p $dir/image/bin $dir/image/etc $dir/image/proc $dir/image/sys $dir/image/dev");
	run("cp " . installed('busybox') . " $dir/image/bin/sleep");
	put("$dir/image/etc/resolv.conf", '');
	run('vpnctl oci enable');
	run("tar -C $dir/image -cf $dir/image.tar . && chmod 644 $dir/image.tar");
	run("@{$who{$_}} import $dir/image.tar bench:1") for sort keys %who;
}

# A container that waits; iperf3 in its network; and the flow to its port.
sub container {
	my ($name, $who, $port, @args) = @_;

	run("@{$who{$who}} run --detach --pull=never --cgroups=disabled --name bench-$port @args bench:1 sleep 3600");
	my $pid = run("@{$who{$who}} inspect --format '{{.State.Pid}}' bench-$port");
	await_port(5201, start('nsenter', "--net=/proc/$pid/ns/net", 'iperf3', '-s', '-p', 5201));
	await_port($port, $$);
	push @them, [$name, iperf($port, '127.0.0.1', 1, $seconds)];
	return $pid;
}

# As dockerd starts it: the status goes to descriptor 3.
sub docker_proxy {
	my $proxy = installed('docker-proxy', "$engines/sbin", "$engines/libexec/docker", '/usr/libexec/docker');

	return print "left out: docker-proxy (not unpacked: tests/setup/engines.sh)\n\n" unless $proxy;
	run($_) for 'ip netns add bench-docker', 'ip link add benchd0 type veth peer name eth0 netns bench-docker',
		'ip addr add 10.66.0.1/30 dev benchd0', 'ip link set benchd0 up', 'ip -n bench-docker addr add 10.66.0.2/30 dev eth0',
		'ip -n bench-docker link set eth0 up', 'ip -n bench-docker link set lo up';
	await_port(5201, start('ip', 'netns', 'exec', 'bench-docker', 'iperf3', '-s', '-p', 5201));
	start('sh', '-c', "exec $proxy -proto tcp -host-ip 127.0.0.1 -host-port 5404 -container-ip 10.66.0.2 -container-port 5201 3>/dev/null");
	await_port(5404, $$);
	push @them, ['docker-proxy', iperf(5404, '127.0.0.1', 1, $seconds)];
}

mkdir $dir or die "$dir: $!\n";
chmod 0755, $dir;
if (my @missing = grep { !installed($_) } qw(podman crun conmon slirp4netns iperf3 busybox)) {
	print "left out: ports of containers (not installed: @missing)\n\n";
	Turns::write_json($out);
	exit 0;
}
prepare();
my @in_vpn = ('--network', 'none', '--annotation');
my $pid = container('publish=, root', 'root', 5401, @in_vpn, "'vpnrun=$vpn;publish=5401:5201'");
unshift @them, ['no relay', iperf(5201, '127.0.0.1', 1, $seconds, 'nsenter', "--net=/proc/$pid/ns/net")];
container('publish=, a user', 'user', 5402, @in_vpn, "'vpnrun=$vpn;publish=5402:5201'");
docker_proxy();
container('rootlessport', 'user', 5405, '--network', 'slirp4netns:port_handler=rootlesskit', '-p', '127.0.0.1:5405:5201');
container("slirp4netns' port handler", 'user', 5406, '--network', 'slirp4netns:port_handler=slirp4netns', '-p',
	'127.0.0.1:5406:5201');

my $turns = Turns->new($vpn);
# The relay's own time is in neither end's.
$turns->rounds($rounds, map {
	my ($name, $f) = @$_;
	[$name, sub { my %v = $f->(@_); return ('Mbit/s' => $v{'Mbit/s'}) }];
} @them);
my @json = $turns->report('into a container by a port of the host', '"kind": "container", ');
my $ours = ($turns->sorted('publish=, root Mbit/s'))[-1];
for my $name (map { $_->[0] } @them) {
	printf "publish= of root beside %s: %.2f, by the best of each\n", $name, $ours / ($turns->sorted("$name Mbit/s"))[-1];
}
print "\n";
system "@{$who{$_}} rm -f -t 0 -a >/dev/null 2>&1" for sort keys %who;
Turns::write_json($out, @json);
