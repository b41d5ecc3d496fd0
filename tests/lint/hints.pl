#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The messages of the sources that tell the user a command to type, one a line, as the C sources write them.
# A command stands in `...` or '...', or behind ": ", "(", "; ", "or ", "and " or "with ", and begins with a program
# that is known here. What is written into files, and how a command is used, is none.
# usage: hints.pl FILE...
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

my $program = qr{(?:(?:sudo|doas)\ )?(?:vpnctl|vpnrun|vpnrund|systemctl|systemd-run|systemd-sysusers|useradd|usermod|sysctl|nft|iptables|
	ip|chmod|chown|rm|mount|umount|podman|modprobe|firefox|chromium|wineserver|apt|apt-get|nsenter|sudo\ -u)\b}x;
my %seen;

for my $file (@ARGV) {
	open my $f, '<', $file or die "$file: $!";
	local $/;
	my $t = <$f>;
	$t =~ s{/\*.*?\*/}{ }sg;
	# Literals that stand beside each other are one; a macro between two stands for itself.
	while ($t =~ m{("(?:[^"\\\n]|\\.)*"(?:\s*(?:(?:PRI[a-z0-9]+|[A-Z][A-Z_]{3,})\s*)?"(?:[^"\\\n]|\\.)*")*)}g) {
		my ($all, $s) = ($1, '');
		while ($all =~ m{\G\s*(?:"((?:[^"\\\n]|\\.)*)"|(PRI[a-z0-9]+|[A-Z][A-Z_]{3,}))}g) {
			$s .= defined $1 ? $1 : "<$2>";
		}
		$s =~ s/\\n/ /g;
		$s =~ s/\\(["\\])/$1/g;
		$s =~ s/\s+$//;
		next if $s =~ m{^(?:# |%s: written by |\s*[Uu]sage: |\{)};
		next unless $s =~ m{[`'(]$program(?: |['`)])|(?:: |; |\bor |\band |\bwith |^)$program (?=[-0-9A-Za-z%</])};
		next if $s =~ m{^(?:add |delete |set |vpnrun <)};
		# How a command is used; a name that is none of a command's.
		next if $s =~ m{usage: |FILE\b.* \[-|\[--json\]|profile 'vpnrun'|\(vpnrun none\)|vpnrun never|podman without root|sysctl net/|^vpnrun (?:does|starts)|vpnrund starts it};
		print "$s\n" if !$seen{$s}++;
	}
}
