# SPDX-License-Identifier: GPL-2.0-or-later
# What of a machine could be left behind: links, addresses, routes, rules, nft in the host and in each named
# namespace, files of /run and /etc, switches, processes. As sorted text, without what changes by itself.
package Look;
use strict;
use warnings;
use Exporter 'import';
use Fault;
our @EXPORT = qw(look look_alone difference ports ports_are inside_vpn alive);

# What comes and goes with packets: who was seen last, a device without a carrier, what is known of the far end.
my @ignore = (qr/nft +elements = \{ \d+ \}$/, qr/ nft .*\b(expires|ct count over)\b/, qr/ multicast ff00::/, qr{^/run/vpnrun/\w+\.health });

sub inside_vpn { $layout eq 'bridge' ? @_ : ('nsenter', '--net=/run/netns/demo', @_) }
sub ports { scalar grep { /^\d+: vr1\./ } `@{[inside_vpn('ip', '-o', 'link')]} 2>/dev/null` }
sub ports_are { my ($n) = @_; soon(5, sub { ports() == $n }) }

sub network {
	my ($name, @enter) = @_;
	my @lines;
	my $batch = "$work/batch";
	put($batch, "link show\naddr show\nrule show\nroute show table all\n");
	for my $family (4, 6) {
		my $of = '';
		for (`@enter ip -o -$family -batch $batch 2>&1`) {
			s/^\d+: //;
			s/\bif\d+\b/if/g;
			s/link-netnsid \d+|linkdown|NO-CARRIER,|LOWER_UP|,(?=>)|state \w+//g;
			s/ (qlen|qdisc|group|expires|valid_lft|preferred_lft|pref) \S+//g;
			s/\s+/ /g;
			push @lines, "$family $_";
		}
	}
	my $table = '';
	for (`@enter nft list ruleset 2>&1`) {
		$table = $_ if /^table/;
		s/packets \d+ bytes \d+//;
		s/\s+/ /g;
		push @lines, "nft $_" if /\S/;
	}
	return map { "$name: $_" } @lines;
}

sub tree {
	my ($path) = @_;
	my @s = lstat $path or return;
	return map { tree($_) } glob "$path/{.[!.]*,*}" if -d _;
	my $text = -l _ ? readlink $path : -f _ && $s[7] < 100_000 && $path !~ m{(\.log|\.health|/vpnrund\.\w+)$} ? slurp($path) : '';
	$text =~ s/\W+/ /g if $text =~ /[^[:print:]\s]/;
	return sprintf '%s %o %s', $path, $s[2], $text;
}

# alive PATTERN: how many programs of that name run
sub alive {
	my ($pattern) = @_;
	return scalar grep { slurp($_) =~ /^$pattern$/ } glob '/proc/[0-9]*/comm';
}

# look EXCEPT...: those namespaces are taken as they are
sub look {
	my %except = map { $_ => 1 } @_;
	my @lines = network('host');
	push @lines, network($_, 'nsenter', "--net=/run/netns/$_") for grep { /^\w+$/ && !$except{$_} } map { s{.*/}{}r } glob '/run/netns/*';
	push @lines, map { tree($_) } '/run/vpnrun', '/run/netns', '/run/wireguard', '/etc/vpnrun', '/etc/resolv.conf';
	push @lines, map { "$_ " . slurp($_) } map { glob "/proc/sys/net/ipv$_/conf/{all,default,uplink0,lo}/{forwarding,rp_filter,disable_ipv6,accept_ra,src_valid_mark}" } 4, 6;
	my $keepers = grep { slurp($_) =~ /^(\d+)/ && slurp("/proc/$1/comm") eq "vpnctl\n" } glob '/run/vpnrun/*.supervisor';
	push @lines, "keepers $keepers", 'vpnctl beside the keepers ' . (alive('vpnctl') - $keepers);
	push @lines, map { "$_ " . alive($_) . "\n" } qw(wireguard-go vpnrund-plug);
	return join "\n", sort grep { my $l = $_; !grep { $l =~ $_ } @ignore } map { s/\s+$//r } @lines;
}

# Later looks are compared with this one. Whoever ended a moment ago, or is a keeper's errand, is nobody who should be there then.
sub look_alone {
	my @except = @_;
	my $seen;
	soon(30, sub { ($seen = look(@except)) =~ /^vpnctl beside the keepers 0$/m })
		or die "somebody does not pass by:\n" . `ps -eo pid,ppid,stat,etimes,args`;
	return $seen;
}

# difference BEFORE, NOW: '' or the lines that differ
sub difference {
	my ($before, $now) = @_;
	return '' if $before eq $now;
	my (%had, %has);
	$had{$_}++ for split /\n/, $before;
	$has{$_}++ for split /\n/, $now;
	my @d = ((map { "- $_" } grep { ($has{$_} // 0) < $had{$_} } sort keys %had), map { "+ $_" } grep { ($had{$_} // 0) < $has{$_} } sort keys %has);
	return join("; ", @d[0 .. ($#d < 7 ? $#d : 7)]) . ($#d > 7 ? "; and " . ($#d - 7) . " more" : '');
}

1;
