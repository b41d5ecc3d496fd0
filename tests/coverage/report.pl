#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# report.pl [--lines] DIRECTORY [GOAL]: which lines of src and hooks have run, by what keep.c left in DIRECTORY. A table a room,
# then the files below GOAL per cent (92) with the functions that nobody called; --lines adds every line that has not run.
#
# A program's lines are those that its line table names, and a line has run where a block has that holds code of it.
# What several programs hold, one of them has to run.
use strict;
use warnings;

my $lines_too = @ARGV && $ARGV[0] eq '--lines' ? shift : 0;
my ($dir, $goal) = (@ARGV, 92);
my (%ran, %called);    # file -> line -> 0 or 1

# The blocks of a program: [address, has it run], in order of their addresses.
sub blocks
{
	my ($file) = @_;
	open my $in, '<:raw', $file or die "$file: $!\n";
	local $/;
	my $all = <$in>;
	my ($magic, $count, $room, $program) = unpack 'a8 Q Q Z4072', $all;
	$magic eq "vpnrcov\0" or die "$file: is not a file of keep.c\n";
	my @ran = unpack "C$count", substr $all, 4096, $count;
	my @at = unpack "Q$count", substr $all, 4096 + $room, 8 * $count;
	my @order = sort { $at[$a] <=> $at[$b] } 0 .. $#at;
	return ($program, [map { $at[$_] } @order], [map { $ran[$_] } @order]);
}

# The index of the block that holds the address.
sub find
{
	my ($at, $address) = @_;
	my ($low, $high) = (0, scalar @$at);
	while ($low < $high) {
		my $middle = int(($low + $high) / 2);
		if ($at->[$middle] <= $address) { $low = $middle + 1 } else { $high = $middle }
	}
	return $low - 1;
}

# Path of a file in the tree, or nothing if it is none of ours.
sub ours
{
	my ($directory, $name) = @_;
	my $path = $name =~ m{^/} ? $name : "$directory/$name";
	return $path =~ m{(?:^|/)((?:src|hooks)/[a-z0-9_-]+(?:/[a-z0-9_-]+)*\.[ch])$} ? $1 : undef;
}

sub program
{
	my ($program, $at, $ran) = @_;
	-e $program or die "$program, which was measured, is not there any more\n";
	open my $in, '-|', 'llvm-dwarfdump', '--debug-line', $program or die "llvm-dwarfdump: $!\n";
	my (@directory, @file, $index);
	while (<$in>) {
		if (/^debug_line\[/) { @directory = @file = () }
		elsif (/^include_directories\[ *(\d+)\] = "(.*)"/) { $directory[$1] = $2 }
		elsif (/^file_names\[ *(\d+)\]/) { $index = $1 }
		elsif (/^ +name: "(.*)"/) { $file[$index] = $1 }
		elsif (/^ +dir_index: (\d+)/) { $file[$index] = ours($1 ? $directory[$1] : '.', $file[$index]) }
		elsif (/^0x([0-9a-f]+) +(\d+) +\d+ +(\d+) +\d+ +\d+ *(.*)/) {
			my ($address, $line, $path, $flags) = (hex $1, $2, $file[$3], $4);
			next if !$path || !$line || $flags !~ /is_stmt/ || $flags =~ /end_sequence/;
			my $block = find($at, $address);
			next if $block < 0;
			$ran{$path}{$line} ||= $ran->[$block] ? 1 : 0;
		}
	}
	close $in or die "llvm-dwarfdump cannot read $program\n";
	return;
}

# Functions of a file none of whose lines has run: name and first line.
sub uncalled
{
	my ($file) = @_;
	my (@found, $name, $first, $some, $any);
	open my $in, '<', $file or return;
	while (<$in>) {
		if (/^\w[^;={}]*?(\w+)\(/ && !/^(?:typedef|struct|enum|union|else|static const)\b[^(]*[;{=]/) { ($name, $first, $some, $any) = ($1, $., 0, 0) }
		next unless defined $name;
		if (exists $ran{$file}{$.}) { $any = 1; $some ||= $ran{$file}{$.} }
		if (/^}/) { push @found, "$name:$first" if $any && !$some; undef $name }
	}
	return @found;
}

# "3-5 9" of a list of numbers.
sub ranges
{
	my @out;
	for my $n (@_) {
		if (@out && $out[-1][1] == $n - 1) { $out[-1][1] = $n } else { push @out, [$n, $n] }
	}
	return join ' ', map { $_->[0] == $_->[1] ? $_->[0] : "$_->[0]-$_->[1]" } @out;
}

my @files = glob "$dir/*.cov" or die "$dir: nothing was measured there\n";
program(blocks($_)) for @files;

# What no program is linked with has not run either.
for my $file (split /\n/, `find src hooks -name '*.c'`) {
	warn "$file: in no program\n" if !$ran{$file} && !-z $file;
}

my (%room, %all);
for my $file (sort keys %ran) {
	my ($room) = $file =~ m{^(.*)/};
	my @lines = keys %{$ran{$file}};
	my $some = grep { $ran{$file}{$_} } @lines;
	for my $sum ($room{$room} //= {}, \%all, $all{$file} = {}) {
		$sum->{lines} += @lines;
		$sum->{ran} += $some;
	}
}
my $row = sub { my ($name, $s) = @_; printf "| %-28s | %6d | %6d | %5.1f %% |\n", $name, $s->{lines}, $s->{ran}, 100 * $s->{ran} / $s->{lines} };
printf "| %-28s | %6s | %6s | %7s |\n|%s|%s|%s|%s|\n", 'room', 'lines', 'run', '', '-' x 30, '-' x 8, '-' x 8, '-' x 9;
$row->($_, $room{$_}) for sort keys %room;
$row->('all', \%all);

print "\nbelow $goal %, and functions that nobody called:\n";
for my $file (sort { $all{$b}{lines} - $all{$b}{ran} <=> $all{$a}{lines} - $all{$a}{ran} } sort keys %ran) {
	my $s = $all{$file};
	my @uncalled = uncalled($file);
	next if $s->{ran} / $s->{lines} >= $goal / 100 && !@uncalled;
	printf "%5.1f %% %4d of %4d %s%s\n", 100 * $s->{ran} / $s->{lines}, $s->{lines} - $s->{ran}, $s->{lines}, $file,
		@uncalled ? ": @uncalled" : '';
}
if ($lines_too) {
	print "\nlines that have not run:\n";
	for my $file (sort keys %ran) {
		my @not = sort { $a <=> $b } grep { !$ran{$file}{$_} } keys %{$ran{$file}};
		printf "%s: %s\n", $file, ranges(@not) if @not;
	}
}
exit($all{ran} / $all{lines} >= $goal / 100 ? 0 : 1);
