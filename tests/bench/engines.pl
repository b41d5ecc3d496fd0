#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# engines.pl VPN ROUNDS JSON [RUNTIME]: what the hook adds to a container's start. `crun run` and `runc run` of one
# bundle, with the hook's two stages, with a published port too, and without; `podman run` with --network none,
# with the hook too, and with --network bridge (netavark). An engine that is not installed is left out.
# With RUNTIME that one alone, and no engine. As root, in the rig, in a mount namespace of its own.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Time::HiRes qw(sleep);
use Turns;

my ($vpn, $rounds, $out, $only) = @ARGV;
my $hook = "$ENV{RIG_DIR}/build/libexec/vpnrun/vpnrun-hook";
my $dir = "$ENV{RIG_DIR}/engines-bench";
my ($busybox) = grep { -x } qw(/bin/busybox /usr/bin/busybox);
my %at;
for my $p (qw(crun runc podman conmon netavark iptables)) {
	($at{$p}) = grep { -x } map { "$_/$p" } split /:/, $ENV{PATH};
}

sub left_out {
	print "left out: @_\n\n";
	exit 0;
}
left_out('container engines (busybox is not installed)') unless $busybox;

sub put {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!\n";
	print $f $text;
	close $f or die "$path: $!\n";
}

# --- bundles -------------------------------------------------------------------------------------

sub root_fs {
	my ($root) = @_;

	system 'mkdir', '-p', map { "$root/$_" } qw(bin etc proc sys dev) and die;
	system 'cp', $busybox, "$root/bin/true" and die;
	# crun before 1.26 has made the root read-only when the hook comes.
	put("$root/etc/resolv.conf", '');
}

sub bundle {
	my ($runtime, $name, $with_hook, $port) = @_;
	my $b = "$dir/$name";

	root_fs("$b/rootfs");
	system "cd $b && $at{$runtime} spec" and die;
	open my $f, '<', "$b/config.json" or die;
	my $config = decode_json(do { local $/; <$f> });

	$config->{process}{terminal} = JSON::PP::false;
	$config->{process}{args} = ['/bin/true'];
	if ($with_hook) {
		$config->{annotations}{vpnrun} = $port ? "$vpn;publish=$port:80" : $vpn;
		$config->{hooks}{$_} = [{path => $hook, args => ['vpnrun-hook', $_], timeout => 10}]
			for qw(createRuntime createContainer);
	}
	put("$b/config.json", encode_json($config));
	return $b;
}

sub runtime {
	my ($runtime, $with_hook, $port) = @_;
	my $what = $port ? 'with the hook and a port' : $with_hook ? 'with the hook' : 'alone';
	my $b = bundle($runtime, "$runtime-$with_hook" . ($port ? '-port' : ''), $with_hook, $port);

	return ["$runtime run, $what", sub {
		# The relay of the round before has gone when its port is free.
		sleep 0.005 while $port && `ss -Hltn 'sport = :$port'` =~ /./;
		return ('' => Turns::call([$at{$runtime}, 'run', '--bundle', $b, "bench-$_[0]"]));
	}];
}

# --- podman --------------------------------------------------------------------------------------

sub podman_prepare {
	put("$dir/containers.conf", <<"C");
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
hooks_dir = ["/etc/vpnrun/oci/hooks.d", "/etc/vpnrun/oci/podman.d"]
[network]
network_backend = "netavark"
C
	$ENV{CONTAINERS_CONF} = "$dir/containers.conf";
	root_fs("$dir/image");
	system 'vpnctl oci enable >/dev/null' and die;
	system "tar -C $dir/image -cf $dir/image.tar . &&"
		. " podman @{[podman_where()]} import $dir/image.tar bench:1 >/dev/null 2>&1" and die;
}

sub podman_where { return ('--root', "$dir/root", '--runroot', "$dir/runroot") }

sub podman {
	my ($what, @args) = @_;

	return ["podman run, $what", sub {
		return ('' => Turns::call([$at{podman}, podman_where(), 'run', '--rm', '--pull=never',
			@args, 'bench:1', '/bin/true']));
	}];
}

# --- the run -------------------------------------------------------------------------------------

mkdir $dir or die "$dir: $!\n";
my @json;
if (my @runtimes = grep { $at{$_} && $_ eq ($only // $_) } qw(crun runc)) {
	my $turns = Turns->new($vpn);

	$turns->rounds($rounds, map { (runtime($_, 0), runtime($_, 1), runtime($_, 1, 28080)) } @runtimes);
	push @json, $turns->report('a container of one bundle, ms');
	for (@runtimes) {
		my $more = $turns->more("$_ run, alone", "$_ run, with the hook");
		my $port = $turns->more("$_ run, with the hook", "$_ run, with the hook and a port");

		push @json, sprintf('{"name": "%s run: the hook", "n": %d, "median": %.3f}', $_, $rounds, $more),
			sprintf('{"name": "%s run: a port", "n": %d, "median": %.3f}', $_, $rounds, $port);
		printf "%s: %+.2f ms with the hook, %+.2f ms more with a port, by the median of each round's difference\n",
			$_, $more, $port;
	}
	print "\n";
} else {
	print "left out: crun and runc (not installed)\n\n";
}
if ($only) {
	Turns::write_json($out, @json);
	exit 0;
}
if (my @missing = grep { !$at{$_} } qw(podman crun conmon)) {
	Turns::write_json($out, @json);
	left_out("podman (not installed: @missing)");
}
podman_prepare();
my $turns = Turns->new($vpn);
my @them = (podman('--network none', '--network', 'none'),
	podman('none with the hook', '--network', 'none', '--annotation', "vpnrun=$vpn"));
if ($at{iptables} && ($at{netavark} || grep { -x "$_/netavark" } qw(/usr/lib/podman /usr/libexec/podman))) {
	push @them, podman('--network bridge', '--network', 'bridge');
} else {
	print "left out: podman's own bridge (netavark or iptables is not installed)\n\n";
}
$turns->rounds(int($rounds / 2), @them);
push @json, $turns->report('podman with crun, ms');
system "podman @{[podman_where()]} system reset --force >/dev/null 2>&1";
Turns::write_json($out, @json);
