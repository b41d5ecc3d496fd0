#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The include rule between the layers of src/. Prints each violation; exits 1 if there is one.
# usage: layers.pl [SRCDIR]
use strict;
use warnings;

my $src = shift // 'src';
my %may = (
	base   => [],
	nl     => ['base'],
	ns     => ['nl', 'base'],
	ipc    => ['base'],
	box    => ['base'],
	policy => ['base'],
	conf   => ['base', 'state/lease.h'], # the arithmetic alone: what a file says is pure
	state  => ['ns', 'nl', 'base'],
	tunnel => ['conf', 'state', 'ns', 'nl', 'base'],
	plug   => ['state', 'ns', 'nl', 'base'],
	up     => ['tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'base'],
	default => ['up', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'base'],
	keeper => ['default', 'up', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'base'],
	bus    => ['ipc', 'base'],
	plugd  => ['plug', 'state', 'nl', 'ipc', 'box', 'base'],
	broker => ['plugd', 'plug', 'state', 'ns', 'nl', 'ipc', 'box', 'base'],
	relay  => ['box', 'base'],
	session => ['ns', 'nl', 'ipc', 'base'],
	running => ['state', 'base'],
	launch => ['running', 'session', 'relay', 'plug', 'state', 'ns', 'nl', 'ipc', 'box', 'base'],
	ctl    => ['policy', 'relay', 'keeper', 'default', 'up', 'tunnel', 'plug', 'conf', 'state', 'ns', 'nl', 'box', 'base'],
	tools  => ['policy', 'box', 'base'],
);
# What only some may link: header => where it may stand.
my %libs = (
	'jansson.h'               => qr{^(base/json|policy/|ctl/)},
	'seccomp.h'               => qr{^(policy|tools)/},
	'nftables/libnftables.h'  => qr{^up/firewall},
	'libmnl/libmnl.h'         => qr{^nl/},
	'dbus/dbus.h'             => qr{^(bus/|vpnrun_session)},
	'sys/capability.h'        => qr{^(box/caps|box/isolate|policy/)},
);
my $bad = 0;

sub violation {
	print join(': ', @_), "\n";
	$bad++;
}

for my $file (split /\n/, `find '$src' -name '*.[ch]'`) {
	(my $rel = $file) =~ s{^\Q$src\E/}{};
	my $dir = $rel =~ m{^([^/]+)/} ? $1 : 'main';
	violation($rel, "unknown layer '$dir'") if $dir ne 'main' && !$may{$dir};
	open my $f, '<', $file or die "$file: $!";
	my $comment = 0;
	while (<$f>) {
		s{/\*.*?\*/}{}g;
		$comment = 0, s{^.*?\*/}{} if $comment && m{\*/};
		next if $comment;
		$comment = 1 if s{/\*.*}{};
		s{//.*}{};
		if (m{^#include "(([a-z]+)/[^"]*)"}) {
			my ($header, $room) = ($1, $2);
			next if $room eq $dir;
			if ($dir eq 'main') {
				violation("$rel:$.", "only vpnrund may include broker/") if $room eq 'broker' && $rel ne 'vpnrund.c';
				violation("$rel:$.", "only vpnrund and vpnrund-plug may include plugd/")
					if $room eq 'plugd' && $rel !~ m{^vpnrund(_plug)?\.c$};
				violation("$rel:$.", "only vpnrun-session may include bus/") if $room eq 'bus' && $rel ne 'vpnrun_session.c';
				next;
			}
			violation("$rel:$.", "$dir must not include $room/")
				unless grep { $_ eq $room || $_ eq $header } @{$may{$dir} // []};
		} elsif (m{^#include <([^>]+)>} && $libs{$1}) {
			violation("$rel:$.", "<$1> does not belong here") unless $rel =~ $libs{$1};
		}
		# A FIFO in the place of a file would be waited for without an end. Of what is read as a file, base's
		# file_open() refuses it with a sentence; no other open may wait either.
		my $call = $_;
		$call .= <$f> while $call =~ m{\bopen(at)?\s*\(} && $call !~ m{;} && !eof $f;
		violation("$rel:$.", 'an open that may wait: file_open() of base/util.h, or O_NONBLOCK')
			if $call =~ m{\bopen(at)?\s*\([^;]*O_RDONLY} && $call !~ m{O_(NONBLOCK|DIRECTORY|PATH|CREAT)\b|"/proc/};
		violation("$rel:$.", 'fopen() of a file waits for a FIFO: file_open() of base/util.h')
			if m{\bfopen\s*\([^"]*"r} || m{\bfopen\s*\("(?!/proc/)[^"]*", "r};
		violation("$rel:$.", 'shell call') if m{\b(system|popen)\s*\(};
		violation("$rel:$.", 'unbounded string function') if m{\b(strcpy|strcat|sprintf|gets|strtok|atoi)\s*\(};
	}
}
exit($bad ? 1 : 0);
