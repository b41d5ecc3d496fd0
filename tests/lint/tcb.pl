#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What a program is made of: the functions of ours that are linked into it, and their lines, and the headers that
# declare them. The program was built with -O0 -g -ffunction-sections and linked with --gc-sections, so that no
# function is hidden within another and none is there that nobody calls.
# usage: tcb.pl [--max LINES] PROGRAM SRCDIR
use strict;
use warnings;
use Cwd 'abs_path';

my $max;
if (@ARGV && $ARGV[0] eq '--max') { (undef, $max) = splice @ARGV, 0, 2 }
my ($program, $src) = @ARGV;
die "usage: tcb.pl [--max LINES] PROGRAM SRCDIR\n" if !defined $src;
$src = abs_path($src);
my (%text, %lines, %names, %bodies);

sub text_of { $text{$_[0]} //= do { open my $f, '<', $_[0] or die "$_[0]: $!\n"; [<$f>] } }

for (split /\n/, `nm -l --defined-only '$program'`) {
	my ($name, $file, $line) = /^\S+ [tT] (\S+)\t(.+):(\d+)$/ or next;
	$file = abs_path($file) // next;
	next if $file !~ m{^\Q$src\E/(.+)} || $bodies{"$file:$line"}++;
	my $rel = $1;
	my $t = text_of($file);
	# The project's style ends a function, and nothing else, by a brace in the first column.
	my $end = $line - 1;
	$end++ while $end < @$t && $t->[$end] !~ /^}/;
	$lines{$rel} += $end + 1 - ($line - 1);
	$names{$rel}{$name} = 1;
}
die "tcb.pl: no function of $src in $program\n" if !%lines;

my ($sum, $functions, %headers) = (0, 0);
for my $rel (sort keys %lines) {
	my $n = keys %{$names{$rel}};
	printf "%6d  %3d function%s  src/%s\n", $lines{$rel}, $n, $n == 1 ? ' ' : 's', $rel;
	$sum += $lines{$rel};
	$functions += $n;
}
for my $h (split /\n/, `find '$src' -name '*.h'`) {
	my $t = join '', @{text_of($h)};
	$headers{$h} = () = $t =~ /\n/g if grep { my $f = $_; grep { $t =~ /\b\Q$_\E\(/ } keys %{$names{$f}} } keys %names;
}
my $declared = 0;
for my $h (sort keys %headers) {
	printf "%6d  header         src/%s\n", $headers{$h}, $h =~ s{^\Q$src\E/}{}r;
	$declared += $headers{$h};
}
printf "%6d lines of %d linked functions; %d headers of %d lines declare them\n", $sum, $functions, scalar keys %headers, $declared;
if (defined $max && $sum > $max) {
	print "more than $max: what can the process without a capability do?\n";
	exit 1;
}
