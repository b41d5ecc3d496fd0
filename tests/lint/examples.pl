#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands that README.md and the EXAMPLES of the manual pages show, one a line, with the file before it: the
# indented lines and literal blocks that begin with a program. A line that ends with a backslash goes on in the next.
# Settings of files (JSON, units, crio.conf) are not commands.
# usage: examples.pl FILE...
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));

my $program = qr{(?:sudo\ )?(?:vpnctl|vpnrun|systemctl|journalctl|usermod|install|make|ip|rm|ln|podman|ctr|docker|read|curl|socat|pid=|/usr/local/)}x;
my %seen;

sub block {
	my ($name, $text) = @_;
	$text =~ s/\\\n\s*//g;
	for (split /\n/, $text) {
		s/\s+# .*//;
		s/^\s+|\s+$//g;
		print "$name\t$_\n" if /^$program/ && !$seen{"$name\t$_"}++;
	}
}

for my $file (@ARGV) {
	open my $f, '<', $file or die "$file: $!";
	local $/;
	my $t = <$f>;
	(my $name = $file) =~ s{.*/}{};
	if ($file =~ /\.md$/) {
		block($name, join '', map { "$_\n" } $t =~ /^    (\S.*)$/mg);
		next;
	}
	my ($examples) = $t =~ /^\.Sh EXAMPLES\n(.*?)(?=^\.Sh |\z)/ms or next;
	while ($examples =~ /^\.Bd -literal.*?\n(.*?)^\.Ed/msg) {
		(my $b = $1) =~ s/\\e$/\\/mg;
		block($name, $b);
	}
	while ($examples =~ /^\.Ic (.*?)(?: [.,;)]| \.)?$/mg) {
		my $c = $1;
		block($name, "$c\n") if $c =~ / /;
	}
}
