#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# What can be counted of the house: circles, rooms, functions, repeated ideas. Prints a table; with --assert
# exits 1 where a figure is worse than its limit below.
# usage: house.pl [--assert] [--list FIGURE] [TOP [OBJDIR]]
# TOP holds src and hooks; OBJDIR holds the objects of src (below it, of hooks in hooks/): the calls are read
# from them by nm(1). Without OBJDIR only includes are looked at.
use strict;
use warnings;

my ($assert, $list) = (0, '');
while (@ARGV && $ARGV[0] =~ /^--/) {
	my $o = shift;
	$assert = 1 if $o eq '--assert';
	$list = shift if $o eq '--list';
}
my $top = shift // '.';
my $obj = shift;
# Figure => the most that is allowed.
my %limit = (
	'circles of files, by includes'   => 0,
	'circles of files, by calls'      => 0,
	'circles of folders, by includes' => 0,
	'circles of folders, by calls'    => 0,
	'biggest room, % of src'          => 10,
	'floors of a room, most'          => 7,
	'length of a function, median'    => 10,
	'length of a function, 90 % are below' => 23,
	'length of a function, most'      => 55,
	'files with fork()'               => 2,
	'functions with 6 parameters or more' => 15,
	'parameters of a function, most'  => 6,
	'functions with "if (r == 0)" 4 times or more' => 2,
	'units of a room, most'           => 16,
	'sentences that say a VPN is not up' => 1,
	'files that compare devices and inodes' => 2,
	'rules for the name of a device'  => 1,
	'formats of messages outside ipc/' => 0,
	'names of structs used twice'     => 0,
);
my (%figure, %why, @order);

sub figure {
	my ($name, $value, @why) = @_;
	push @order, $name;
	$figure{$name} = $value;
	$why{$name} = \@why;
}

# A unit is a .c file and the header of its name; a room is the folder. "src/up/apply", "hooks/cni/answer".
sub unit { my $f = shift; $f =~ s{\.[ch]$}{}; return $f }
sub room { my $f = shift; return $f =~ m{^((?:src|hooks)/[^/]+)/} ? $1 : $f =~ m{^src/} ? 'src' : 'hooks' }

my %text;
for my $file (split /\n/, `cd '$top' && find src hooks -name '*.[ch]' | sort`) {
	open my $f, '<', "$top/$file" or die "$top/$file: $!";
	local $/;
	$text{$file} = <$f>;
}

# --- circles: Tarjan's strongly connected components of more than one -------------------------------------------
sub circles {
	my ($edges) = @_;
	my ($n, @stack, %index, %low, %on, @found) = (0);
	my $visit;
	$visit = sub {
		my $v = shift;
		$index{$v} = $low{$v} = $n++;
		push @stack, $v;
		$on{$v} = 1;
		for my $w (sort keys %{$edges->{$v} // {}}) {
			if (!defined $index{$w}) {
				$visit->($w);
				$low{$v} = $low{$w} if $low{$w} < $low{$v};
			} elsif ($on{$w}) {
				$low{$v} = $index{$w} if $index{$w} < $low{$v};
			}
		}
		return if $low{$v} != $index{$v};
		my @part;
		do { push @part, pop @stack; $on{$part[-1]} = 0 } while $part[-1] ne $v;
		push @found, join(' ', sort @part) if @part > 1;
	};
	for (sort keys %$edges) { $visit->($_) if !defined $index{$_} }
	return @found;
}

sub by_room {
	my ($edges) = @_;
	my %r;
	for my $a (keys %$edges) {
		for my $b (keys %{$edges->{$a}}) {
			$r{room($a)}{room($b)} = 1 if room($a) ne room($b);
		}
	}
	return \%r;
}

my %inc;
for my $file (keys %text) {
	$inc{unit($file)} //= {};
	while ($text{$file} =~ /^#include "([^"]+)"/mg) {
		my ($to) = grep { $text{$_} } ("src/$1", "hooks/$1");
		$inc{unit($file)}{unit($to)} = 1 if $to && unit($to) ne unit($file);
	}
}
my @c = circles(\%inc);
figure('circles of files, by includes', scalar @c, @c);
@c = circles(by_room(\%inc));
figure('circles of folders, by includes', scalar @c, @c);

my %uses = map { my $a = $_; $a => { %{$inc{$a}} } } keys %inc;
if ($obj) {
	my (%def, %call);
	my @objects;
	for my $file (grep { /\.c$/ } keys %text) {
		(my $o = $file) =~ s{^src/}{};
		$o =~ s{\.c$}{.o};
		push @objects, [$file, "$obj/$o"] if -e "$obj/$o";
	}
	die "no objects in $obj\n" if !@objects;
	my (%d, %u);
	# One nm(1) for all of them: it says before each whose symbols follow.
	my (%of, %is_main, $file);
	$of{$_->[1]} = $_->[0] for @objects;
	open my $nm, '-|', 'nm', map { $_->[1] } @objects or die "nm: $!";
	$file = $objects[0][0];
	while (<$nm>) {
		$file = $of{$1} // die "nm: $1?\n" if /^(\S.*\.o):$/;
		$is_main{$file} = 1 if / T main$/;
		push @{$d{$file}}, $1 if / [TDBRV] (\S+)$/;
		push @{$u{$file}}, $1 if / U (\S+)$/;
	}
	close $nm or die "nm: status $?\n";
	# What is called by the name of a main is another program.
	for my $f (grep { !$is_main{$_} } sort keys %d) {
		push @{$def{$_}}, $f for @{$d{$f}};
	}
	for my $file (keys %u) {
		for my $s (@{$u{$file}}) {
			my @at = @{$def{$s} // []};
			# Programs of hooks/ may have a function of the same name each: that of the own room.
			@at = grep { room($_) eq room($file) } @at if @at > 1;
			$call{unit($file)}{unit($_)} = 1 for grep { unit($_) ne unit($file) } @at;
		}
	}
	@c = circles(\%call);
	figure('circles of files, by calls', scalar @c, @c);
	@c = circles(by_room(\%call));
	figure('circles of folders, by calls', scalar @c, @c);
	for my $a (keys %call) { $uses{$a}{$_} = 1 for keys %{$call{$a}} }
}

# --- rooms --------------------------------------------------------------------------------------------------------
my (%lines, %units);
my ($all, $src) = (0, 0);
for my $file (keys %text) {
	my $n = () = $text{$file} =~ /\n/g;
	$all += $n;
	$src += $n if $file =~ /^src/;
	$lines{room($file)} += $n;
	$units{room($file)}{unit($file)} = 1;
}
sub floors {
	my ($room) = @_;
	my %deep;
	my $depth;
	$depth = sub {
		my ($u, %seen) = @_;
		return $deep{$u} if defined $deep{$u};
		my $d = 0;
		for my $v (keys %{$uses{$u} // {}}) {
			next if room($v) ne $room || $seen{$v};
			my $x = $depth->($v, %seen, $u => 1);
			$d = $x if $x > $d;
		}
		return $deep{$u} = $d + 1;
	};
	my @all = sort { $b->[0] <=> $a->[0] } map { [$depth->($_), $_] } sort keys %{$units{$room}};
	return $all[0][0];
}
my @rooms = sort grep { $_ ne 'src' && $_ ne 'hooks' } keys %lines;
my %share = map { $_ => 100 * $lines{$_} / $src } grep { /^src/ } @rooms;
my @by = sort { $share{$b} <=> $share{$a} } keys %share;
@by = (@rooms, 'none') if !@by;
figure('biggest room, % of src', sprintf('%.1f', $share{$by[0]} // 0), map { sprintf '%s %.1f', $_, $share{$_} // 0 } @by);
@by = sort { keys %{$units{$b}} <=> keys %{$units{$a}} || $a cmp $b } @rooms;
figure('units of a room, most', scalar keys %{$units{$by[0]}}, map { "$_ " . keys %{$units{$_}} } @by);
my %floors = map { $_ => floors($_) } @rooms;
@by = sort { $floors{$b} <=> $floors{$a} || $a cmp $b } @rooms;
figure('floors of a room, most', $floors{$by[0]}, map { "$_ $floors{$_}" } @by);

# --- functions ----------------------------------------------------------------------------------------------------
my (@len, @params, @chains, %sentence);
for my $file (sort keys %text) {
	next if $file !~ /\.c$/;
	my @l = split /\n/, $text{$file};
	for my $i (0 .. $#l) {
		next if $l[$i] ne '{' || $i == 0;
		my $j = $i;
		$j++ while $j < @l && $l[$j] ne '}';
		my $k = $i - 1;
		$k-- while $k > 0 && $l[$k] =~ /^\s/;
		my $head = join ' ', @l[$k .. $i - 1];
		next if $head !~ /(\w+)\s*\((.*)\)\s*$/;
		my ($name, $p) = ($1, $2);
		$p =~ s/\([^()]*\)//g for 1 .. 3; # those of a parameter that is a function
		my $n = $p =~ /^\s*void\s*$/ ? 0 : 1 + (() = $p =~ /,/g);
		my $body = join "\n", @l[$i .. $j];
		my $if = () = $body =~ /\bif \((?:r|rc|n) == 0\b/g;
		push @len, [$j - $i - 1, "$file:" . ($i + 1) . " $name"];
		push @params, [$n, "$file:" . ($k + 1) . " $name"] if $n >= 6;
		push @chains, [$if, "$file:" . ($i + 1) . " $name"] if $if >= 4;
	}
}
my @sorted = sort { $a->[0] <=> $b->[0] } @len;
@sorted = ([0, "none"]) if !@sorted;
my @long = map { "$_->[1] $_->[0]" } grep { $_ } (reverse @sorted)[0 .. 19];
figure('functions', scalar @sorted);
figure('length of a function, median', $sorted[@sorted / 2][0]);
figure('length of a function, 90 % are below', $sorted[@sorted * 0.9][0]);
figure('length of a function, most', $sorted[-1][0], @long);
my $most = 0;
$most = $_->[0] > $most ? $_->[0] : $most for @params;
figure('functions with 6 parameters or more', scalar @params, map { "$_->[1] $_->[0]" } @params);
figure('parameters of a function, most', $most);
figure('functions with "if (r == 0)" 4 times or more', scalar @chains, map { "$_->[1] $_->[0]" } @chains);

# --- ideas that stand once ----------------------------------------------------------------------------------------
# Without comments; with strings that are written in parts joined.
my %code = map { (my $t = $text{$_}) =~ s{/\*.*?\*/}{}gs; $t =~ s{"\s*\n\s*"}{}g; $_ => $t } keys %text;
sub files_with { my $re = shift; return grep { $code{$_} =~ $re } sort keys %code }
my @f = files_with(qr/\b(?:fork|vfork|clone3?)\s*\(/);
figure('files with fork()', scalar @f, @f);
my @s;
for my $file (sort keys %code) {
	while ($code{$file} =~ /"((?:[^"\\]|\\.)*)"/g) {
		my $s = $1;
		push @s, "$file: \"$s\"" if $s =~ /is down|not up\b/ && $s =~ /vpnctl up %s/;
	}
}
figure('sentences that say a VPN is not up', scalar @s, @s);
my %structs;
for my $file (sort keys %code) {
	push @{$structs{$1}}, $file while $code{$file} =~ /^struct (\w+) \{/mg;
}
my @twice = grep { @{$structs{$_}} > 1 } sort keys %structs;
figure('names of structs used twice', scalar @twice, map { "$_: @{$structs{$_}}" } @twice);
# base/same.h, and what is told the numbers as text.
@f = files_with(qr/st_dev (?:==|!=)/);
figure('files that compare devices and inodes', scalar @f, @f);
@f = grep { /\.c$/ && $code{$_} =~ /(?:>=|<|<=|>) \(?IF_?NAM(?:ESIZE|SIZ)\b/ } sort keys %code;
figure('rules for the name of a device', scalar @f, @f);
# A magic number that both ends know, and what is carried out at the other.
my @wire = map { my $file = $_; map { "$file: $_" } $code{$file} =~ /^struct (\w+_(?:request|reply|message)) \{\n\tuint32_t magic/mg }
	grep { !m{^src/ipc/} } sort keys %code;
figure('formats of messages outside ipc/', scalar @wire, @wire);
figure('lines of src and hooks', $all, map { "$_ $lines{$_}" } sort { $lines{$b} <=> $lines{$a} } keys %lines);

if ($list) {
	print "$_\n" for map { @{$why{$_}} } grep { /\Q$list\E/ } @order;
	exit 0;
}
my $bad = 0;
for my $name (@order) {
	my $over = defined $limit{$name} && $figure{$name} > $limit{$name};
	$bad ||= $over;
	printf "%-48s %8s%s\n", $name, $figure{$name}, defined $limit{$name} ? " (at most $limit{$name})" : '';
	print "  $_\n" for $over && $assert ? @{$why{$name}} : ();
}
exit($assert && $bad ? 1 : 0);
