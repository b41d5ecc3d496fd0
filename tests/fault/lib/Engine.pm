# SPDX-License-Identifier: GPL-2.0-or-later
# The kinds of container engines: CNI, netavark and the OCI hook. A container has the whole cable or none, and
# what an engine does next clears what a killed one left.
package Engine;
use strict;
use warnings;
use Fault;
use Look;
use JSON::PP;

my $ports = $ENV{FAULT_PORTS} // 0;
my $netns = '/run/netns/fault';
my $id = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';

# --- CNI and netavark: add and del ------------------------------------------------------------------------

my %cni = (
	as => sub { ('env', '-i', "PATH=$ENV{PATH}", "CNI_COMMAND=$_[0]", 'CNI_CONTAINERID=fault', "CNI_NETNS=$netns", 'CNI_IFNAME=eth0',
		'CNI_PATH=/opt/cni/bin') },
	add => sub { ('ADD', "$bin/libexec/vpnrun/cni/vpnrun") },
	del => sub { ('DEL', "$bin/libexec/vpnrun/cni/vpnrun") },
	stdin => '{"cniVersion":"1.0.0","name":"net","type":"vpnrun","vpn":"demo"}',
	answer => qr/"cniVersion"/,
	refusal => qr/"msg"/,
);
my %netavark = (
	as => sub { ('env', '-i', "PATH=$ENV{PATH}") },
	add => sub { ('setup', "$bin/libexec/vpnrun/netavark/vpnrun", 'setup', $netns) },
	del => sub { ('teardown', "$bin/libexec/vpnrun/netavark/vpnrun", 'teardown', $netns) },
	stdin => encode_json({ container_id => 'fault', container_name => 'x', port_mappings => undef,
		network => { name => 'n1', id => $id, driver => 'vpnrun', internal => \0, ipv6_enabled => \0, dns_enabled => \1, options => { vpn => 'demo' } },
		network_options => { aliases => ['fault'], interface_name => 'eth0' } }),
	answer => qr/"interfaces"/,
	refusal => qr/"error"/,
);

sub device { `ip -n fault -br link show dev eth0 2>/dev/null` }

# plain ENGINE, VERB: without a fault; status and words
sub plain {
	my ($engine, $verb) = @_;
	my ($word, @cmd) = $engine->{$verb}->();
	return run(30, $engine->{as}->($word), @cmd);
}

# What an engine does after a failure, and with the next container.
sub clears {
	my ($engine) = @_;
	my ($rc, $out, $err) = plain($engine, 'del');
	return "the next del: status $rc, $out$err" if $rc != 0;
	return 'eth0 is left' if device();
	return 'a port is left' if !ports_are($ports);
	($rc, $out, $err) = plain($engine, 'add');
	return "the next add: status $rc, $out$err" if $rc != 0 || !device();
	($rc) = plain($engine, 'del');
	return $rc == 0 && !device() && ports_are($ports) ? '' : 'the last del leaves something';
}

sub judge_engine {
	my ($engine, $verb, $rc, $out, $err) = @_;
	my $dev = device();
	my $verdict = $rc == 124 ? 'hangs' : '';
	if (!$verdict && $rc == 0) {
		my $good = $verb eq 'add' ? $dev && $out =~ $engine->{answer} : !$dev && ports_are($ports);
		$verdict = $good ? 'whole' : "status 0 and not done: $out";
	} elsif (!$verdict) {
		my $said = $out =~ $engine->{refusal} || $err =~ /\S/;
		$verdict = !$said ? "status $rc and no sentence" : $verb eq 'add' && $dev ? "refused, and eth0 is there: $out"
			: $verb eq 'add' && !ports_are($ports) ? "refused, and a port is there: $out" : 'refused';
	}
	my $next = clears($engine);
	return $next ? "$verdict, then $next" : $verdict;
}

sub engine {
	my ($engine, $verb) = @_;
	my ($word, @cmd) = $engine->{$verb}->();
	return {
		as => [$engine->{as}->($word)],
		cmd => [@cmd],
		stdin => $engine->{stdin},
		reset => sub {
			system "ip netns add fault 2>/dev/null";
			plain($engine, 'add') if $verb eq 'del';
		},
		verdict => sub { judge_engine($engine, $verb, @_) },
		killed => sub { clears($engine) },
		done => sub { plain($engine, 'del'); system 'ip netns del fault' },
	};
}

# --- the OCI hook -----------------------------------------------------------------------------------------

# By hand: for createRuntime a process waits in a namespace of its own, as the container's first does. Refused
# is: a sentence, and what was plugged goes with the namespace. Whole: all of it is there.
my ($holder, $bundle) = (0, "$work/bundle");
my $fit = {
	ociVersion => '1.0.2', annotations => { vpnrun => 'demo' }, root => { path => 'fs' }, mounts => [],
	process => { args => ['true'], capabilities => { map { $_ => ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } qw(bounding effective permitted) } },
	linux => { namespaces => [{ type => 'network' }] },
};

# What an engine says to a hook.
sub state {
	return { ociVersion => '1.0', id => 'fault', status => 'creating', bundle => $bundle, annotations => { vpnrun => 'demo' }, @_ };
}

# begin_container COMMAND...: one that waits in a new network namespace, and the engine's words about it.
sub begin_container {
	my (@unshare) = @_;
	end_container();
	mkdir $bundle;
	put("$bundle/config.json", encode_json($fit));
	pipe my $there, my $tells or die;
	$holder = fork // die;
	if (!$holder) {
		open STDOUT, '>&', $tells;
		exec @unshare, 'sh', '-c', 'echo there; exec sleep 600 >/dev/null';
	}
	close $tells;
	<$there> // die "no namespace";
	put("$work/in", encode_json(state(pid => $holder)));
}

sub end_container {
	return 1 if !$holder;
	kill 'KILL', $holder;
	waitpid $holder, 0;
	$holder = 0;
	return ports_are($ports);
}

sub refused {
	my ($rc, $err, $point) = @_;
	return $rc == 124 ? 'hangs' : has_sentence('vpnrun-hook', $err, $point) ? 'refused' : "status $rc and no sentence: $err";
}

sub judge_hook {
	my ($rc, $out, $err, $point) = @_;
	my $verdict = refused($rc, $err, $point);
	if ($rc == 0) {
		my $look = 'ip -o addr show up dev vpn0; ip -o -4 rule | sed s/^/4./; ip -o -6 rule | sed s/^/6./; ip route show table 86; ' .
			'nft list table inet vpnrun';
		my $inside = `nsenter -t $holder -n sh -c '$look' 2>&1`;
		my @missing = grep { $inside !~ $_ } qr/inet 10\.20\.1\./, qr/inet6 fd76/, qr/^4\.100:.*86/m, qr/^4\.101:.*unreachable/m,
			qr/^6\.100:.*86/m, qr/^6\.101:.*unreachable/m, qr/^default via/m, qr/drop/;
		$verdict = @missing ? "plugged, without @missing: $inside" : 'whole';
	}
	return end_container() ? $verdict : "$verdict, and a port is left";
}

sub hook {
	my ($unshare, @as) = @_;
	return {
		as => \@as,
		cmd => ["$bin/libexec/vpnrun/vpnrun-hook", 'createRuntime'],
		stdin => ' ',
		found => ['0.access:EACCES:1'],
		reset => sub { begin_container(@$unshare) },
		done => \&end_container,
		verdict => \&judge_hook,
		killed => sub { end_container() ? '' : 'a port is left' },
	};
}

# What it takes away must be gone from what it hands on.
sub judge_precreate {
	my ($rc, $out, $err, $point) = @_;
	return refused($rc, $err, $point) if $rc != 0;
	my $c = eval { decode_json($out) } or return "status 0, and no configuration: $out";
	my $p = $c->{process};
	my @weak;
	push @weak, 'new privileges' if !$p->{noNewPrivileges};
	push @weak, 'a capability' if grep { $_ eq 'CAP_SYS_ADMIN' } map { @$_ } values %{$p->{capabilities}};
	my @denied = map { @{$_->{names}} } grep { $_->{action} eq 'SCMP_ACT_ERRNO' } @{$c->{linux}{seccomp}{syscalls}};
	push @weak, 'no filter' if !grep { $_ eq 'setns' } @denied;
	my @mounted = grep { $_->{destination} eq '/etc/resolv.conf' } @{$c->{mounts}};
	push @weak, 'no names' if !@mounted && !@{$c->{hooks}{createContainer} // []};
	return @weak ? "weak: @weak" : 'whole';
}

# Its mount namespace ends with it: what a program would read is printed before.
sub judge_names {
	my ($rc, $out, $err, $point) = @_;
	return refused($rc, $err, $point) if $rc != 0;
	return $out =~ /^# VPN demo/ ? 'whole' : "status 0, and its names are: $out";
}

# The image is the user's, whoever was killed while it was looked at.
sub image_is_untouched {
	my $text = slurp("$bundle/fs/etc/resolv.conf");
	my @files = glob "$bundle/fs/* $bundle/fs/*/*";
	return $text eq "the image's\n" && @files == 2 ? '' : "the image has changed: @files: $text";
}

our %kinds = (
	cni => engine(\%cni, 'add'),
	'cni-del' => engine(\%cni, 'del'),
	netavark => engine(\%netavark, 'add'),
	'netavark-del' => engine(\%netavark, 'del'),
	hook => hook(['unshare', '-n'], 'env', '-u', 'SUDO_UID'),
	userhook => hook([@as_user, 'unshare', '-Urn'], @as_user),
	precreate => {
		as => [],
		cmd => ["$bin/libexec/vpnrun/vpnrun-hook", 'precreate'],
		stdin => encode_json({ %$fit, hooks => { createContainer => [{ path => '/x/vpnrun-hook' }] } }),
		verdict => \&judge_precreate,
		killed => sub { '' },
	},
	names => {
		as => ['unshare', '-m', 'sh', '-c', '"$@"; rc=$?; cat "$0/fs/etc/resolv.conf"; exit $rc', $bundle],
		cmd => ["$bin/libexec/vpnrun/vpnrun-hook", 'createContainer'],
		stdin => encode_json(state(pid => $$, root => "$bundle/fs")),
		reset => sub {
			mkdir $_ for $bundle, "$bundle/fs", "$bundle/fs/etc";
			put("$bundle/config.json", encode_json($fit));
			put("$bundle/fs/etc/resolv.conf", "the image's\n");
		},
		verdict => \&judge_names,
		killed => \&image_is_untouched,
	},
);

1;
