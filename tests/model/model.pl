#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# Explores what may happen to a VPN of the layout "bridge" and to the machine's default, one step at a time: up, down,
# restart, default on, off and switched, each killed between any two steps, the keeper's repair, tunnels deleted or set
# down, the uplink gone, changed or in another network, and what other tools take away. After each step every packet of
# who is inside, and of the machine where a VPN is its default, is judged by Packet.pm: none may leave by another device.
#
# What is made and in which order is not written here: the lists and the firewalls are vpnctl's own (lists.c), and the
# order of the steps is read from src/up/bridge.c, src/default/default.c and src/ensure/replace.c. A step that is not known here ends the run.
#
# usage: model.pl LISTS [DEPTH]		says TAP. LISTS: the program lists. DEPTH: events in a row (3)
#        model.pl LISTS --trace WORLD EVENT...	the decisions in the state that these lead to, for tests/leak/model.t
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Packet;
use Time::HiRes qw(time);

my $top = "$FindBin::Bin/../..";
my ($lists, $depth, @rest) = @ARGV;
die "usage: model.pl LISTS [DEPTH | --trace WORLD EVENT...]\n" if !defined $lists;
$depth //= 3;

sub slurp {
	open my $f, '<', "$top/$_[0]" or die "$_[0]: $!\n";
	local $/;
	return scalar <$f>;
}

# --- what vpnctl makes ----------------------------------------------------------------------------

# list{VPN}{PART} = [object...], text{NAME} = nft; a rule is known by its text, in all lists.
sub load {
	my ($filter) = @_;
	my %m = (list => {}, text => {}, rules => [], rule_no => {});
	open my $f, '-|', $lists or die "$lists: $!\n";
	my ($text, @lines);
	while (<$f>) {
		chomp;
		if (defined $text) {
			if ($_ eq 'end') { $m{text}{$text} = join "\n", @lines; $text = undef }
			else { push @lines, $_ if $filter->("nft\t$text\t$_") }
			next;
		}
		if (/^text\t(\S+)/) { $text = $1; @lines = (); next }
		my (undef, $vpn, $part, $kind, @kv) = split /\t/;
		my $o = {kind => $kind, map { split /=/, $_, 2 } @kv};
		$m{list}{$vpn}{$part} //= [];
		next if !$filter->($_);
		if ($kind eq 'rule') {
			my $key = join ' ', @kv;
			$m{rule_no}{$key} //= push(@{$m{rules}}, $o) - 1;
			$o->{no} = $m{rule_no}{$key};
		}
		push @{$m{list}{$vpn}{$part}}, $o;
	}
	close $f or die "$lists failed\n";
	$m{nft}{$_} = Packet::parse($m{text}{$_}) for keys %{$m{text}};
	return \%m;
}

# The calls of a function's body, in their order: those of %$known; another that takes a struct err is not known here.
sub calls {
	my ($file, $function, $known) = @_;
	my ($body) = slurp($file) =~ /\n(?:static )?\w[\w ]*\*?\Q$function\E\([^;{]*\)\n\{\n(.*?)\n\}\n/s
		or die "$file: there is no function $function\n";
	$body =~ s{/\*.*?\*/}{ }sg;
	my @calls;
	while ($body =~ /\b(\w+)\(((?:[^()]|\([^()]*\))*)\)/g) {
		my ($name, $args) = ($1, $2);
		next if $name =~ /^(?:if|for|while|sizeof|return|err_\w+|switch)$/;
		die "$file: $function calls $name(), which the model does not know\n" if !exists $known->{$name} && $args =~ /\be$/;
		push @calls, [$name, $args] if $known->{$name};
	}
	return @calls;
}

my %passed_over = map { $_ => '' } qw(default_note_write forget_former default_cable_forget made_remove applied_remove file_write_existing file_remove
	nl_sock_open nl_sock_close former_path flows_forget sysctls_give_back vpn_lock read_way write_made open read_marks
	bridge_table_end_sockets step_ports memset);
# Before that order's step: which lists are made; by the steps' own bodies.
my %order;

sub read_orders {
	my ($table) = slurp('src/up/bridge.c') =~ /bridge_steps\[\] = \{\n(.*?)\n\};/s or die "no bridge_steps\n";
	my %plain = map { $_ => [] } qw(step_begin step_note_forwarding step_forwarding step_flows step_made);
	# Of a way out that is not a tunnel, what leads to it is made there; the worlds here have tunnels.
	$plain{step_way_out} = ['tunnel'];
	$plain{step_record} = ['record'];
	for my $step ($table =~ /\{(\w+),/g) {
		my (@make, %lists);
		push(@{$order{up}}, @{$plain{$step}}), next if $plain{$step};
		for (calls('src/up/bridge.c', $step, {%passed_over, step_make => 1, map { ("want_bridge_$_" => 1) } qw(firewall device table rules)})) {
			my ($name, $args) = @$_;
			my ($var) = $args =~ /&(\w+)/;
			if ($name eq 'step_make') { push @make, "make $lists{$var}" }
			else { ($lists{$var} = $name) =~ s/^want_bridge_// }
		}
		die "the model does not know what $step makes\n" if !@make;
		push @{$order{up}}, @make;
	}
	my %verbs = (
		set_locked => ['src/default/default.c', {undo_begun => 'undo', begin => 'begin', default_cable_plug => 'plug', replace => 'replace', finish => 'finish',
			back_out => ''}],
		clear_locked => ['src/default/default.c', {replace => 'replace'}],
		list_way => ['src/default/default.c', {want_default => 'list', default_dns_want => 'names', record_find => '', default_marks => '', want_list_check => ''}],
		replace => ['src/ensure/replace.c', {ensure_make => 'make', ensure_remove => 'remove', write_ledger => '', ensure_seal => '', want_list_minus => ''},
			'ensure_replace']);
	for my $f (sort keys %verbs) {
		my ($file, $own, $name) = @{$verbs{$f}};
		$order{$f} = [map { $_->[0] eq 'commit' ? 'commit' : $own->{$_->[0]} } calls($file, $name // $f, {%passed_over, %$own, commit => 1})];
	}
	$order{remove_rest} = [map { $_->[1] =~ /bridge/ ? 'bridge' : 'list' } calls('src/up/bridge.c', 'remove_rest', {%passed_over, ensure_remove => 1})];
}

# --- a state --------------------------------------------------------------------------------------

# A hash of texts. L name: 1 up, 0 down. A dev address. R family table dst metric dev. U family priority: the rules' numbers.
# T table. These are the kernel's. rec VPN, made VPN, note, promise (the VPN that the machine was promised), dns (whose
# name servers are asked), sock VPN (IPv6 sockets that may have its address), lost (what other tools took), proc (the
# steps that are left of what runs).

my ($m, $world);

sub uplink_routes {
	my ($s, $dev, $metric) = @_;
	$s->{"L $dev"} = 1;
	$s->{"A $dev 192.168.1.5"} = $s->{"A $dev 2001:db8::5"} = 1;
	$s->{"R 4 254 0.0.0.0/0 $metric $dev"} = $s->{"R 4 254 192.168.1.0/24 $metric $dev"} = 1;
	$s->{"R 6 254 ::/0 $metric $dev"} = $s->{"R 6 254 2001:db8::/64 $metric $dev"} = 1;
}

sub first_state {
	my $s = {'L lo' => 1, 'L docker0' => 1, note => '', promise => '', dns => '', lost => 0, proc => ''};
	$s->{"R 4 254 172.17.0.0/16 0 docker0"} = 1;
	uplink_routes($s, 'eth0', 100);
	return $s;
}

sub link_gone {
	my ($s, $dev) = @_;
	delete $s->{$_} for grep { $_ eq "L $dev" || /^A \Q$dev\E / || /^R .* \Q$dev\E$/ } keys %$s;
}

sub link_down {
	my ($s, $dev) = @_;
	$s->{"L $dev"} = 0;
	delete $s->{$_} for grep { /^A \Q$dev\E \S*:/ || /^R .* \Q$dev\E$/ } keys %$s;
}

# The IPv6 address that a VPN's sockets have, and the device that has it.
sub owner {
	my ($vpn) = @_;
	return $vpn eq 'n' ? ('vh-n', '10.20.3.2', 'fd76:706e:7275:3::2') : $vpn eq 'a' ? ('a', '10.64.1.2', 'fd64:1::2') : ('b', '10.64.2.2', undef);
}

# --- steps ----------------------------------------------------------------------------------------

sub note { my ($s) = @_; my ($state, $now, $old) = split ' ', $s->{note}; return ($state // '', $now // '', ($old // '-') =~ s/^-$//r) }

sub set_note { my ($s, $state, $now, $old) = @_; $s->{note} = $state ? "$state $now " . ($old || '-') : ''; return () }

sub way { my ($vpn) = @_; return $vpn . ($world->{strict} ? '!' : '') }

# Each object of a list as a step; rules of one priority together.
sub make_list {
	my ($vpn, $part) = @_;
	my ($l, @ops) = ($m->{list}{$vpn}{$part});
	for (my $i = 0; $i < @$l; $i++) {
		my $o = $l->[$i];
		if ($o->{kind} eq 'act') { push @ops, "dns $vpn" if $o->{what} eq 'names'; next }
		if ($o->{kind} ne 'rule') { push @ops, "obj $vpn $part $i"; next }
		my $key = "$o->{family} $o->{priority}";
		my @no = ($o->{no});
		push @no, $l->[++$i]{no} while $i + 1 < @$l && $l->[$i + 1]{kind} eq 'rule' && "$l->[$i + 1]{family} $l->[$i + 1]{priority}" eq $key;
		push @ops, "rules $key @no";
	}
	return @ops;
}

sub delete_ops {
	my ($s, $key) = @_;
	my @no = split ',', $s->{"U $key"} // '';
	return map { "ruledel $key $_" } sort { $m->{rules}[$a]{order} <=> $m->{rules}[$b]{order} } @no;
}

sub route_key { my ($o) = @_; return "R $o->{family} $o->{table} $o->{dst} $o->{metric} " . ($o->{dev} // '-') }

# As ensure_remove(): in reverse; what is of a device that is in the list goes with it, and all rules of a number at once.
sub remove_list {
	my ($vpn, $part) = @_;
	my $l = $m->{list}{$vpn}{$part};
	my %device = map { $_->{name} => 1 } grep { $_->{kind} eq 'link' } @$l;
	my ($v) = $vpn =~ /^(\w)/;
	my (@ops, %gone);
	for my $o (reverse @$l) {
		my $op = $o->{kind} eq 'link' ? "linkdel $o->{name}" :
			$o->{kind} eq 'route' ? ($device{$o->{dev} // ''} ? '' : 'del ' . route_key($o)) :
			$o->{kind} eq 'rule' ? "rulesgone $o->{family} $o->{priority}" :
			$o->{kind} eq 'nft' && $o->{family} eq 'inet' ? 'del T ' . ($part eq 'rest' ? $vpn : "default-$vpn") :
			$o->{kind} eq 'act' ? ($o->{what} eq 'names' ? 'dns' : "sockend $v") : '';
		push @ops, $op if $op && ($op =~ /^(?:sockend|dns)/ || !$gone{$op}++);
	}
	return @ops;
}

# Makes one object. False: the device is not there, and up fails.
sub make_object {
	my ($s, $vpn, $part, $o) = @_;
	my $k = $o->{kind};
	if ($k eq 'link') {
		$s->{"L $o->{name}"} //= 0 if $part ne 'tunnel';
		return 0 if !defined $s->{"L $o->{name}"};
		$s->{"L $o->{name}"} = 1 if $o->{up};
	} elsif ($k eq 'addr') {
		return 0 if !defined $s->{"L $o->{dev}"};
		(my $a = $o->{addr}) =~ s{/.*}{};
		$s->{"A $o->{dev} $a"} = 1;
	} elsif ($k eq 'route') {
		return 0 if defined $o->{dev} && !$s->{"L $o->{dev}"};
		$s->{route_key($o)} = 1;
	} elsif ($k eq 'nft' && $o->{family} eq 'inet') {
		$s->{'T ' . ($part eq 'default' ? "default-$vpn" : $vpn)} = 1;
	}
	return 1;
}

sub is_there {
	my ($s, $vpn, $o) = @_;
	return defined $s->{"L $o->{name}"} && $s->{"L $o->{name}"} >= $o->{up} if $o->{kind} eq 'link';
	return $s->{"A $o->{dev} " . $o->{addr} =~ s{/.*}{}r} if $o->{kind} eq 'addr';
	return $s->{route_key($o)} if $o->{kind} eq 'route';
	return $o->{family} ne 'inet' || $s->{"T $vpn"} if $o->{kind} eq 'nft';
	return grep { $_ == $o->{no} } split ',', $s->{"U $o->{family} $o->{priority}"} // '';
}

sub missing {
	my ($s, $vpn, @parts) = @_;
	for my $part (@parts) {
		is_there($s, $part =~ /^default/ ? "default-$vpn" : $vpn, $_) || return 1 for @{$m->{list}{$vpn}{$part}};
	}
	return 0;
}

# What a step of that name does; returns the steps that take its place.
my %step = (
	obj => sub { my ($s, $v, $part, $i) = @_; return make_object($s, $v, $part, $m->{list}{$v}{$part}[$i]) ? () : ('FAIL') },
	rules => sub {
		my ($s, $f, $p, @no) = @_;
		return () if ($s->{"U $f $p"} // '') eq join ',', @no;
		return ((map { "ruleadd $f $p $_" } @no), delete_ops($s, "$f $p"));
	},
	ruleadd => sub { my ($s, $f, $p, $no) = @_; $s->{"U $f $p"} = join ',', grep { $_ ne '' } $s->{"U $f $p"} // '', $no; () },
	ruledel => sub {
		my ($s, $f, $p, $no) = @_;
		my $gone;
		my @left = grep { $_ != $no || $gone++ } split ',', $s->{"U $f $p"} // '';
		if (@left) { $s->{"U $f $p"} = join ',', @left } else { delete $s->{"U $f $p"} }
		();
	},
	rulesgone => sub { my ($s, $f, $p) = @_; delete_ops($s, "$f $p") },
	del => sub { my ($s, @key) = @_; delete $s->{"@key"}; () },
	set => sub { my ($s, @key) = @_; $s->{"@key"} = 1; () },
	linkdel => sub { my ($s, $d) = @_; link_gone($s, $d); () },
	make => sub { my ($s, $v, $part) = @_; make_list($v, $part) },
	# One that works is kept; another is made anew.
	tunnel => sub {
		my ($s, $v) = @_;
		return make_list($v, 'tunnel') if ($s->{"rec $v"} // '') eq 'up' && defined $s->{"L $v"};
		return ("linkdel $v", "birth $v", make_list($v, 'tunnel'));
	},
	birth => sub { my ($s, $v) = @_; $s->{"L $v"} //= 0; () },
	rec => sub { my ($s, $v, $st) = @_; if ($st eq 'none') { delete $s->{"rec $v"} } else { $s->{"rec $v"} = $st } () },
	sockend => sub { my ($s, $v) = @_; my ($d, undef, $a) = owner($v); delete $s->{"sock $v"} if defined $a && !$s->{"A $d $a"}; () },
	dns => sub { my ($s, $x) = @_; $s->{dns} = ($x // '') =~ s/!//r; () },
	note => sub { my ($s, @n) = @_; set_note($s, @n) },
	promise => sub { my ($s, $x) = @_; $s->{promise} = $x // ''; () },

	# Of another run that was killed before it had a record, the ledger says what there is.
	up => sub {
		my ($s, $v) = @_;
		my @former = !$s->{"rec $v"} && $s->{"made $v"} ? ("linkdel $v", "sockend $v", "rest $v") : ();
		return (@former, "set made $v", steps_of($v), 'follow');
	},
	restart => sub { my ($s, $v) = @_; ("rec $v lost", "linkdel $v", "set made $v", steps_of($v), 'follow') },
	rest => sub {
		my ($s, $v) = @_;
		return ((map { $_ eq 'bridge' ? "linkdel br-$v" : remove_list($v, 'rest') } @{$order{remove_rest}}), "del made $v");
	},
	# Of what a killed run left there is no record to change.
	down => sub { my ($s, $v) = @_; ($s->{"rec $v"} ? "rec $v down" : (), "linkdel $v", "sockend $v", "rest $v", "rec $v none") },
	hold => sub { my ($s, $v) = @_; ("rec $v down", "linkdel $v") },
	revive => sub { my ($s, $v) = @_; ((map { /^rec/ ? () : $_ } steps_of($v)), "rec $v up", 'follow') },

	begin => sub {
		my ($s, $x) = @_;
		my ($state, $now, $old) = note($s);
		my $new = $x ne $now && $x ne $old;
		($now, $old) = ($old, $now) if $now && $now ne $x;
		return (join ' ', 'note', ($new ? 'begun' : 'changing'), $x, $old);
	},
	plug => sub { my ($s, $x) = @_; $x eq 'n' ? ('birth vh-n') : () },
	# All that is wanted is made, then all that was there and is not wanted goes; names have one place.
	replace => sub {
		my ($s, $x) = @_;
		my (undef, $now, $old) = note($s);
		my @had = grep { $_ && $_ ne ($x // '') } $old, $now;
		my %part = (make => [defined $x ? make_list(way($x), 'default') : ()], commit => [defined $x && ($_[2] // '') ne 'undo' ? 'commit' : ()],
			remove => [grep { !defined $x || !/^dns/ } map { remove_list(way($_), 'default') } @had]);
		return map { @{$part{$_} // []} } @{$order{replace}};
	},
	undo => sub {
		my ($s) = @_;
		my ($state, $now, $old) = note($s);
		return ('clear') if !$old;
		return ("note changing $old $now", "replace $old undo", "note on $old");
	},
	commit => sub { my ($s) = @_; my (undef, $now, $old) = note($s); ('note ' . ($old ? 'changing' : 'on') . " $now $old", "promise $now") },
	finish => sub { my ($s) = @_; my (undef, $now) = note($s); ("note on $now") },
	default => sub {
		my ($s, $x) = @_;
		my ($state) = note($s);
		return () if $x eq 'a' && ($s->{'rec a'} // '') ne 'up';
		return map { $_ eq 'undo' ? ($state eq 'begun' ? 'undo' : ()) : $_ eq 'finish' ? $_ : $_ ? "$_ $x" : () } @{$order{set_locked}};
	},
	none => sub { ('promise', 'clear') },
	clear => sub {
		my ($s) = @_;
		my ($state, $now, $old) = note($s);
		return () if !$state;
		return (($state eq 'begun' ? () : "note going $now $old"), (map { $_ ? $_ : () } @{$order{clear_locked}}), 'note');
	},
	# The keeper's, and after each up: what was broken off is undone or finished, what is missing is put back.
	follow => sub {
		my ($s) = @_;
		my ($state, $now, $old) = note($s);
		return () if !$state;
		return ('undo') if $state eq 'begun';
		return ('clear') if $state eq 'going';
		my $up = $now ne 'a' || ($s->{'rec a'} // '') eq 'up';
		return ("default $now") if $up;
		return grep { /^rules/ || /^obj \S+ default \d+$/ && $m->{list}{way($now)}{default}[(split)[3]]{kind} eq 'nft' } make_list(way($now), 'default');
	},
);

sub steps_of {
	my ($v) = @_;
	return map { $_ eq 'record' ? "rec $v up" : /^make (.*)/ ? "make $v $1" : "$_ $v" } @{$order{up}};
}

# Where up cannot go on it takes the tunnel away again, and says that it is to be brought back.
sub failed {
	my ($s) = @_;
	my ($v) = $s->{proc} =~ /rec (\w) up/;
	$s->{proc} = $v ? "linkdel $v;rec $v lost" : '';
}

# Does one step, and those behind it that change nothing.
sub advance {
	my ($s) = @_;
	my %n = %$s;
	my @todo = split ';', $n{proc};
	while (@todo) {
		my ($name, @args) = split ' ', shift @todo;
		my %before = %n;
		my @more = ($step{$name} // die "there is no step '$name'\n")->(\%n, @args);
		if (@more && $more[0] eq 'FAIL') { $n{proc} = join ';', @todo; failed(\%n); return settle(\%n) }
		unshift @todo, @more;
		$n{proc} = $before{proc} = join ';', @todo;
		last if differ(\%n, \%before);
	}
	return settle(\%n);
}

# What comes by itself: where an address is, there may be sockets of it.
sub settle {
	my ($s) = @_;
	for my $v (qw(a n)) {
		my ($d, undef, $a) = owner($v);
		$s->{"sock $v"} = 1 if $s->{"A $d $a"};
	}
	return $s;
}

sub differ {
	my ($x, $y) = @_;
	return 1 if keys %$x != keys %$y;
	for (keys %$x) { return 1 if !exists $y->{$_} || $x->{$_} ne $y->{$_} }
	return 0;
}

# The kernel's part first, up to an empty line.
sub key {
	my ($s) = @_;
	my (@kernel, @rest);
	for (sort keys %$s) { if (/^[LARUT] /) { push @kernel, "$_=$s->{$_}" } else { push @rest, "$_=$s->{$_}" } }
	return join("\n", @kernel) . "\n\n" . join "\n", @rest;
}

# --- events ---------------------------------------------------------------------------------------

my %event = (
	(map {
		my $v = $_;
		("up $v" => [sub { !$_[0]{proc} }, sub { $_[0]{proc} = "up $v" }],
		"restart $v" => [sub { !$_[0]{proc} && ($_[0]{"rec $v"} // '') =~ /up|lost/ }, sub { $_[0]{proc} = "restart $v" }],
		"down $v" => [sub { !$_[0]{proc} && ($_[0]{"rec $v"} || $_[0]{"made $v"}) && !grep { $_ eq $v } (note($_[0]))[1, 2] }, sub { $_[0]{proc} = "down $v" }],
		"hold $v" => [sub { !$_[0]{proc} && $_[0]{"rec $v"} && !grep { $_ eq $v } (note($_[0]))[1, 2] }, sub { $_[0]{proc} = "hold $v" }],
		"repair $v" => [sub { !$_[0]{proc} && ($_[0]{"rec $v"} // '') =~ /up|lost/ &&
			($_[0]{"rec $v"} eq 'lost' || missing($_[0], $v, qw(firewall device table rules tunnel))) }, sub { $_[0]{proc} = "revive $v" }],
		"delete $v" => [sub { defined $_[0]{"L $v"} }, sub { link_gone($_[0], $v) }],
		"set-down $v" => [sub { $_[0]{"L $v"} }, sub { link_down($_[0], $v) }])
	} qw(a b)),
	(map { my $x = $_; ("default $x" => [sub { !$_[0]{proc} && ($x ne 'a' || ($_[0]{'rec a'} // '') eq 'up') }, sub { $_[0]{proc} = "default $x" }]) } qw(a n)),
	'default none' => [sub { !$_[0]{proc} && $_[0]{note} }, sub { $_[0]{proc} = 'none' }],
	'default repair' => [sub { !$_[0]{proc} && $_[0]{note} }, sub { $_[0]{proc} = 'follow' }],
	'delete vh-n' => [sub { defined $_[0]{'L vh-n'} }, sub { link_gone($_[0], 'vh-n') }],
	kill => [sub { $_[0]{proc} }, sub { $_[0]{proc} = '' }],
	'uplink gone' => [sub { defined $_[0]{'L eth0'} }, sub { link_gone($_[0], 'eth0') }],
	'uplink back' => [sub { !defined $_[0]{'L eth0'} }, sub { uplink_routes($_[0], 'eth0', 100) }],
	'uplink wlan0' => [sub { !defined $_[0]{'L wlan0'} }, sub { uplink_routes($_[0], 'wlan0', 50) }],
	'uplink hotel' => [sub { defined $_[0]{'L eth0'} && !$_[0]{'R 4 254 10.64.0.0/16 100 eth0'} }, sub { $_[0]{'R 4 254 10.64.0.0/16 100 eth0'} = 1 }],
	'uplink inject' => [sub { defined $_[0]{'L eth0'} && !$_[0]{'R 4 254 0.0.0.0/1 100 eth0'} },
		sub { $_[0]{"R 4 254 $_ 100 eth0"} = 1 for '0.0.0.0/1', '128.0.0.0/1', '198.51.100.0/24'; $_[0]{"R 6 254 2000::/3 100 eth0"} = 1 }],
	'lose nft' => [sub { $_[0]{lost} < $world->{lose} && grep { /^T / } keys %{$_[0]} }, sub { my $s = $_[0]; delete $s->{$_} for grep { /^T / } keys %$s; $s->{lost}++; $s->{flushed} = 1 }],
	(map { my $t = $_; ("lose table $t" => [sub { my $s = $_[0]; $s->{lost} < $world->{lose} && grep { /^R . $t / } keys %$s },
		sub { my $s = $_[0]; delete $s->{$_} for grep { /^R . $t / } keys %$s; $s->{lost}++ }]) } 1, 2, 3),
	# The rules of the default are not in it: of these alone nothing holds but the keeper, who puts them back at once.
	# Without any rule nothing leads to the table either: two means at once.
	(map { my $p = $_; ("lose rules $p" => [sub { my $s = $_[0]; $s->{lost} + 1 < $world->{lose} && grep { /^U . $p$/ } keys %$s },
		sub { my $s = $_[0]; delete $s->{$_} for grep { /^U . $p$/ } keys %$s; $s->{lost} += 2 }]) } 201, 202),
);

# One rule of a number: what leads there, or what closes.
sub lose_one {
	my ($p, $which) = @_;
	my $find = sub {
		my ($s, $f) = @_;
		return grep { $which->($m->{rules}[$_]) } split ',', $s->{"U $f $p"} // '';
	};
	return (sub { my ($s) = @_; $s->{lost} < $world->{lose} && ($find->($s, 4) || $find->($s, 6)) },
		sub {
			my ($s) = @_;
			for my $f (4, 6) {
				for my $no ($find->($s, $f)) { $step{ruledel}->($s, $f, $p, $no) }
			}
			$s->{lost}++;
		});
}
for my $p (201, 202, 301, 303) {
	$event{"lose lookup $p"} = [lose_one($p, sub { ($_[0]{table} // 254) < 100 && !$_[0]{dst} })];
	$event{"lose unreachable $p"} = [lose_one($p, sub { $_[0]{unreachable} })];
}

# --- the judge ------------------------------------------------------------------------------------

my $internet = '198.51.100.9';
my $internet6 = '2001:db8:99::9';
my %seen; # the kernel's part of a state => what each packet does there

sub kernel_of {
	my ($s) = @_;
	my %k = (links => {}, addrs => {}, local => {}, routes => {4 => {}, 6 => {}}, rules => {4 => [], 6 => []}, tables => []);
	for (sort keys %$s) {
		if (/^L (.*)/) { $k{links}{$1} = $s->{$_} }
		elsif (/^A (\S+) (\S+)/) { $k{addrs}{"$1 $2"} = 1; $k{local}{$2} = 1 }
		elsif (/^R (\S) (\S+) (\S+) (\S+) (\S+)/) { push @{$k{routes}{$1}{$2}}, {dst => $3, metric => $4, $5 eq '-' ? () : (dev => $5)} }
		elsif (/^T (.*)/) { push @{$k{tables}}, $m->{nft}{$1} // die "there is no firewall '$1'\n" }
		elsif (/^U (\S) (\S+)/) { push @{$k{rules}{$1}}, map { $m->{rules}[$_] } split ',', $s->{$_} }
	}
	for my $f (4, 6) {
		push @{$k{rules}{$f}}, {priority => 32766, table => 254};
		@{$k{rules}{$f}} = sort { $a->{priority} <=> $b->{priority} } @{$k{rules}{$f}};
	}
	return \%k;
}

# Whose packets, and by which devices they may go: [name, family, packet, when, allowed...].
sub probes {
	my @p;
	for my $v (qw(a b)) {
		my $id = $v eq 'a' ? 1 : 2;
		my ($in, $in6) = ("10.20.$id.7", "fd76:706e:7275:${id}::7");
		# Before it was up for the first time nobody is plugged in, and what is half made has the firewall alone.
		my $plugged = sub { $_[0]{"L br-$v"} && (!$_[0]{lost} || $_[0]{"rec $v"}) };
		my @to = ([udp => 443, $internet], [tcp => 443, $internet], [udp => 53, '192.168.1.1'], [udp => 443, '192.168.1.9'],
			[udp => 443, $v eq 'a' ? '10.20.2.7' : '10.20.1.7'], [udp => 443, "10.64.$id.1"]);
		for my $t (@to) {
			push @p, ["inside $v to $t->[2] $t->[0] $t->[1]", {family => 4, in => "br-$v", src => $in, dst => $t->[2], proto => $t->[0], dport => $t->[1]},
				$plugged, $v, "br-$v"];
		}
		push @p, ["inside $v, established", {family => 4, in => "br-$v", src => $in, dst => $internet, state => 'established', proto => 'tcp'}, $plugged, $v, "br-$v"];
		push @p, ["inside $v to $internet6", {family => 6, in => "br-$v", src => $in6, dst => $internet6}, $plugged, $v, "br-$v"];
		push @p, ["inside $v to the LAN, IPv6", {family => 6, in => "br-$v", src => $in6, dst => '2001:db8::9'}, $plugged, $v, "br-$v"];
		for (['4', $internet, $in], ['6', $internet6, $in6]) {
			push @p, ["an answer to $v, IPv$_->[0]", {family => $_->[0], in => $v, src => $_->[1], dst => $_->[2], state => 'established', direction => 'reply'},
				sub { $plugged->(@_) && $_[0]{"L $v"} }, "br-$v", $v];
		}
		push @p, ["the gateway's word to $v", {family => 4, src => "10.20.$id.1", dst => $in}, sub { $plugged->(@_) && $_[0]{"A br-$v 10.20.$id.1"} }, "br-$v", $v];
	}
	for my $v (qw(a b n)) {
		my ($dev, $a4, $a6) = owner($v);
		for my $state (qw(new established)) {
			push @p, ["a socket of $v\'s address, $state", {family => 4, src => $a4, dst => $internet, proto => 'tcp', state => $state},
				sub { $_[0]{"A $dev $a4"} }, $dev];
			push @p, ["a socket of $v\'s address, IPv6, $state", {family => 6, src => $a6, dst => $internet6, proto => 'tcp', state => $state},
				sub { $_[0]{"sock $v"} }, $dev] if $a6;
		}
	}
	for my $x (qw(a n)) {
		my ($dev) = owner($x);
		my $is = sub { $_[0]{promise} eq $x };
		# While one replaces another, both are VPNs.
		my @may = qw(a vh-n);
		push @p, ["the machine, default $x, $_->[0]", $_->[1], $is, @may] for
			['udp', {family => 4, dst => $internet}], ['tcp', {family => 4, dst => $internet, proto => 'tcp'}],
			['from the uplink\'s address', {family => 4, src => '192.168.1.5', dst => $internet}],
			['bound to eth0', {family => 4, dst => $internet, bound => 'eth0', src => '192.168.1.5'}],
			['IPv6', {family => 6, dst => $internet6}], ['IPv6 bound to eth0', {family => 6, dst => $internet6, bound => 'eth0'}],
			['established, of before', {family => 4, src => '192.168.1.5', dst => $internet, proto => 'tcp', state => 'established'}],
			['a name of the LAN\'s server', {family => 4, dst => '192.168.1.1', dport => 53}],
			['a container', {family => 4, in => 'docker0', src => '172.17.0.2', dst => $internet}];
		push @p, ["a name of $x\'s server", {family => 4, dst => $x eq 'a' ? '10.64.1.1' : '10.64.3.1', dport => 53}, sub { $_[0]{dns} eq $x }, @may];
	}
	return @p;
}

my @probes = probes();
my %harmless = map { $_ => 1 } qw(local unreachable refuse drop);
# Where another tool has flushed the firewall, a socket that is bound to the uplink, and names, are not held by routes.
my $by_nft_alone = qr/bound to eth0|a name of the LAN|IPv6, established|established, of before|the gateway's word|an answer to|a socket of/;

sub violations {
	my ($s, $key) = @_;
	my $known = $seen{substr $key, 0, index $key, "\n\n"} //= {};
	my @bad;
	for my $p (@probes) {
		my ($name, $packet, $when, @may) = @$p;
		next if !$when->($s);
		next if $s->{flushed} && $name =~ $by_nft_alone;
		$known->{''} //= kernel_of($s);
		my $out = $known->{$name} //= Packet::decide($known->{''}, $packet);
		# The last route of IPv6 leads to the bridge, where the firewall refuses: without one it stays on the bridge.
		next if $s->{flushed} && $out eq 'br-a' && $name =~ /^the machine/;
		push @bad, "$name: leaves by $out" if !$harmless{$out} && !grep { $_ eq $out } @may;
	}
	delete $known->{''};
	return @bad;
}

# --- exploring ------------------------------------------------------------------------------------

my %worlds = (
	means => {events => [qw(up:a down:a hold:a restart:a repair:a delete:a set-down:a kill), 'lose nft', 'lose table 1', 'lose rules 201',
		'lose unreachable 201', 'lose lookup 201'], lose => 2},
	bridge => {events => [qw(up:a down:a hold:a restart:a repair:a delete:a set-down:a kill), 'uplink gone', 'uplink back', 'uplink wlan0', 'uplink hotel'], lose => 0},
	two => {events => [qw(up:a down:a up:b down:b hold:b restart:a delete:a delete:b repair:a kill)], lose => 0},
	default => {events => [qw(up:a restart:a hold:a repair:a delete:a set-down:a default:a default:n default:none default:repair kill), 'delete vh-n',
		'uplink gone', 'uplink back', 'uplink wlan0', 'uplink hotel'], start => ['up a'], lose => 0},
	lost => {events => [qw(up:a restart:a repair:a delete:a default:a default:n default:none default:repair kill), 'delete vh-n', 'lose nft', 'lose table 1',
		'lose table 3', map { ("lose lookup $_", "lose unreachable $_") } 301, 303], start => ['up a'], lose => 1},
	strict => {events => [qw(up:a restart:a delete:a default:a default:n default:none default:repair kill), 'delete vh-n', 'uplink inject', 'uplink hotel'],
		start => ['up a'], lose => 0, strict => 1},
	# For what is shown by it alone: without --strict a DHCP server's routes are believed.
	loose => {events => [qw(default:n kill), 'uplink inject'], lose => 0, is_shown => 1},
	# For traces: as much as one likes.
	any => {events => [], lose => 99, is_shown => 1},
);

# Breadth first; a step costs nothing, an event one. Returns (states, first violation with its trace).
sub explore {
	my ($name, $depth, $limit) = @_;
	$world = $worlds{$name};
	%seen = ();
	my @events = map { tr/:/ /r } @{$world->{events}};
	my $first = after($name, @{$world->{start} // []});
	my %from = (key($first) => undef);
	my @level = ([$first]);
	my $judge = sub {
		my ($s, $key) = @_;
		my @bad = violations($s, $key) or return;
		my @trace = @{$world->{start} // []};
		for (my $k = $key; defined $from{$k}; $k = $from{$k}[0]) { splice @trace, scalar @{$world->{start} // []}, 0, $from{$k}[1] }
		my ($steps, @short) = (0);
		for (@trace, '') {
			if ($_ eq '+') { $steps++; next }
			push @short, "$steps steps" if $steps;
			$steps = 0;
			push @short, $_ if $_ ne '';
		}
		return [\@bad, \@short];
	};
	for my $d (0 .. $depth) {
		my @queue = @{$level[$d] // []};
		while (my $s = shift @queue) {
			my $key = key($s);
			if (my $found = $judge->($s, $key)) { return (scalar(keys %from), $found) }
			if ($s->{proc}) {
				my $n = advance($s);
				my $k = key($n);
				if (!exists $from{$k}) { $from{$k} = [$key, '+']; push @queue, $n }
			}
			next if $d == $depth;
			for my $e (@events) {
				my ($can, $do) = @{$event{$e} // die "there is no event '$e'\n"};
				next if !$can->($s);
				my %n = %$s;
				$do->(\%n);
				my $n = settle(\%n);
				my $k = key($n);
				if (!exists $from{$k}) { $from{$k} = [$key, $e]; push @{$level[$d + 1]}, $n }
			}
			return (scalar(keys %from), undef) if $limit && keys %from > $limit;
		}
		$level[$d] = undef;
	}
	return (scalar(keys %from), undef);
}

# --- what is said ---------------------------------------------------------------------------------

my $n = 0;
my $failed = 0;

sub ok {
	my ($good, $text, @more) = @_;
	$n++;
	$failed++ if !$good;
	print $good ? '' : 'not ', "ok $n - $text\n", map { "# $_\n" } @more;
}

# Runs what an event began to its end.
sub finish { my ($s) = @_; $s = advance($s) while $s->{proc}; return $s }

sub after {
	my ($w, @events) = @_;
	$world = $worlds{$w} // die "there is no world '$w'\n";
	my $s = settle(first_state());
	for my $e (@events) {
		my ($can, $do) = @{$event{$e} // die "there is no event '$e'\n"};
		die "'$e' cannot be here\n" if !$can->($s);
		my %n = %$s;
		$do->(\%n);
		$s = finish(settle(\%n));
	}
	return $s;
}

sub goes { my ($s, $packet) = @_; return Packet::decide(kernel_of($s), $packet) }

# That the judge sees a packet that may leave, where it may: all closed would be no VPN.
sub controls {
	my $s = after('default', 'up a');
	ok(goes($s, {family => 4, in => 'br-a', src => '10.20.1.7', dst => $internet}) eq 'a', 'control: from the bridge into the tunnel');
	ok(goes($s, {family => 6, in => 'br-a', src => 'fd76:706e:7275:1::7', dst => $internet6}) eq 'a', 'control: IPv6');
	ok(goes($s, {family => 4, in => 'br-a', src => '10.20.1.7', dst => '192.168.1.9'}) eq 'a', 'control: the LAN, too');
	ok(goes($s, {family => 4, dst => $internet}) eq 'eth0', 'control: the machine itself goes by the uplink');
	for my $x (qw(a n)) {
		my ($dev) = owner($x);
		my $d = after('default', 'up a', "default $x");
		ok(goes($d, {family => 4, dst => $internet}) eq $dev, "control: default $x: the machine's packets");
		ok(goes($d, {family => 4, dst => '192.168.1.9'}) eq 'eth0', "control: default $x: R11: the LAN directly");
		ok(goes($d, {family => 4, dst => $internet, mark => 0x2711}) eq 'eth0', "control: default $x: R17: the tunnel's own by the uplink");
		ok(goes(after('default', 'up a', "default $x", 'default none'), {family => 4, dst => $internet}) eq 'eth0', "control: default $x, none");
	}
	my $gone = after('default', 'up a', 'default a', 'default none', 'down a');
	my $first = settle(first_state());
	delete $gone->{'sock n'};
	ok(key($gone) eq key($first), 'control: R12 R37: after default none and down all is as it was', key($gone) eq key($first) ? () : split /\n/, key($gone));
}

# --- the model can fail: what is taken out of the lists, or of the order, and where it is seen -----

my @mutations = (
	['the table is closed by nothing but the rule', 'means', qr/\ttable\troute\t.*metric=429496729/],
	['no rule closes behind the one that leads there', 'means', qr/\trules\trule\t.*unreachable=1/],
	['the firewall forwards to any device', 'means', qr/^nft\ta\t\s*jump refuse$/],
	['no rule leads from the bridge', 'means', qr/\ta\trules\trule\t.*src=10\.20/],
	['the default has no rule that closes', 'lost', qr/\tdefault\trule\t.*unreachable=1/],
	['its table has no route that closes', 'lost', qr/\tdefault\troute\t(?!.*dev=)/],
	['neither output nor guard keeps the tunnel\'s address in', 'means', qr/^nft\ta\tadd rule .* oifname != .* (?:ct reply ip6? daddr|ip6? saddr) \$address[46] drop/],
	['the guard lets an answer out', 'bridge', qr/^nft\ta\t\s*oifname != \{ \$br, "lo" \} ip6? daddr \$subnet[46] drop/],
	['names of the LAN\'s server', 'default', qr/^nft\tdefault-.*jump names/],
	['a socket bound to the uplink', 'default', qr/^nft\tdefault-.*jump astray/],
);
sub move { # what of the defaults' lists goes to the front, or to the end
	my ($is, $front) = @_;
	for my $v (qw(a n)) {
		my $l = $m->{list}{$v}{default};
		my @those = grep { $is->($_) } @$l;
		my @others = grep { !$is->($_) } @$l;
		@$l = $front ? (@those, @others) : (@others, @those);
	}
}
my @reorders = (
	['the names before the rules, and back behind them', 'default', sub { move(sub { $_[0]{kind} eq 'act' && $_[0]{what} eq 'names' }, 1) }],
	['the firewall last', 'default', sub { move(sub { $_[0]{kind} eq 'nft' }, 0) }],
	['a switch takes the old away first', 'default', sub { $order{replace} = [qw(remove make commit)] }],
	['down: the firewall and rules before the bridge', 'bridge', sub { $order{remove_rest} = [reverse @{$order{remove_rest}}]; @{$m->{list}{a}{rest}} = grep { $_->{kind} ne 'link' } @{$m->{list}{a}{rest}} }],
);

sub describe { my ($found) = @_; return ("$found->[0][0]", 'by: ' . join(', ', @{$found->[1]})) }

read_orders();
$m = load(sub { 1 });
if ($depth eq '--trace') {
	my ($w, @events) = @rest;
	my $s = after($w, @events);
	for my $p (@probes) { print !defined $p->[1]{in} || $s->{"L $p->[1]{in}"} ? goes($s, $p->[1]) : '-', "\t$p->[0]\n" }
	exit 0;
}
controls();
for my $w (grep { !$worlds{$_}{is_shown} } sort keys %worlds) {
	my $t = time;
	my ($states, $found) = explore($w, $depth);
	ok(!$found, sprintf('L01 L02 L03 %s: %d states to depth %d, %d of the kernel\'s, %d packets in each: none leaves (%.1f s)', $w, $states, $depth,
		scalar(keys %seen), scalar(@probes), time - $t), $found ? describe($found) : ());
}
for (@mutations) {
	my ($what, $w, $re) = @$_;
	my $dropped = 0;
	$m = load(sub { $_[0] =~ $re ? ($dropped++, 0)[1] : 1 });
	my (undef, $found) = explore($w, 4, 60000);
	ok($dropped && $found, "taken out: $what: seen in $w", $found ? describe($found) : "$dropped lines dropped, and nothing is seen");
}
for (@reorders) {
	my ($what, $w, $change) = @$_;
	$m = load(sub { 1 });
	%order = ();
	read_orders();
	$change->();
	my (undef, $found) = explore($w, 4, 60000);
	ok($found, "in another order: $what: seen in $w", $found ? describe($found) : 'nothing is seen');
}
$m = load(sub { 1 });
my (undef, $found) = explore('loose', 2);
ok($found, 'L22 without --strict a route that a DHCP server sets is believed', $found ? describe($found) : ());
print "1..$n\n";
exit($failed ? 1 : 0);
