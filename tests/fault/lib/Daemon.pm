# SPDX-License-Identifier: GPL-2.0-or-later
# The kinds of what stays: the broker with its plugger, and `vpnctl publish`. Whoever may not use a VPN is
# refused whatever fails, whoever may gets it whole or is refused, and what has begun to serve goes on.
package Daemon;
use strict;
use warnings;
use Fault;
use Look;
use Launch;

my $sock = "$work/broker.sock";

# begin LOG, READS, COMMAND...: its process, once it says that it serves; 0 and its words, if it has ended before.
sub begin {
	my ($words, $ready, @cmd) = @_;
	local $^F = 1000;
	pipe my $there, my $says or die;
	my $fd = fileno $says;
	my $pid = fork // die;
	if (!$pid) {
		close $there;
		open STDIN, '<', '/dev/null';
		open STDERR, '>', $words;
		setpgrp;
		if ($ready eq 'stdout') {
			open STDOUT, '>&', $says;
			close $says;
		} else {
			open STDOUT, '>', '/dev/null';
			push @cmd, $ready, $fd;
		}
		exec @cmd;
	}
	close $says;
	vec(my $bits = '', fileno $there, 1) = 1;
	return $pid if select($bits, undef, undef, 20) && sysread $there, my $byte, 1;
	# Not ready, and not ended either: that is no sentence.
	return (0, slurp($words)) if soon(5, sub { waitpid($pid, 1) == $pid });
	end($pid);
	return (0, 'hangs: ' . slurp($words));
}

sub has_ended { my ($pid) = @_; return waitpid($pid, 1) == $pid }

sub end {
	my ($pid) = @_;
	return if !$pid;
	kill 'TERM', -$pid;
	return if soon(4, sub { has_ended($pid) });
	kill 'KILL', -$pid;
	waitpid $pid, 0;
}

# --- the broker -------------------------------------------------------------------------------------------

sub broker { begin("$work/broker.err", '--ready-fd', @_, "$bin/libexec/vpnrun/vpnrund", '--listen', $sock) }
sub attach { run(20, @as_user, 'JUDGE_KIND=vpn', $vpnrun, '--socket', $sock, 'demo', $judge) }
sub attach_stranger {
	run(20, 'setpriv', '--reuid', $ENV{RIG_STRANGER_UID}, '--regid', $ENV{RIG_STRANGER_UID}, '--clear-groups',
		'--inh-caps=-all', 'env', '-u', 'SUDO_UID', 'HOME=/', $vpnrun, '--socket', $sock, 'demo', 'true')
}

# After it was killed: nothing of it stays, and the next one serves.
sub next_broker {
	my ($before) = @_;
	return 'a plugger is left' if !soon(5, sub { alive('vpnrund-plug') <= $before });
	return 'a port is left' if !ports_are($ENV{FAULT_PORTS} // 0);
	my ($pid, $why) = broker();
	return "the next one does not start: $why" if !$pid;
	my $verdict = judge_launch(attach());
	end($pid);
	return $verdict eq 'whole' ? '' : "the next one: $verdict";
}

# Plugger and front end together: killed is killed, whichever of the two.
sub try_broker {
	my ($log, $point) = @_;
	my $before = alive('vpnrund-plug');
	my ($pid, $why) = broker($log ? strike($log, $point, '-x') : ());
	my $begins_killed = $point && is_kill($point) && slurp($log) =~ /^struck/;
	return next_broker($before) || 'killed' if !$pid && $begins_killed;
	return $why =~ /^vpnrund(-plug)?: \S|while loading shared libraries/m ? 'refused' : "ends without a sentence: $why" if !$pid;
	my $verdict = judge_launch(attach());
	my ($rc) = attach_stranger();
	$verdict = 'a stranger got in' if $rc == 0;
	# The front's own count is past by now, or is reached by one of these.
	my $again = judge_launch(attach());
	$verdict = "then: $again" if $again !~ /^(whole|refused)$/;
	my $ended = has_ended($pid);
	my $struck = $point && slurp($log) =~ /^struck ([01]) /m && $1;
	if ($point && is_kill($point) && defined $struck && $struck ne '') {
		end($pid) if !$ended;
		return $verdict if $verdict !~ /^(whole|refused)$/;
		return next_broker($before) || 'killed';
	}
	$verdict = 'has ended: ' . slurp("$work/broker.err") if $ended && $verdict =~ /^(whole|refused)$/;
	end($pid) if !$ended;
	return $verdict;
}

# Memory and the limit of files are the loader's, or end it before its first client; what it writes is its
# log, and the word that it is ready.
sub points_of_broker {
	my ($log) = @_;
	unlink $log;
	my ($pid, $why) = broker(strike($log, undef, '-x'));
	die "no broker: $why" if !$pid;
	attach();
	attach_stranger();
	end($pid);
	return points_of($log, map { $_ => 1 } qw(mmap prlimit64 write));
}

# --- publish ----------------------------------------------------------------------------------------------

my $port = 18090;
my $web;
sub publish { begin("$work/publish.err", 'stdout', @_, "$bin/bin/vpnctl", 'publish', 'demo', "$port:18091") }
sub fetch { my ($rc, $out) = run(5, 'curl', '-s', '-m', '3', "http://127.0.0.1:$port/"); $out }
sub listens { `ss -Hltn 'sport = :$port'` =~ /\S/ }

# A server in the VPN's own namespace.
sub serve {
	return if $web;
	$web = fork // die;
	exec 'nsenter', '--net=/run/netns/demo', 'perl', '-MIO::Socket::INET', '-e',
		'$SIG{PIPE} = "IGNORE"; my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:18091", Listen => 50, ReuseAddr => 1) or die;
		while (my $c = $l->accept) { sysread $c, my $b, 4096; print $c "HTTP/1.0 200 OK\r\n\r\ninside"; close $c }' if !$web;
	soon(5, sub { `nsenter --net=/run/netns/demo ss -Hltn 'sport = :18091'` =~ /\S/ });
}

sub serve_no_more { kill 'KILL', $web; waitpid $web, 0; $web = 0 }

# Those that serve have nothing of root's left.
sub privileged {
	for my $status (map { slurp("$_/status") } grep { slurp("$_/cmdline") =~ /^[^\0]*vpnctl\0publish\0/ } glob '/proc/[0-9]*') {
		return 'with capabilities' if $status =~ /^Cap(Eff|Prm|Inh|Amb):\s*0*[1-9a-f]/m;
		return 'without a filter' if $status !~ /^Seccomp:\t2/m;
	}
	return '';
}

sub try_publish {
	my ($log, $point) = @_;
	my ($pid, $why) = publish($log ? strike($log, $point) : ());
	my $verdict;
	if ($pid) {
		my $weak = privileged();
		my $text = fetch();
		$verdict = $weak ? "serves $weak" : $text eq 'inside' ? 'whole' : "serves nothing: $text " . slurp("$work/publish.err");
		# The connection that a call failed for is over; the next one is served.
		$verdict = 'whole' if !$weak && $verdict ne 'whole' && $point && !is_kill($point) && fetch() eq 'inside';
		my $ended = has_ended($pid);
		my $died = $point && is_kill($point) && slurp($log) =~ /^struck/m;
		$verdict = has_sentence('vpnctl', slurp("$work/publish.err"), $point // '') ? 'refused' : 'ends without a sentence' if $ended && !$weak && !$died;
		$verdict = 'killed' if $died && !$weak;
		end($pid) if !$ended;
	} elsif ($point && is_kill($point) && slurp($log) =~ /^struck/m) {
		$verdict = 'killed';
	} else {
		$verdict = has_sentence('vpnctl', $why, $point // '') ? 'refused' : "ends without a sentence: $why";
	}
	return "$verdict, and it still listens" if !soon(5, sub { !listens() });
	return $verdict;
}

sub points_of_publish {
	my ($log) = @_;
	unlink $log;
	my ($pid, $why) = publish(strike($log));
	die "publishes nothing: $why" if !$pid;
	fetch();
	end($pid);
	return points_of($log);
}

our %kinds = (
	broker => { points => \&points_of_broker, try => \&try_broker },
	publish => { points => \&points_of_publish, try => \&try_publish, reset => \&serve, done => \&serve_no_more },
);

1;
