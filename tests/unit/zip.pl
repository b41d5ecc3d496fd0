#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes a zip archive to stdout, byte by byte, so that it can say what no program that packs would say.
#
#	zip.pl NAME=FILE ...
#
# Before a NAME, for that entry alone: stored: (not packed), link: (a symbolic link of Unix), fifo:, secret: (the flag
# of encryption), method99:, badcrc:, longer: (claims a byte more), huge: (claims 4 MiB), other: (its local header says
# another name). Before all: --zip64, --parts, --cut (the last bytes are missing), --gap (bytes before the directory's
# end), --count N (claims N entries), --repeat N (each N times, numbered), --comment TEXT.
use strict;
use warnings;
use Compress::Raw::Zlib;

my %o = (repeat => 1, comment => '');
while (@ARGV && $ARGV[0] =~ /^--(.*)/) {
	my $k = $1;
	shift;
	$o{$k} = $k =~ /^(count|repeat|comment)$/ ? shift : 1;
}
# Its text, the same packed, and the sum.
sub read_file {
	my ($file, $is_stored) = @_;
	my ($text, $packed) = ('', '');
	if ($file ne '') {
		open my $in, '<:raw', $file or die "$file: $!";
		local $/;
		$text = <$in> // '';
	}
	return [$text, $text, crc32($text)] if $is_stored;
	my ($d) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15, -AppendOutput => 1);
	$d->deflate($text, $packed);
	$d->flush($packed);
	return [$text, $packed, crc32($text)];
}
my ($out, $dir, $n) = ('', '', 0);
my %read;
for my $i (1 .. $o{repeat}) {
	for my $arg (@ARGV) {
		my ($name, $file) = $arg =~ /^(.*?)=(.*)$/s or die "NAME=FILE: $arg";
		my %f;
		$f{$1} = 1 while $name =~ s/^(stored|link|fifo|secret|method99|badcrc|longer|huge|other)://;
		$name =~ s/(\.[^.]*)$/-$i$1/ if $o{repeat} > 1;
		my ($text, $packed, $sum) = @{$read{$f{stored} ? "stored:$file" : $file} //= read_file($file, $f{stored})};
		my $method = $f{method99} ? 99 : $f{stored} ? 0 : 8;
		my $crc = $sum ^ ($f{badcrc} ? 1 : 0);
		my $len = length($text) + ($f{longer} ? 1 : 0);
		$len = 4 << 20 if $f{huge};
		my $flags = $f{secret} ? 1 : 0;
		my $mode = $f{link} ? 0120777 : $f{fifo} ? 0010644 : 0100644;
		my $at = length $out;
		my $local = $f{other} ? 'x' x length $name : $name;
		$out .= pack('a4 v5 V3 v2', "PK\3\4", 20, $flags, $method, 0, 0, $crc, length $packed, $len, length $local, 0) . $local . $packed;
		$dir .= pack('a4 v6 V3 v5 V2', "PK\1\2", 3 << 8 | 20, 20, $flags, $method, 0, 0, $crc, length $packed, $len, length $name,
			0, 0, 0, 0, $mode << 16, $at) . $name;
		$n++;
	}
}
my $count = $o{count} // $n;
my $from = length $out;
$out .= $dir . ($o{gap} ? 'gap' : '');
$out .= pack('a4 v4 V2 v', "PK\5\6", $o{parts} ? (1, 1) : (0, 0), $count, $count, length $dir, $o{zip64} ? 0xffffffff : $from, length $o{comment}) . $o{comment};
substr($out, -7) = '' if $o{cut};
binmode STDOUT;
print $out;
