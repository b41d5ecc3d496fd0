#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The include rule between the rooms of src/ and hooks/. Prints each violation; exits 1 if there is one.
# usage: layers.pl [TOP], which holds src and hooks
use strict;
use warnings;

my $top = shift // '.';
my %may = (
	base   => [],
	nl     => ['base'],
	nf     => ['nl', 'base'],
	ns     => ['nl', 'base'],
	ipc    => ['base'],
	box    => ['base'],
	policy => ['base'],
	conf   => ['base', 'state/lease.h'], # the arithmetic alone: what a file says is pure
	state  => ['ipc', 'ns', 'nl', 'base'],
	tunnel => ['conf', 'state', 'ns', 'nl', 'base'],
	plug   => ['state', 'ns', 'nf', 'nl', 'base'],
	want   => ['conf', 'state', 'nl', 'base'], # nl for what a rule is; nothing of it is called
	wall   => ['want', 'plug', 'conf', 'state', 'ns', 'nf', 'nl', 'base'],
	ensure => ['want', 'conf', 'state', 'ns', 'nf', 'nl', 'base'],
	lan    => ['wall', 'ensure', 'want', 'conf', 'state', 'ns', 'nf', 'nl', 'base'],
	up     => ['lan', 'wall', 'ensure', 'want', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nf', 'nl', 'base'],
	default => ['up', 'wall', 'ensure', 'want', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nf', 'nl', 'base'],
	keeper => ['ipc', 'default', 'up', 'lan', 'wall', 'ensure', 'want', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'base'],
	bus    => ['ipc', 'base'],
	plugd  => ['plug', 'state', 'nl', 'ipc', 'base'],
	broker => ['plugd', 'state', 'ipc', 'box', 'base'], # no netlink: it has no capability
	relay  => ['box', 'state', 'base'],
	session => ['ns', 'nl', 'ipc', 'base'],
	running => ['state', 'base'],
	line   => ['running', 'session', 'relay', 'state', 'ns', 'base'],
	launch => ['line', 'running', 'session', 'relay', 'plug', 'state', 'ns', 'nl', 'ipc', 'box', 'base'],
	ctl    => ['conf', 'base'],
	files  => ['ctl', 'tunnel', 'conf', 'state', 'box', 'base'],
	engine => ['ctl', 'policy', 'box', 'base'],
	look   => ['ctl', 'keeper', 'default', 'up', 'lan', 'wall', 'ensure', 'want', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'box', 'base'],
	command => ['ipc', 'look', 'ctl', 'relay', 'keeper', 'default', 'up', 'wall', 'ensure', 'want', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'box', 'base'],
	confine => ['ctl', 'up', 'conf', 'state', 'ns', 'nl', 'box', 'base'],
	wrap   => ['ctl', 'running', 'conf', 'state', 'base'],
	leak   => ['look', 'ctl', 'default', 'up', 'conf', 'state', 'ns', 'nl', 'box', 'base'],
	'hooks/common'   => ['relay', 'plug', 'state', 'ns', 'nl', 'ipc', 'box', 'base'],
	'hooks/cni'      => ['hooks/common', 'relay', 'plug', 'state', 'nl', 'base'],
	'hooks/netavark' => ['hooks/common', 'relay', 'plug', 'state', 'nl', 'base'],
	'hooks/oci'      => ['relay', 'plug', 'state', 'ns', 'nl', 'ipc', 'box', 'base'],
	'hooks/runtime'  => ['hooks/oci', 'relay', 'plug', 'state', 'ns', 'nl', 'base'],
	tools  => ['policy', 'box', 'base'],
);
# What only some may link: header => where it may stand.
my %libs = (
	'jansson.h'               => qr{^(src/(base/json|policy/|ctl/|files/|engine/|look/|command/|confine/|leak/)|hooks/)},
	'seccomp.h'               => qr{^src/(policy|tools)/},
	'nftables/libnftables.h'  => qr{^src/wall/firewall},
	'dbus/dbus.h'             => qr{^src/(bus/|vpnrun_session)},
	'sys/capability.h'        => qr{^src/(box/caps|policy/)},
);
my $bad = 0;

sub violation {
	print join(': ', @_), "\n";
	$bad++;
}

# What an include or a file names: "up/apply.h" is of the room up, "oci/hook.h" of hooks/oci. The files beside
# the rooms are the mains.
my %of_hooks = map { m{^hooks/(.+)} ? ($1 => 1) : () } keys %may;
sub room_of {
	my ($path) = @_;
	my $dir = $path =~ m{^([a-z0-9]+)/} ? $1 : 'main';
	return $of_hooks{$dir} ? "hooks/$dir" : $dir;
}

for my $file (split /\n/, `cd '$top' && find src hooks -name '*.[ch]' 2>/dev/null`) {
	(my $rel = $file) =~ s{^(src|hooks)/}{};
	my $dir = $1 eq 'hooks' ? "hooks/" . ($rel =~ m{^([^/]+)/} ? $1 : '') : $rel =~ m{^([^/]+)/} ? $1 : 'main';
	$may{$dir} //= $may{'hooks/cni'} if $dir =~ m{^hooks/.}; # the plugin of one more engine
	violation($file, "unknown room '$dir'") if $dir ne 'main' && !$may{$dir};
	open my $f, '<', "$top/$file" or die "$file: $!";
	my $comment = 0;
	while (<$f>) {
		s{/\*.*?\*/}{}g;
		$comment = 0, s{^.*?\*/}{} if $comment && m{\*/};
		next if $comment;
		$comment = 1 if s{/\*.*}{};
		s{//.*}{};
		if (m{^#include "([^"]*)"}) {
			my ($header, $room) = ($1, room_of($1));

			# What the build writes stands in its own directory.
			next if $header =~ m{^[a-z0-9_-]+(\.nft|_filter|_policy)\.h$};
			if ($header !~ m{^[a-z0-9]+/[a-z0-9_]+\.h$}) {
				violation("$file:$.", "\"$header\": an include names room and file");
				next;
			}
			next if $room eq $dir;
			if ($dir eq 'main') {
				violation("$file:$.", "only vpnrund may include broker/") if $room eq 'broker' && $rel ne 'vpnrund.c';
				violation("$file:$.", "only vpnrund and vpnrund-plug may include plugd/")
					if $room eq 'plugd' && $rel !~ m{^vpnrund(_plug)?\.c$};
				violation("$file:$.", "only vpnrun-session may include bus/") if $room eq 'bus' && $rel ne 'vpnrun_session.c';
				next;
			}
			violation("$file:$.", "$dir must not include $room/")
				unless grep { $_ eq $room || $_ eq $header } @{$may{$dir} // []};
		} elsif (m{^#include <([^>]+)>} && $libs{$1}) {
			violation("$file:$.", "<$1> does not belong here") unless $file =~ $libs{$1};
		}
		# A FIFO in the place of a file would be waited for without an end. Of what is read as a file, base's
		# file_open() refuses it with a sentence; no other open may wait either.
		my $call = $_;
		$call .= <$f> while $call =~ m{\bopen(at)?\s*\(} && $call !~ m{;} && !eof $f;
		violation("$file:$.", 'an open that may wait: file_open() of base/util.h, or O_NONBLOCK')
			if $call =~ m{\bopen(at)?\s*\([^;]*O_RDONLY} && $call !~ m{O_(NONBLOCK|DIRECTORY|PATH|CREAT)\b|"/proc/};
		violation("$file:$.", 'fopen() of a file waits for a FIFO: file_open() of base/util.h')
			if m{\bfopen\s*\([^"]*"r} || m{\bfopen\s*\("(?!/proc/)[^"]*", "r};
		violation("$file:$.", 'shell call') if m{\b(system|popen)\s*\(};
		violation("$file:$.", 'unbounded string function') if m{\b(strcpy|strcat|sprintf|gets|strtok|atoi)\s*\(};
	}
}
exit($bad ? 1 : 0);
