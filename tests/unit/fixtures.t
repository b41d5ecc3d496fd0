#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Every provider's file of tests/fixtures/provider-confs through `vpnctl check`: what it says is
# compared with expected.json, and no key of a file may appear in any output.
use strict;
use warnings;
use FindBin;
use IPC::Open3;
use JSON::PP;
use Symbol qw(gensym);

use Cwd qw(abs_path);
my $top = abs_path("$FindBin::Bin/../..");
my $vpnctl = abs_path($ENV{VPNCTL} // ($ENV{B} // "$top/build") . "/bin/vpnctl");
my $dir = "$top/tests/fixtures/provider-confs";
my $n = 0;
my $failed = 0;

sub ok {
	my ($good, $what, @why) = @_;
	$n++;
	$failed++ unless $good;
	print(($good ? "ok" : "not ok"), " $n - $what\n");
	print "#   $_\n" for $good ? () : @why;
	return $good;
}

sub run {
	my @cmd = @_;
	my $err = gensym;
	my $pid = open3(my $in, my $out, $err, @cmd);
	close $in;
	local $/;
	# Warnings are far below a pipe's buffer, so one after the other does not block.
	my ($stdout, $stderr) = (scalar <$out>, scalar <$err>);
	waitpid $pid, 0;
	return ($? >> 8, $stdout // "", $stderr // "", $? & 127);
}

sub slurp {
	open my $f, "<:raw", $_[0] or die "$_[0]: $!";
	local $/;
	return scalar <$f>;
}

sub same {
	my $json = JSON::PP->new->canonical->allow_nonref;
	return $json->encode($_[0]) eq $json->encode($_[1]);
}

sub show { return JSON::PP->new->canonical->allow_nonref->encode($_[0]); }

my $expected = decode_json(slurp("$dir/expected.json"));
my @keys = qw(addresses dns search mtu table fwmark listen_port hooks peers full_tunnel_v4
	full_tunnel_v6 has_v6_address);
my $marker = "/tmp/FIXTURE_HOOK_WAS_RUN";
my $had_marker = -e $marker;

ok(-x $vpnctl, "$vpnctl is there") or exit 1;
for my $name (sort keys %$expected) {
	my $want = $expected->{$name};
	my $file = "$dir/$name.conf";
	my $text = slurp($file);
	my @secrets = $text =~ m{([A-Za-z0-9+/]{43}=)}g;
	my ($key) = $text =~ /^PrivateKey\s*=\s*(\S+)/mi;
	push @secrets, $key if defined $key;
	my ($rc, $out, $err, $sig) = run($vpnctl, "check", "--json", $file);
	my ($rc2, $out2, $err2) = run($vpnctl, "check", $file);
	my ($rc3, $out3) = run($vpnctl, "check", $file, "--json");
	my $leak = grep { index($out . $err . $out2 . $err2, $_) >= 0 } @secrets;

	ok(!$leak, "R26 $name: no key in any output");
	ok($rc3 == $rc && $out3 eq $out, "$name: options before or after the file");
	if (!$want->{valid}) {
		ok($rc == 1 && $rc2 == 1, "R68 $name: exit 1", "got $rc, $rc2, signal $sig");
		ok($out eq "" && $out2 eq "", "R68 $name: nothing on stdout");
		ok($err =~ /^\Q$file\E:[0-9]+: [A-Za-z]+: ./m, "R68 $name: FILE:LINE: KEY: what",
			$err);
		next;
	}
	ok($rc == 0 && $rc2 == 0, "R35 $name: exit 0", "got $rc, $rc2: $err");
	my $got = eval { decode_json($out) };
	ok(ref $got eq "HASH", "R35 $name: JSON on stdout") or next;
	for my $k (@keys) {
		ok(same($got->{$k}, $want->{$k}), "R64 $name: $k",
			"got " . show($got->{$k}), "wanted " . show($want->{$k}));
	}
	ok(@{$got->{hook_lines}} == $want->{hooks}, "R65 $name: each hook is listed");
	ok($err eq "", "$name: with --json, warnings are in the JSON", $err);
	ok($err2 eq join("", map { "warning: $_\n" } @{$got->{warnings}}),
		"$name: else the same ones on stderr");
}

my %notes = (
	"mullvad-ks" => "R66 kill switch", "ivpn-ks-v4" => "R66 kill switch",
	"corp-2peers" => "R67 Table: not used", "corp-2peers.2" => "R67 SaveConfig: not used",
	"corp-2peers.3" => "R61 does not cover all", "edge-crlf" => "R35 byte order mark",
	"edge-crlf.2" => "R35 begins with ';'",
	"hostile-hooks" => "R65 not run", "nordvpn" => "R60 AllowedIPs has IPv6 but Address has none",
);
for my $k (sort keys %notes) {
	(my $name = $k) =~ s/\..*//;
	my ($id, $what) = $notes{$k} =~ /^(\S+) (.*)/;
	my ($rc, $out, $err) = run($vpnctl, "check", "$dir/$name.conf");
	ok(index($err, $what) >= 0, "$id $name: warns: $what", $err);
}
# What was met in public: each file says, or parses to, just this.
my $wild = decode_json(slurp("$dir/wild.json"));
my %there = map { $_ => 1 } map { m{([^/]+)$} } glob("$dir/wild/*"), map { "$dir/wild/$_" } "wg_confi g.conf";
chdir "$dir/wild" or die;
for my $name (sort keys %$wild) {
	my $want = $wild->{$name};
	my ($rc, $out, $err) = run($vpnctl, "check", "--json", $name);

	if (defined $want->{says}) {
		ok($rc == 1 && $err eq "$want->{says}\n" && $out eq "", "R68 $name: $want->{says}", $err);
		next;
	}
	my $got = eval { decode_json($out) } // {};
	my @why;
	$got->{warnings} = [grep { !/everybody on this machine/ } @{$got->{warnings} // []}];
	for my $k (qw(addresses dns search mtu table fwmark listen_port hooks peers warnings)) {
		my $have = $got->{$k};
		$have = undef if ref $have eq "ARRAY" && !@$have || defined $have && !ref $have && $have eq "0";
		push @why, "$k: got " . show($have) . ", wanted " . show($want->{$k}) unless same($have, $want->{$k});
	}
	ok($rc == 0 && !@why, "R35 $name is read as it should be", @why, $err);
}
ok(!(grep { !$wild->{$_} && !/[* ]/ } keys %there), "each of them is in wild.json", sort keys %there);
chdir $FindBin::Bin;

my ($rc, $out, $err) = run($vpnctl, "check", "$dir/amnezia-like.conf");
ok($err =~ /:6: Jc: .*AmneziaWG/, "R68 amnezia-like: the key and whose it is", $err);
ok($had_marker || !-e $marker, "R65 no hook was run");
for my $args ([], ["a", "b"], ["--nope", "a"]) {
	($rc, $out) = run($vpnctl, "check", @$args);
	ok($rc == 2 && $out eq "", "check @$args: usage, exit 2");
}
($rc, $out, $err) = run($vpnctl, "check", "$dir/no-such.conf");
ok($rc == 1 && $err =~ /no-such\.conf: No such file/, "a file that is not there", $err);
print "1..$n\n";
exit($failed ? 1 : 0);
