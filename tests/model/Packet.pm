# SPDX-License-Identifier: GPL-2.0-or-later
# Decides where one packet goes, as the kernel does: policy rules, routes, and the nft tables of the family "inet" that
# stand at prerouting, output, forward and postrouting. For exactly the expressions that the tables of vpnrun use:
# whatever else is in a text is refused, with the line.
#
# A packet: family (4, 6), in (device that it came in by; none: of this machine), src (may be '' for one of this machine
# that is bound to nothing), dst, proto, dport, mark, state (new, established, invalid), direction (original, reply),
# reply_dst (where the answers of its connection go), bound (a device, by SO_BINDTODEVICE), dnat.
# Not judged, as they only take packets away: the families bridge, arp and netdev, the input hook, reverse path filters.
package Packet;
use strict;
use warnings;
use Socket qw(inet_pton AF_INET AF_INET6);

# --- addresses ------------------------------------------------------------------------------------

my %bits;

sub bits {
	my ($text) = @_;
	return $bits{$text} //= do {
		my $raw = inet_pton($text =~ /:/ ? AF_INET6 : AF_INET, $text) // die "'$text' is not an address\n";
		unpack 'B*', $raw;
	};
}

sub in_prefix {
	my ($addr, $prefix) = @_;
	my ($net, $len) = split m{/}, $prefix;
	my ($a, $n) = (bits($addr), bits($net));
	return 0 if length $a != length $n;
	$len //= length $n;
	return substr($a, 0, $len) eq substr($n, 0, $len);
}

# --- routes ---------------------------------------------------------------------------------------

# The state: links {name => is it up}, addrs {"dev addr"}, rules {4 => [rule...], 6 => [...]} in their order, routes
# {4 => {table => [route...]}, ...}; a rule and a route are hashes, as lists.c prints them.

sub is_local {
	my ($s, $addr) = @_;
	return $s->{local}{$addr};
}

# [type, device]: by one table; undef: it has none for this packet.
sub by_table {
	my ($s, $table, $p) = @_;
	my $best;
	for my $r (@{$s->{routes}{$p->{family}}{$table} // []}) {
		next if defined $r->{dev} && !$s->{links}{$r->{dev}};
		next if defined $p->{bound} && defined $r->{dev} && $r->{dev} ne $p->{bound};
		next if !in_prefix($p->{dst}, $r->{dst});
		my ($len) = $r->{dst} =~ m{/(\d+)$};
		my $key = $len * 2**33 - $r->{metric};
		$best = [$key, $r, $len] if !$best || $key > $best->[0];
	}
	return $best;
}

sub rule_takes {
	my ($r, $p) = @_;
	return 0 if defined $r->{src} && ($p->{src} eq '' || !in_prefix($p->{src}, $r->{src}));
	return 0 if defined $r->{dst} && !in_prefix($p->{dst}, $r->{dst});
	return 0 if defined $r->{mask} && ($p->{mark} & $r->{mask}) != $r->{mark};
	return 1;
}

# The device by which it is sent, 'local', or 'unreachable'.
sub route {
	my ($s, $p) = @_;
	return 'local' if is_local($s, $p->{dst});
	my $from = 0;
	for my $r (@{$s->{rules}{$p->{family}}}) {
		next if $r->{priority} < $from || !rule_takes($r, $p);
		next if $r->{nop};
		if ($r->{goto}) {
			# Where the place is gone, the rule does nothing.
			$from = $r->{goto} if grep { $_->{priority} == $r->{goto} } @{$s->{rules}{$p->{family}}};
			next;
		}
		return on_link($s, $p) if $r->{unreachable};
		my $hit = by_table($s, $r->{table}, $p) or next;
		return on_link($s, $p) if !defined $hit->[1]{dev};
		next if $r->{no_default} && $hit->[2] == 0;
		return $hit->[1]{dev};
	}
	return on_link($s, $p);
}

# Where IPv4 has no way for a socket that is bound to a device, it takes everybody to be on that link.
sub on_link {
	my ($s, $p) = @_;
	return defined $p->{bound} && $p->{family} == 4 && $s->{links}{$p->{bound}} ? $p->{bound} : 'unreachable';
}

# --- nft ------------------------------------------------------------------------------------------

my %standard = (raw => -300, mangle => -150, dstnat => -100, filter => 0, security => 50, srcnat => 100);
my %hooks = map { $_ => 1 } qw(prerouting output forward postrouting);

sub priority {
	my ($text) = @_;
	my ($base, $sign, $n) = $text =~ /^(-?\w+)(?: ([-+]) (\d+))?$/ or die "priority '$text'\n";
	return ($standard{$base} // $base) + ($sign ? "$sign$n" : 0);
}

# One table "inet" of a text: chains {name => {hook, priority, policy, kind, rules => [sub...]}}.
sub parse {
	my ($text) = @_;
	my (%def, %chains, $family, $chain, $skip);
	for my $raw (split /\n/, $text) {
		(my $line = $raw) =~ s/^\s+|\s*(?:#.*)?$//g;
		next if $line eq '';
		$def{$1} = $2, next if $line =~ /^define (\w+) = (.*)$/;
		next if $line =~ /^(?:add|delete) table /;
		if ($line =~ /^table (\w+) \S+ \{$/) { $family = $1; next }
		if ($line =~ /^(?:set|map|counter) \S+ \{$/) { $skip = 1; next }
		if ($line eq '}') {
			if ($skip) { $skip = 0 }
			elsif (defined $chain) { $chain = undef }
			else { $family = undef }
			next;
		}
		next if $skip;
		if ($line =~ /^chain (\S+) \{$/) {
			$chain = $1;
			$chains{$chain} //= {rules => []} if $family eq 'inet';
			next;
		}
		next if defined $family && $family ne 'inet';
		if ($line =~ /^add chain inet \S+ (\S+) \{ (.*) \}$/) { $chains{$1} = {rules => []}; base($chains{$1}, $2); next }
		if ($line =~ /^add rule (\w+) \S+ (\S+) (.*)$/) {
			next if $1 ne 'inet';
			push @{$chains{$2}{rules}}, $3;
			next;
		}
		die "a line outside of a chain: $raw\n" if !defined $chain;
		if ($line =~ /^type /) { base($chains{$chain}, $line) } else { push @{$chains{$chain}{rules}}, $line }
	}
	compile(\%chains, \%def);
	return \%chains;
}

sub base {
	my ($c, $text) = @_;
	@$c{qw(kind hook priority policy)} = $text =~ /^type (\w+) hook (\w+) priority (.*?); policy (\w+);$/
		or die "a chain's head: $text\n";
	$c->{priority} = priority($c->{priority});
}

# Only what a judged hook reaches is compiled, and has to be known.
sub compile {
	my ($chains, $def) = @_;
	my @todo = grep { $hooks{$chains->{$_}{hook} // ''} } sort keys %$chains;
	my %done;
	while (defined(my $name = shift @todo)) {
		next if $done{$name}++;
		my $c = $chains->{$name} or die "there is no chain '$name'\n";
		$c->{code} = [map { rule($_, $def, \@todo) } @{$c->{rules}}];
	}
}

# A value: a set of words (ranges, wildcards, prefixes) as a function of one argument.
sub value {
	my ($text, $def) = @_;
	1 while $text =~ s/\$(\w+)/$def->{$1} \/\/ die "there is no definition of \$$1\n"/e;
	my @all;
	for (split /\s*,\s*/, $text =~ s/[{}]/ /gr) {
		s/^\s+|\s+$//g;
		s/^"(.*)"$/$1/;
		push @all, $_ if $_ ne '';
	}
	my (%is, @more);
	for my $w (@all) {
		if ($w =~ m{^[0-9a-f.:]+/\d+$}i) { push @more, sub { in_prefix($_[0], $w) } }
		elsif ($w =~ /^(.*)\*$/) { my $b = $1; push @more, sub { index($_[0], $b) == 0 } }
		elsif ($w =~ /^(0x[0-9a-f]+|\d+)-(0x[0-9a-f]+|\d+)$/i) {
			my ($l, $h) = ($1, $2);
			$_ = /^0x/i ? hex($_) : $_ for $l, $h;
			push @more, sub { $_[0] >= $l && $_[0] <= $h };
		} else { $is{$w =~ /^0x/i ? hex($w) : $w} = 1 }
	}
	return sub { my ($x) = @_; return 0 if !defined $x || $x eq ''; return 1 if $is{$x}; $_->($x) && return 1 for @more; 0 };
}

my $operand = qr/(?:\{[^}]*\}|\$\w+|"[^"]*"|[\w.:\/-]+(?:,\w+)*)/;

# What an expression looks at: a pattern, and the packet's value (none: it is another family's or kind's).
my @fields = (
	[qr/iifname/, sub { $_[0]{in} // '' }],
	[qr/oifname/, sub { $_[0]{out} // '' }],
	[qr/meta oifkind/, sub { ($_[0]{out} // '') =~ /^br-|^docker/ ? 'bridge' : ($_[0]{out} // '') =~ /^v[hr]/ ? 'veth' : 'other' }],
	[qr/ip saddr/, sub { $_[0]{family} == 4 ? $_[0]{src} : undef }],
	[qr/ip6 saddr/, sub { $_[0]{family} == 6 ? $_[0]{src} : undef }],
	[qr/ip daddr/, sub { $_[0]{family} == 4 ? $_[0]{dst} : undef }],
	[qr/ip6 daddr/, sub { $_[0]{family} == 6 ? $_[0]{dst} : undef }],
	[qr/ct reply ip daddr/, sub { $_[0]{family} == 4 ? $_[0]{reply_dst} : undef }],
	[qr/ct reply ip6 daddr/, sub { $_[0]{family} == 6 ? $_[0]{reply_dst} : undef }],
	[qr/meta l4proto/, sub { $_[0]{proto} }],
	[qr/meta nfproto/, sub { "ipv$_[0]{family}" }],
	[qr/meta mark/, sub { $_[0]{mark} }],
	[qr/ct state/, sub { $_[0]{state} }],
	[qr/ct direction/, sub { $_[0]{direction} }],
	[qr/ct status/, sub { $_[0]{dnat} ? 'dnat' : 'none' }],
	[qr/ct mark/, sub { $_[0]{ctmark} // 0 }],
	[qr/ct original zone/, sub { 0 }],
	[qr/th dport/, sub { $_[0]{proto} =~ /^(?:tcp|udp)$/ ? $_[0]{dport} : undef }],
	[qr/udp dport/, sub { $_[0]{proto} eq 'udp' ? $_[0]{dport} : undef }],
	[qr/udp sport/, sub { $_[0]{proto} eq 'udp' ? $_[0]{sport} // 50000 : undef }],
	[qr/icmpv6 type/, sub { undef }],
	[qr/fib saddr type/, sub { is_local($_[1], $_[0]{src}) ? 'local' : 'unicast' }],
	[qr/fib daddr type/, sub { is_local($_[1], $_[0]{dst}) ? 'local' : 'unicast' }],
);

# A set or map that nothing has filled: what looks into it goes on with the next rule.
my $empty = qr/meta l4proto \. th dport \@open|oifname \. ip6? daddr \@ways4|ip6? daddr \. udp dport \. udp sport \@asked[46]/;
# What a limit would take, and nobody here is over it.
my $limit = qr/add \@\w+ \{ [^}]*ct count over \d+ \}/;

sub matcher {
	my ($what, $op, $text, $def) = @_;
	my ($get) = map { $_->[1] } grep { $what =~ /^$_->[0]$/ } @fields;
	my $in = value($text =~ /^\w+(?:,\w+)+$/ ? "{ $text }" : $text, $def);
	# Where the packet is not of that kind, the rule is not for it, whichever way it is asked.
	return sub { my $v = $get->(@_); return 0 if !defined $v || ($v eq '' && $what =~ /addr/); $op eq '!=' ? !$in->($v) : $in->($v) };
}

# One rule: [[condition...], verdict], where the verdict is a word and what goes with it.
sub rule {
	my ($text, $def, $todo) = @_;
	my $any = join '|', map { $_->[0] } @fields;
	my (@if, @then);
	local $_ = $text;
	while (/\S/) {
		s/^\s+//;
		if (s/^meta l4proto (\w+) reject with tcp reset$//) { my $m = matcher('meta l4proto', '', $1, $def); push @if, $m; @then = ('refuse') }
		elsif (s/^reject with icmpx type [\w-]+$//) { @then = ('refuse') }
		elsif (s/^(accept|drop|return)\b//) { @then = ($1) }
		elsif (s/^jump (\S+)//) { push @$todo, $1; @then = ('jump', $1) }
		elsif (s/^snat ip6? to ($operand)$//) { @then = ('snat', ($def->{substr $1, 1} // die "snat to $1\n")) }
		elsif (s/^dnat ip6? to meta l4proto \. th dport map \@in[46]$//) { push @if, sub { 0 } }
		elsif (s/^$empty//) { push @if, sub { 0 } }
		elsif (s/^$limit//) { push @if, sub { 0 } }
		elsif (s/^meta mark & 0x[0-9a-f]+ == (0x[0-9a-f]+)//) { push @if, sub { 0 } } # of frames, by the family "bridge"
		elsif (s/^tcp flags & \([\w| ]+\) != syn//) { push @if, sub { $_[0]{proto} eq 'tcp' && $_[0]{state} ne 'new' } }
		elsif (s/^(?:ct original zone|meta mark|ct mark) set .*$//) { } # nobody decides by it behind this
		elsif (s/^counter name \S+//) { }
		elsif (s/^($any) (?:(!=|==) )?($operand)//) { push @if, matcher($1, $2 // '', $3, $def) }
		else { die "a rule that the model does not know: '$_' in: $text\n" }
	}
	return [\@if, @then];
}

sub run_chain {
	my ($chains, $name, $p, $s) = @_;
	RULE: for my $r (@{$chains->{$name}{code}}) {
		my ($if, $verdict, $with) = @$r;
		$_->($p, $s) || next RULE for @$if;
		next if !defined $verdict;
		return undef if $verdict eq 'return';
		if ($verdict eq 'jump') {
			my $v = run_chain($chains, $with, $p, $s);
			return $v if defined $v;
		} elsif ($verdict eq 'snat') {
			$p->{src} = $with;
			return 'accept';
		} else {
			return $verdict;
		}
	}
	return undef;
}

# All base chains of that hook, of all tables that stand. undef: it passes.
sub hook {
	my ($s, $hook, $p) = @_;
	my @base = @{$s->{base}{$hook} //= [
		sort { $a->[0]{$a->[1]}{priority} <=> $b->[0]{$b->[1]}{priority} }
		map { my $t = $_; map { [$t, $_] } grep { ($t->{$_}{hook} // '') eq $hook } sort keys %$t } @{$s->{tables}}]};
	for (@base) {
		my ($t, $name) = @$_;
		my $v = run_chain($t, $name, $p, $s) // $t->{$name}{policy};
		return $v if $v ne 'accept';
	}
	return undef;
}

# --- the whole way --------------------------------------------------------------------------------

# 'DEVICE' that it leaves by, or: local, unreachable, refuse, drop.
sub decide {
	my ($s, $packet) = @_;
	my %p = (proto => 'udp', dport => 443, mark => 0, state => 'new', direction => 'original', src => '', %$packet);
	my ($v, $out);
	if (defined $p{in}) {
		$p{reply_dst} //= $p{src};
		$v = hook($s, 'prerouting', \%p) and return $v;
		$out = route($s, \%p);
		return $out if $out eq 'local' || $out eq 'unreachable';
		$p{out} = $out;
		$v = hook($s, 'forward', \%p) and return $v;
	} else {
		$out = route($s, \%p);
		return $out if $out eq 'local' || $out eq 'unreachable';
		$p{src} = source($s, $out, $p{family}) if $p{src} eq '';
		return 'unreachable' if !defined $p{src};
		$p{reply_dst} //= $p{src};
		$p{out} = $out;
		$v = hook($s, 'output', \%p) and return $v;
	}
	$v = hook($s, 'postrouting', \%p) and return $v;
	return $out eq 'lo' ? 'drop' : $out;
}

sub source {
	my ($s, $dev, $family) = @_;
	for (sort keys %{$s->{addrs}}) {
		my ($d, $a) = split / /;
		return $a if $d eq $dev && ($a =~ /:/ ? 6 : 4) == $family && $a !~ /^fe80/;
	}
	# A device without an address of its own lends that of the uplink.
	return $dev eq 'lo' || $dev =~ /^br-/ ? ($family == 4 ? '192.168.1.5' : '2001:db8::5') : undef;
}

1;
