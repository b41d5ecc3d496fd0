#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Every system call of a program fails once, and what comes of it is judged. In the rig, as root.
#
#   faults.pl [--sample N] [--seed S] KIND...
#
# Without --sample: every point, that is, every call of every system call that the program makes before it
# is done, with every error listed for it. Prints TAP: a line for each kind, with its counts. A finding is
# printed with what repeats it alone: --only SYSCALL:ERROR:N.
use strict;
use warnings;
use Getopt::Long;
use JSON::PP;

my ($sample, $seed, $only) = (0, time ^ $$, undef);
GetOptions('sample=i' => \$sample, 'seed=i' => \$seed, 'only=s' => \$only) or exit 2;
srand $seed;
$| = 1;

my $dir = $ENV{RIG_DIR} // die "faults.pl: runs in the rig\n";
my $judge = "$dir/build/tests/fault/judge";
my $work = "$dir/fault";
mkdir $work;
chmod 01777, $work;
my @as_user = ('setpriv', '--reuid', $ENV{RIG_UID}, '--regid', $ENV{RIG_UID}, '--clear-groups', '--inh-caps=-all',
	'env', '-u', 'SUDO_UID', "HOME=$ENV{FAULT_HOME}");

# What a call of the kernel's can say. A failure that cannot happen proves nothing.
my %errors = (
	openat => ['EMFILE', 'EIO'], open => ['EMFILE', 'EIO'], read => ['EIO'], pread64 => ['EIO'], write => ['EIO', 'ENOSPC'],
	close => ['EIO'], mount => ['EPERM', 'ENOSPC'], unshare => ['EPERM', 'ENOSPC'], setns => ['EPERM'],
	socket => ['EMFILE', 'EPERM'], sendto => ['ENOBUFS'], sendmsg => ['ENOBUFS'], recvmsg => ['ENOBUFS'], recvfrom => ['ENOBUFS'],
	connect => ['ECONNREFUSED', 'EAGAIN'], prctl => ['EPERM'], seccomp => ['EINVAL'], capset => ['EPERM'], capget => ['EPERM'],
	readlink => ['EACCES'], readlinkat => ['EACCES'], mkdir => ['ENOSPC'], mkdirat => ['ENOSPC'], access => ['EACCES'],
	newfstatat => ['EIO', 'ENOMEM'], statx => ['EIO', 'ENOMEM'],
	landlock_create_ruleset => ['EMFILE', 'ENOMEM'], fstat => ['EIO'], statfs => ['EIO'], fstatfs => ['EIO'], getdents64 => ['EIO'],
	ioctl => ['EPERM'], poll => ['ENOMEM'], ppoll => ['ENOMEM'], chdir => ['EACCES'], dup => ['EMFILE'], dup3 => ['EMFILE'],
	fcntl => ['EBADF'], clone => ['EAGAIN'], clone3 => ['EAGAIN'], fork => ['EAGAIN'], vfork => ['EAGAIN'], pipe2 => ['EMFILE'],
	mmap => ['ENOMEM'], brk => [], execve => [], exit_group => [], exit => [], rt_sigaction => ['EINVAL'], rt_sigprocmask => ['EINVAL'],
	getpid => [], gettid => [], geteuid => [], getuid => [], getegid => [], getgid => [], getppid => [], umask => [],
	arch_prctl => [], set_tid_address => [], set_robust_list => [], rseq => [], futex => [], clock_gettime => [], restart_syscall => [],
	sched_yield => [], wait4 => [], rt_sigreturn => [], getrandom => ['EAGAIN'], prlimit64 => ['EPERM'], munmap => [], mprotect => [],
	epoll_wait => [], epoll_pwait => [], setsockopt => ['ENOPROTOOPT'], getsockopt => ['ENOPROTOOPT'], bind => ['EADDRINUSE'],
);
my @others = ('EPERM', 'ENOMEM');

sub slurp { open my $f, '<', $_[0] or return ''; local $/; <$f> // '' }

# run TIMEOUT, COMMAND...: status, standard output, standard error
sub run {
	my ($limit, @cmd) = @_;
	my ($out, $err) = ("$work/out", "$work/err");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', $ENV{FAULT_STDIN} // '/dev/null';
		open STDOUT, '>', $out;
		open STDERR, '>', $err;
		exec 'timeout', '-k', '5', $limit, @cmd;
		exit 127;
	}
	waitpid $pid, 0;
	return ($? & 127 ? 128 + ($? & 127) : $? >> 8, slurp($out), slurp($err));
}

# The system calls that the program makes until it becomes the command, in their order.
sub calls_of {
	my ($kind) = @_;
	my $log = "$work/calls";
	unlink $log;
	run(30, @{$kind->{as}}, 'strace', '-qq', '-s0', '-o', $log, '-e', 'signal=none', @{$kind->{cmd}});
	my @all = split /\n/, slurp($log);
	if ($kind->{until_exec}) {
		my ($last) = grep { $all[$_] =~ /^(?:\d+ +)?execve\(.*= 0$/ } reverse 0 .. $#all;
		@all = @all[0 .. ($last // 0) - 1];
	}
	# strace lets fail only what it has a name for; listmount and statmount, which an old one lacks, are
	# made to fail in tests/unit/test_upcall.c.
	return grep { !/^syscall_0x/ } map { /^(?:\d+ +)?([a-z_0-9]+)\(/ ? $1 : () } @all;
}

sub points_of {
	my ($kind) = @_;
	my (%n, @points);
	for my $call (calls_of($kind)) {
		$n{$call}++;
		push @points, "$call:$_:$n{$call}" for @{$errors{$call} // \@others};
	}
	return @points;
}

sub choose {
	my ($n, @points) = @_;
	return @points if !$n || $n >= @points;
	for my $i (0 .. $n - 1) {
		my $j = $i + int rand(@points - $i);
		@points[$i, $j] = @points[$j, $i];
	}
	return @points[0 .. $n - 1];
}

# --- the kinds --------------------------------------------------------------------------------------------

my $vpnrun = "$dir/bin/vpnrun";
$vpnrun = 'vpnrun' if !-x $vpnrun;
my $with = $ENV{FAULT_WITH} // 1;

sub launch {
	my ($judged, %more) = @_;
	return {
		as => [@as_user, "JUDGE_KIND=$judged", @{$more{env} // []}, @{$more{before} // []}],
		cmd => [$vpnrun, @{$more{args}}, $judge],
		until_exec => 1,
		verdict => \&judge_launch,
	};
}

sub judge_launch {
	my ($rc, $out, $err) = @_;
	return 'whole' if $rc == 0 && $out eq "whole\n";
	return "weak: $out" if $out =~ /^weak/m;
	# It cannot get back to where it was and ends at once, in the wrong namespace or not.
	return 'refused' if $rc == 134 && $err =~ /^vpnrun: cannot return/;
	return 'refused' if $rc == 125 && $err =~ /^vpnrun: \S.*\S$/m;
	return 'refused' if ($rc == 126 || $rc == 127) && $err =~ /^vpnrun: /;
	return "hangs" if $rc == 124;
	return "status $rc, '$err'";
}

# CNI ADD: either all of it, or nothing: no port, no device, and an error in the protocol's JSON.
sub judge_cni {
	my ($rc, $out, $err) = @_;
	my $dev = -e '/run/netns/fault' ? `ip -n fault -br link show dev eth0 2>/dev/null` : '';
	my $ports = `ip -n demo -br link show type veth | wc -l` + 0;
	my $verdict;
	if ($rc == 0) {
		$verdict = $dev && $out =~ /"cniVersion"/ ? 'whole' : "status 0 and no device: $out";
		delete local $ENV{FAULT_STDIN};
		system 'ip -n fault link del eth0 2>/dev/null';
	} elsif ($rc == 124) {
		$verdict = 'hangs';
	} elsif ($rc == 134 && $err =~ /cannot return/) {
		$verdict = 'refused';
	} elsif ($dev) {
		$verdict = "refused, and eth0 is there: $out";
		system 'ip -n fault link del eth0';
	} elsif ($ports > ($ENV{FAULT_PORTS} // 0)) {
		$verdict = "refused, and a port is there: $out";
	} else {
		$verdict = $out =~ /"msg"/ || $err =~ /\S/ ? 'refused' : "status $rc and no sentence";
	}
	# The kernel takes the cable of a namespace that is gone a moment later.
	system 'ip netns del fault; ip netns add fault';
	for (1 .. 200) {
		last if `ip -n demo -br link show type veth | wc -l` + 0 == ($ENV{FAULT_PORTS} // 0);
		select undef, undef, undef, 0.02;
	}
	return $verdict;
}

# A container's hook, by hand: for createRuntime a process waits in a namespace of its own, as the container's
# first does. Refused is: a sentence, and what was plugged goes with the namespace. Whole: all of it is there.
my ($holder, $bundle) = (0, "$work/bundle");
my $fit = {
	ociVersion => '1.0.2', annotations => { vpnrun => 'demo' }, root => { path => 'fs' }, mounts => [],
	process => { args => ['true'], capabilities => { map { $_ => ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } qw(bounding effective permitted) } },
	linux => { namespaces => [{ type => 'network' }] },
};

sub put {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f ref $text ? encode_json($text) : $text;
	close $f;
}

# What an engine says to a hook.
sub state {
	return { ociVersion => '1.0', id => 'fault', status => 'creating', bundle => $bundle, annotations => { vpnrun => 'demo' }, @_ };
}

sub ports_are {
	my ($n) = @_;
	for (1 .. 250) {
		return 1 if `ip -n demo -br link show type veth | wc -l` == $n;
		select undef, undef, undef, 0.02;
	}
	return 0;
}

# begin_container COMMAND...: one that waits in a new network namespace, and the engine's words about it.
sub begin_container {
	my (@unshare) = @_;
	end_container();
	mkdir $bundle;
	put("$bundle/config.json", $fit);
	pipe my $there, my $tells or die;
	$holder = fork // die;
	if (!$holder) {
		open STDOUT, '>&', $tells;
		exec @unshare, 'sh', '-c', 'echo there; exec sleep 600 >/dev/null';
	}
	close $tells;
	<$there> // die "no namespace";
	put("$work/in", state(pid => $holder));
}

sub end_container {
	return 1 if !$holder;
	kill 'KILL', $holder;
	waitpid $holder, 0;
	$holder = 0;
	return ports_are($ENV{FAULT_PORTS} // 0);
}

sub has_sentence {
	my ($err, $call) = @_;
	return $err =~ /^vpnrun-hook: \S.* |while loading shared libraries/m || ($call // '') eq 'write';
}

sub judge_hook {
	my ($unshare, $rc, $out, $err, $call) = @_;
	my $verdict = $rc == 124 ? 'hangs' : has_sentence($err, $call) ? 'refused' : "status $rc and no sentence: $err";
	if ($rc == 0) {
		my $look = 'ip -o addr show up dev vpn0; ip rule; ip -6 rule; ip route show table 86; nft list table inet vpnrun';
		my $inside = `nsenter -t $holder -n sh -c '$look' 2>&1`;
		my @missing = grep { $inside !~ $_ } qr/inet 10\.20\.1\./, qr/inet6 fd76/, qr/^100:.*86/m, qr/^101:.*unreachable/m,
			qr/^default via/m, qr/drop/;
		$verdict = @missing ? "plugged, without @missing: $inside" : 'whole';
	}
	$verdict = "$verdict, and a port is left" if !end_container();
	begin_container(@$unshare);
	return $verdict;
}

sub hook {
	my ($unshare, @as) = @_;
	return {
		as => \@as,
		cmd => ["$dir/build/libexec/vpnrun/vpnrun-hook", 'createRuntime'],
		stdin => ' ',
		reset => sub { begin_container(@$unshare) },
		done => \&end_container,
		verdict => sub { judge_hook($unshare, @_) },
	};
}

# What it takes away must be gone from what it hands on.
sub judge_precreate {
	my ($rc, $out, $err, $call) = @_;
	return $rc == 124 ? 'hangs' : has_sentence($err, $call) ? 'refused' : "status $rc and no sentence: $err" if $rc != 0;
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
	my ($rc, $out, $err, $call) = @_;
	return $rc == 124 ? 'hangs' : has_sentence($err, $call) ? 'refused' : "status $rc and no sentence: $err" if $rc != 0;
	return $out =~ /^# VPN demo/ ? 'whole' : "status 0, and its names are: $out";
}

# The broker, with a socket of its own: whoever may not use a VPN is refused whatever fails, whoever may gets
# it whole or is refused, and the broker that has begun to serve goes on serving.
my $sock = "$work/broker.sock";

# Its process, once it serves; 0 and its words, if it has ended before.
sub broker_begin {
	my (@strace) = @_;
	local $^F = 1000;
	pipe my $ready, my $says or die;
	my $fd = fileno $says;
	my $pid = fork // die;
	if (!$pid) {
		close $ready;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', "$work/broker.err";
		setpgrp;
		exec @strace, "$dir/build/libexec/vpnrun/vpnrund", '--ready-fd', $fd, '--listen', $sock;
	}
	close $says;
	vec(my $bits = '', fileno $ready, 1) = 1;
	return $pid if select($bits, undef, undef, 10) && sysread $ready, my $byte, 1;
	# Not ready, and not ended either: that is no sentence.
	for (1 .. 100) {
		return (0, slurp("$work/broker.err")) if waitpid($pid, 1) == $pid;
		select undef, undef, undef, 0.02;
	}
	broker_end($pid);
	return (0, 'hangs: ' . slurp("$work/broker.err"));
}

sub broker_end {
	my ($pid) = @_;
	return if !$pid;
	kill 'TERM', -$pid;
	for (1 .. 100) {
		return if waitpid($pid, 1) == $pid;
		select undef, undef, undef, 0.02;
	}
	kill 'KILL', -$pid;
	waitpid $pid, 0;
}

sub attach { run(20, @as_user, 'JUDGE_KIND=vpn', $vpnrun, '--socket', $sock, 'demo', $judge) }
sub attach_stranger {
	run(20, 'setpriv', '--reuid', $ENV{RIG_STRANGER_UID}, '--regid', $ENV{RIG_STRANGER_UID}, '--clear-groups',
		'--inh-caps=-all', 'env', '-u', 'SUDO_UID', 'HOME=/', $vpnrun, '--socket', $sock, 'demo', 'true')
}

sub try_broker {
	my (@strace) = @_;
	my ($pid, $why) = broker_begin(@strace);
	return $why =~ /^vpnrund: \S|while loading shared libraries/m ? 'refused' : "ends without a sentence: $why" if !$pid;
	my $verdict = judge_launch(attach());
	my ($rc) = attach_stranger();
	$verdict = "a stranger got in" if $rc == 0;
	# The front's own count is past by now, or is reached by one of these.
	my $again = judge_launch(attach());
	$verdict = "then: $again" if $again !~ /^(whole|refused)$/;
	my $ended = waitpid($pid, 1) == $pid;
	$verdict = 'has ended: ' . slurp("$work/broker.err") if $ended && $verdict =~ /^(whole|refused)$/;
	broker_end($pid) if !$ended;
	return $verdict;
}

sub points_of_broker {
	my $log = "$work/calls";
	unlink glob "$log.*";
	my ($pid) = broker_begin('strace', '-ff', '-qq', '-s0', '-o', $log, '-e', 'signal=none');
	attach();
	attach_stranger();
	broker_end($pid);
	my %most;
	for my $file (glob "$log.*") {
		my %n;
		$n{$_}++ for map { /^([a-z_0-9]+)\(/ ? $1 : () } split /\n/, slurp($file);
		$most{$_} = $n{$_} > ($most{$_} // 0) ? $n{$_} : $most{$_} for keys %n;
	}
	# Memory and the limit of files are the loader's, or end it before its first client; what it writes is
	# its log, and the word that it is ready.
	delete @most{qw(mmap prlimit64 write)};
	return map { my $c = $_; map { my $e = $_; map { "$c:$e:$_" } 1 .. $most{$c} } @{$errors{$c} // \@others} } sort keys %most;
}

my %kinds = (
	launch => launch('vpn', args => ['demo']),
	strict => launch('strict', args => ['--strict', 'demo']),
	none => launch('none', args => ['none'], env => []),
	inherited => launch('vpn', args => ['demo'], before => ["$dir/tests/fault/with-fds"]),
	join => launch('vpn', args => ['--with', $with]),
	ports => launch('vpn', args => ['-p', '18080:80', '--reach', '18081', 'demo']),
	host => launch('host', args => ['host', '--dns', '192.0.2.53', '--policy', 'default'], env => ['JUDGE_NET=', 'JUDGE_SOCKETS=', 'JUDGE_HIDDEN=']),
	root => {
		%{launch('vpn', args => ['demo'])},
		as => ['env', '-u', 'SUDO_UID', 'JUDGE_KIND=vpn', 'JUDGE_USER=', 'JUDGE_CAPS=404fb'],
	},
	cni => {
		as => ['env', '-i', "PATH=$ENV{PATH}", 'CNI_COMMAND=ADD', 'CNI_CONTAINERID=fault', 'CNI_NETNS=/run/netns/fault',
			'CNI_IFNAME=eth0', 'CNI_PATH=/opt/cni/bin'],
		cmd => ["$dir/build/libexec/vpnrun/cni/vpnrun"],
		stdin => '{"cniVersion":"1.0.0","name":"net","type":"vpnrun","vpn":"demo"}',
		verdict => \&judge_cni,
		reset => sub { system 'ip netns del fault 2>/dev/null; ip netns add fault' },
	},
	hook => hook(['unshare', '-n'], 'env', '-u', 'SUDO_UID'),
	userhook => hook([@as_user, 'unshare', '-Urn'], @as_user),
	precreate => {
		as => [],
		cmd => ["$dir/build/libexec/vpnrun/vpnrun-hook", 'precreate'],
		stdin => encode_json({ %$fit, hooks => { createContainer => [{ path => '/x/vpnrun-hook' }] } }),
		verdict => \&judge_precreate,
	},
	names => {
		as => ['unshare', '-m', 'sh', '-c', '"$@"; rc=$?; cat "$0/fs/etc/resolv.conf"; exit $rc', $bundle],
		cmd => ["$dir/build/libexec/vpnrun/vpnrun-hook", 'createContainer'],
		stdin => encode_json(state(pid => $$, root => "$bundle/fs")),
		reset => sub {
			mkdir $_ for $bundle, "$bundle/fs", "$bundle/fs/etc";
			put("$bundle/config.json", $fit);
			put("$bundle/fs/etc/resolv.conf", "the image's\n");
		},
		verdict => \&judge_names,
	},
	broker => {
		points => \&points_of_broker,
		control => sub { try_broker() },
		try => sub {
			my ($call, $error, $when) = @_;
			try_broker('strace', '-f', '-qq', '-o', '/dev/null', '-e', "trace=$call", '-e', 'signal=none',
				'-e', "inject=$call:error=$error:when=$when");
		},
	},
);

sub try_point {
	my ($kind, $call, $error, $when) = @_;
	return $kind->{try}->($call, $error, $when) if $kind->{try};
	my $log = $kind->{until_exec} ? "$work/trace" : '/dev/null';
	unlink $log if $kind->{until_exec};
	my $v = $kind->{verdict}->(run(20, @{$kind->{as}}, 'strace', '-qq', '-s0', '-o', $log, '-e', "trace=$call,execve",
		'-e', 'signal=none', '-e', "inject=$call:error=$error:when=$when", @{$kind->{cmd}}), $call);
	# A launch does not always make the same number of calls: this one was of the command itself.
	return 'late' if $kind->{until_exec} && slurp($log) =~ /^execve\([^\n]*= 0\n(?:.*\n)*execve\([^\n]*= 0\n(?:.*\n)*.*INJECTED/m;
	return $v;
}

# Without a fault it has to be whole, or the judge sees nothing.
sub control {
	my ($kind) = @_;
	$kind->{reset}->() if $kind->{reset};
	return $kind->{control} ? $kind->{control}->() : $kind->{verdict}->(run(30, @{$kind->{as}}, @{$kind->{cmd}}));
}

# --- the whole --------------------------------------------------------------------------------------------

my ($n, $bad) = (0, 0);
for my $name (@ARGV) {
	my $kind = $kinds{$name} or die "faults.pl: no kind '$name'\n";
	if ($kind->{stdin}) {
		open my $f, '>', "$work/in" or die;
		print $f $kind->{stdin};
		close $f;
	}
	local $ENV{FAULT_STDIN} = $kind->{stdin} ? "$work/in" : '/dev/null';
	$kind->{reset}->() if $kind->{reset};
	my @all = $only ? ($only) : $kind->{points} ? $kind->{points}->() : points_of($kind);
	my @points = choose($only ? 0 : $sample, @all);
	my $control = control($kind);
	my (%count, @findings);
	for my $p (@points) {
		my $v = try_point($kind, split /:/, $p);
		$count{$v =~ /^(whole|refused|late)$/ ? $1 : 'bad'}++;
		push @findings, "$p: $v" if $v !~ /^(whole|refused|late)$/;
	}
	$kind->{done}->() if $kind->{done};
	$n++;
	my $good = $control eq 'whole' && @points && !@findings;
	$bad++ if !$good;
	printf "%sok %d - L51 %s: %d of %d points (seed %d): %d refused, %d whole, %d too late, %d bad\n", $good ? '' : 'not ', $n, $name,
		scalar @points, scalar @all, $seed, $count{refused} // 0, $count{whole} // 0, $count{late} // 0, $count{bad} // 0;
	print "# without any fault: $control\n" if $control ne 'whole';
	for my $f (@findings) {
		$f =~ s/\n+/; /g;
		print "#   --only $f\n";
	}
}
print "1..$n\n";
exit($bad ? 1 : 0);
