# SPDX-License-Identifier: GPL-2.0-or-later
# The kinds of a launch: whatever fails, what the command meets is whole or there is no command. Whoever is
# killed leaves no port, no file and no process.
package Launch;
use strict;
use warnings;
use Fault;
use Look;
use Exporter 'import';
our @EXPORT = qw(judge_launch $vpnrun $judge);

our $judge = "$bin/tests/fault/judge";
our $vpnrun = "$dir/bin/vpnrun";
$vpnrun = 'vpnrun' if !-x $vpnrun;
my $with = $ENV{FAULT_WITH} // 1;

sub judge_launch {
	my ($rc, $out, $err) = @_;
	return 'whole' if $rc == 0 && $out eq "whole\n";
	return "weak: $out" if $out =~ /^weak/m;
	return 'refused' if $rc == 125 && $err =~ /^vpnrun: \S.*\S$/m;
	return 'refused' if ($rc == 126 || $rc == 127) && $err =~ /^vpnrun: /;
	return "hangs" if $rc == 124;
	return "status $rc, '$err'";
}

sub traces { join "\n", map { Look::tree($_) } '/run/vpnrun', "/run/user/$ENV{RIG_UID}", $ENV{FAULT_HOME} }
sub running { alive('vpnrun') }

sub launch {
	my ($judged, %more) = @_;
	my ($files, $processes);
	return {
		as => [@as_user, "JUDGE_KIND=$judged", @{$more{env} // []}, @{$more{before} // []}],
		cmd => [$vpnrun, @{$more{args}}, $judge],
		verdict => \&judge_launch,
		# What a launch leaves for the next one is there before.
		warm => sub { ($files, $processes) = (traces(), running()) },
		killed => sub {
			return 'a port is left' if !ports_are($ENV{FAULT_PORTS} // 0);
			return 'a process is left' if !soon(5, sub { running() <= $processes });
			# What another one of that user's has left may be cleared meanwhile.
			my $left = difference($files, traces());
			return $left =~ /(^|; )\+ / ? "left: $left" : '';
		},
	};
}

our %kinds = (
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
);

1;
