# SPDX-License-Identifier: GPL-2.0-or-later
# The kinds of vpnctl. Whoever is killed leaves what the next run finishes or removes; whoever fails says so
# in a sentence and has undone it; and at no moment does anything leave in the clear.
package Control;
use strict;
use warnings;
use Fault;
use Look;

my $vpnctl = "$bin/bin/vpnctl";
my ($base, $turn) = ('', 0);

sub ctl { quiet($vpnctl, @_) }

# Says what is missing of a VPN.
sub is_whole {
	my ($vpn) = @_;
	my ($rc, $out, $err) = run(30, $vpnctl, 'status', $vpn);
	return $rc == 0 ? '' : "$vpn is not whole: $out$err";
}

sub is_default {
	my ($vpn) = @_;
	my ($rc, $out, $err) = run(30, $vpnctl, 'status', $vpn);
	return $rc == 0 && $out =~ /\b$vpn is the machine's default/ ? '' : "$vpn is not the default: $out$err";
}

# Is all as it was? The kernel takes cables and processes away a moment later. To look costs more than the rest:
# the other VPN's namespace is looked at now and then.
my ($looks, $base_here, @former) = (0, '');
sub as_now {
	my $here = look('other');
	return difference($base_here, $here) if $here ne $base_here && $here ne ($former[1] // $base_here);
	return '' if ++$looks % 8;
	my $all = look();
	return $all eq ($former[0] // $base) ? '' : difference($base, $all);
}
# An empty file that could not be locked is the next run's.
sub is_as_before {
	my ($point) = @_;
	my $left;
	return '' if soon(5, sub { !($left = as_now()) });
	return '' if ($point // '') =~ /\.flock:/ && $left =~ m{^\+ /run/vpnrun/[\w.]+\.new 100600$};
	return "left: $left";
}
sub remember { return (look_alone(), look_alone('other')) }

# The keepers look now, not in half a minute.
sub keepers_look {
	for my $file (glob '/run/vpnrun/*.supervisor') {
		my $pid = slurp($file);
		kill 'USR2', $1 if $pid =~ /^(\d+)/;
	}
}

sub first { for (@_) { my $v = ref $_ ? $_->() : $_; return $v if $v } return '' }

# --- up, down, restart ------------------------------------------------------------------------------------

sub up { ctl('up', '--no-wait', $_[0]) }
sub down { ctl('down', '--force', $_[0]) }
sub up_repairs { my ($vpn) = @_; first(sub { up($vpn) }, sub { is_whole($vpn) }) }
sub down_removes { my ($vpn) = @_; first(sub { down($vpn) }, \&is_as_before) }

# What the next run is: one that repairs, or one that removes, with or without the keepers' look before it.
sub next_run {
	my ($vpn) = @_;
	my $t = $turn++ % 4;
	keepers_look() if $t >= 2;
	return first($t % 2 ? sub { up_repairs($vpn) } : (), sub { down_removes($vpn) });
}

sub life {
	my ($reset, @cmd) = @_;
	my $vpn = $cmd[-1];
	return {
		cmd => [$vpnctl, @cmd],
		reset => $reset,
		turns => 4,
		killed => sub { next_run($vpn) },
		verdict => sub {
			my ($rc, $out, $err, $point) = @_;
			my $bad = $rc == 124 ? 'hangs' : '';
			if ($rc == 0) {
				# As it says: whoever should look after it has gone.
				$bad ||= up($vpn) if $err =~ /note: nobody looks after $vpn: /;
				$bad ||= is_whole($vpn) if $cmd[0] ne 'down';
				# What it could not remove, the next one does.
				$bad ||= down_removes($vpn);
			} else {
				$bad = "status $rc and no sentence: $err" if !has_sentence('vpnctl', $err, $point);
				# Its last word is lost, and all is done.
				my $done = $err =~ /cannot write the output/;
				# What it says of the VPN is so, and to try again is enough for the default.
				if ($err =~ /^vpnctl: $vpn is up, but the machine's default /) {
					$bad ||= first(sub { is_whole($vpn) }, sub { up_repairs($vpn) }, sub { is_default('demo') });
					$done = 1;
				}
				$bad ||= is_as_before($point) if $cmd[0] eq 'up' && !$done;
				$bad ||= next_run($vpn) if $cmd[0] ne 'up' || $done;
			}
			return $bad ? "$bad ($err)" : $rc == 0 ? 'whole' : 'refused';
		},
	};
}

sub begin_down {
	my ($vpn) = @_;
	if (!$base) {
		up($vpn);
		down($vpn);
		soon(3, sub { ports() == 0 });
		($base, $base_here) = remember();
		# The firewall of a default goes on naming who was up beside it, until it is made anew.
		@former = remember() if $vpn eq 'direct' && !ctl('default', '--no-ip', 'demo');
	}
	return is_as_before() && down($vpn);
}
sub begin_up { my ($vpn) = @_; begin_down($vpn); up($vpn) }

# --- the machine's default --------------------------------------------------------------------------------

sub on { ctl('default', '--no-ip', $_[0]) }
sub off { ctl('default', '--no-ip', 'none') }
sub off_removes { first(\&off, \&is_as_before) }
sub on_finishes { my ($vpn) = @_; first(sub { on($vpn) }, sub { is_default($vpn) }) }
sub note_is_gone { !-e '/run/vpnrun/default.note' }
my $note = '/run/vpnrun/default.note';

sub begin_off {
	if (!$base) {
		up('demo');
		up('other');
		off();
		soon(3, sub { ports() == 0 });
		($base, $base_here) = remember();
	}
	off() if -e $note;
}
sub begin_on { begin_off(); on('demo') }
# No moment without a default: what is in the clear then is a finding.
sub begin_standing { on('demo') }

# By its end one of the two stands, or none does, if only the keeper looks.
sub keeper_settles {
	my (@may) = @_;
	my @saw;
	return '' if soon(15, sub { keepers_look(); @saw = map { $_->() } @may; grep { !$_ } @saw });
	return "the keeper leaves: @saw";
}

my %after = (
	on => [sub { on_finishes('other') }, \&off_removes, sub { keeper_settles(\&as_now, sub { is_default('demo') }) }],
	switch => [sub { on_finishes('demo') }, sub { on_finishes('other') }, sub { keeper_settles(map { my $v = $_; sub { is_default($v) } } qw(demo other)) }],
	off => [sub { on_finishes('other') }, \&off_removes, sub { keeper_settles(\&as_now, sub { is_default('demo') }) }],
);

sub default_kind {
	my ($name, $reset, $to) = @_;
	my @goes_on = @{$after{$name}};
	return {
		cmd => [$vpnctl, 'default', '--no-ip', $to],
		reset => $reset,
		turns => 3,
		killed => sub { first($goes_on[$turn++ % 3], $name eq 'switch' ? () : \&off_removes) },
		verdict => sub {
			my ($rc, $out, $err, $point) = @_;
			my $bad = $rc == 124 ? 'hangs' : '';
			my $done = $rc == 0 || $err =~ /cannot write the output/;
			$bad ||= "status $rc and no sentence: $err" if $rc != 0 && !has_sentence('vpnctl', $err, $point);
			# As it says: the same again finishes it.
			$bad ||= on($to) if $err =~ /is the default, but .*the same again/ && ($done = 1);
			$bad ||= $to eq 'none' ? is_as_before() : is_default($to) if $done;
			if (!$done) {
				# Not done, and what is promised for later the keeper does.
				my @may = ($name eq 'on' ? () : sub { is_default('demo') }, $name eq 'switch' ? () : \&as_now);
				$bad ||= $err =~ /soon/ || $name eq 'off' ? keeper_settles(@may) : $name eq 'on' ? is_as_before($point) : $may[0]->();
			}
			$bad ||= off_removes() if $name ne 'switch';
			return $bad ? "$bad ($err)" : $rc == 0 ? 'whole' : 'refused';
		},
		done => $name eq 'switch' ? sub { on('demo') } : \&off,
	};
}

# --- another of a VPN's servers ----------------------------------------------------------------------------

# VPN `many` has the servers demo and other, whose far ends say their own names. One program stays inside from the
# first point to the last, and writes down who answers it.
my $servers = '/etc/vpnrun/many.servers';

sub server_now { my ($rc, $out) = run(30, $vpnctl, 'status', 'many', '--json'); return $out =~ /"server": "(\w+)"/ ? $1 : '' }

# What the kernel ends a moment later is gone soon; what asks beside the tunnel is nobody's next run.
sub no_asking {
	my @left;
	return '' if soon(5, sub { keepers_look(); !(@left = (glob('/run/wireguard/ask*'), grep { slurp("$_/cmdline") =~ /wireguard-go\0.*\bask\d/ } glob '/proc/[0-9]*')) });
	return "left: @left";
}

sub inside_goes_by {
	my ($server) = @_;
	my $since = -s $ENV{FAULT_SENT};
	my $goes = sub {
		open my $f, '<', $ENV{FAULT_SENT} or return 0;
		seek $f, $since, 0;
		return scalar grep { /^$server\b/ } <$f>;
	};
	return "the program inside is gone" if !kill 0, $ENV{FAULT_INSIDE};
	# WireGuard itself may take a while where who asked beside it has taken its session.
	return soon(45, $goes) ? '' : "the program inside does not go by $server";
}

# It is whole by one of these, and so is who is inside.
sub goes_by {
	my (@may) = @_;
	my $now = server_now();
	return "goes by '$now', not by @may" if !grep { $_ eq $now } @may;
	return first(sub { is_whole('many') }, sub { inside_goes_by($now) }, \&no_asking);
}

sub keeper_restores {
	my $saw;
	return soon(30, sub { keepers_look(); !($saw = is_whole('many')) }) ? goes_by(qw(demo other)) : "the keeper leaves: $saw";
}

sub choose_server { my ($to) = @_; unlink "$servers/chosen"; symlink "$to.conf", "$servers/chosen" or die "$servers: $!" }

sub begin_server {
	my ($chosen) = @_;
	ctl('up', '--no-wait', 'many') if is_whole('many');
	my $bad = server_now() eq 'demo' ? '' : ctl('switch', 'many', 'demo');
	choose_server($chosen);
	return $bad;
}

# Whoever was stranded by one point is not to be a finding of the next ones, too.
my $anew;
sub inside_anew {
	kill 'KILL', $ENV{FAULT_INSIDE};
	unlink "$ENV{FAULT_HOME}/pid";
	$anew = fork // die "fork: $!";
	if (!$anew) {
		open STDOUT, '>>', $ENV{FAULT_SENT};
		exec @as_user, "$bin/bin/vpnrun", 'many', 'sh', '-c', $ENV{FAULT_PROGRAM}, "$bin/tests/net/probe", @ENV{'RIG_WEB4', 'RIG_WEB6_ADDR'};
		exit 127;
	}
	soon(10, sub { slurp("$ENV{FAULT_HOME}/pid") =~ /^(\d+)\n/ && ($ENV{FAULT_INSIDE} = $1) });
}
END { my $rc = $?; kill 'KILL', $ENV{FAULT_INSIDE} if $anew; $? = $rc }

sub server_kind {
	my ($chosen, @cmd) = @_;
	my @goes_on = (
		\&keeper_restores,
		sub { first(sub { ctl('up', '--no-wait', 'many') }, sub { goes_by(qw(demo other)) }) },
		sub { first(sub { ctl('switch', 'many', 'other') }, sub { goes_by('other') }) },
	);
	return {
		cmd => [$vpnctl, @cmd],
		reset => sub { begin_server($chosen) },
		turns => scalar @goes_on,
		mend => \&inside_anew,
		# What was noted and what the record says were two servers; and of one that was killed early nobody had told.
		found => ['0.rename:KILL:2@0', '0.rename:KILL:4@0', '0.fchmod:KILL:2@0'],
		killed => sub { $goes_on[$turn++ % @goes_on]->() },
		verdict => sub {
			my ($rc, $out, $err, $point) = @_;
			my $bad = $rc == 124 ? 'hangs' : '';
			# Nobody reads what the keeper's errand says.
			$bad ||= "status $rc and no sentence: $err" if $rc != 0 && $cmd[0] eq 'switch' && !has_sentence('vpnctl', $err, $point);
			# What it chose could not be noted, and it goes by it all the same.
			my $done = $rc == 0 || $err =~ m{cannot write (the output|$servers/chosen)};
			$bad ||= goes_by($done ? 'other' : 'demo');
			return $bad ? "$bad ($err)" : $rc == 0 ? 'whole' : 'refused';
		},
	};
}

# --- files ------------------------------------------------------------------------------------------------

# A command that writes files: what it wrote is all there or not at all, and can be written again.
sub files {
	my (%k) = @_;
	my ($clean, $made);
	my $as = $k{as} // [];
	my $undo = sub { quiet(@$as, @{$k{undo}}) };
	# A shell looks further where one directory of PATH cannot be searched. An empty file that could not be
	# locked is the next run's.
	my $now = sub { join("\n", map { Look::tree($_) } @{$k{trees}}) =~ s{/usr/bin/}{/bin/}gr =~ s{^\S+\.new \d+ $}{}gmr =~ s{\n\n+}{\n}gr };
	my $again = sub {
		my $bad = quiet(@$as, @{$k{cmd}});
		return $bad if $bad && $bad !~ $k{there};
		return $now->() eq $made ? '' : 'again: ' . difference($made, $now->());
	};
	my $undone = sub {
		my $bad = $undo->();
		return $bad if $bad;
		return $now->() eq $clean ? '' : 'left: ' . difference($clean, $now->());
	};
	return {
		as => $as,
		cmd => $k{cmd},
		reset => sub {
			$k{begin}->() if $k{begin} && !defined $clean;
			if (!defined $clean) {
				# The directories that it makes may stay.
				quiet(@$as, @{$k{cmd}});
				$undo->();
				$clean = $now->();
				quiet(@$as, @{$k{cmd}});
				$made = $now->();
				$undo->();
				die "@{$k{cmd}}: writes nothing\n" if $made eq $clean;
			}
			$undo->() if $now->() ne $clean;
		},
		turns => 2,
		killed => sub { first($turn++ % 2 ? $again : (), $undone) },
		verdict => sub {
			my ($rc, $out, $err, $point) = @_;
			my $bad = $rc == 124 ? 'hangs' : '';
			$bad ||= "status $rc and no sentence: $err" if $rc != 0 && !has_sentence('vpnctl', $err, $point);
			my $is = $now->();
			my $done = $rc == 0 || $err =~ /cannot write the output/;
			# What else is there is looked at below.
			$bad ||= 'not whole: ' . difference($made, $is) if $done && difference($made, $is) =~ /^- /;
			$bad ||= 'left: ' . difference($clean, $is) if !$done && $is ne $clean && !$k{partly};
			$bad ||= $again->() if !$done && $k{partly};
			$bad ||= $undone->();
			return $bad ? "$bad ($err)" : $rc == 0 ? 'whole' : 'refused';
		},
	};
}

sub write_unit {
	mkdir $_ for '/etc/systemd', '/etc/systemd/system';
	put('/etc/systemd/system/fetcher.service', "[Service]\nExecStart=/bin/true\n");
}

# Of the user's own and of the system's, so that some are put aside and some are only hidden.
sub write_starters {
	my $home = $ENV{FAULT_HOME};
	my $uid = (stat $home)[4];
	my %own = (
		"$home/.config/autostart/curl.desktop" => "[Desktop Entry]\nType=Application\nName=C\nExec=/usr/bin/curl x\n",
		"$home/.config/systemd/user/get.service" => "[Service]\nExecStart=/usr/bin/curl x\n",
		"$home/.local/share/dbus-1/services/org.curl.service" => "[D-BUS Service]\nName=org.curl\nExec=/usr/bin/curl x\n",
	);
	for my $f (sort keys %own) {
		(my $dir = $f) =~ s{/[^/]*$}{};
		system 'mkdir', '-p', $dir;
		put($f, $own{$f});
	}
	system 'chown', '-R', $uid, "$home/.config", "$home/.local";
}

our %kinds = (
	up => life(sub { begin_down('demo') }, 'up', '--no-wait', 'demo'),
	down => life(sub { begin_up('demo') }, 'down', '--force', 'demo'),
	restart => life(sub { begin_up('demo') }, 'restart', '--no-wait', 'demo'),
	# One whose way out is the uplink, beside the machine's default; control.t writes its file.
	direct => {%{life(sub { begin_down('direct') }, 'up', '--no-wait', 'direct')}, done => sub { on('demo') }},
	'direct-down' => {%{life(sub { begin_up('direct') }, 'down', '--force', 'direct')}, done => sub { on('demo') }},
	on => default_kind('on', \&begin_off, 'demo'),
	switch => default_kind('switch', \&begin_standing, 'other'),
	off => default_kind('off', \&begin_on, 'none'),
	server => server_kind('demo', 'switch', 'many', 'other'),
	failover => server_kind('other', 'failover', 'many', 'home'),
	import => files(
		cmd => [$vpnctl, 'import', '--name', 'fresh', '--id', '7', "$dir/conf/psk.conf"],
		# By one of another name.
		undo => ['sh', '-c', "$vpnctl import --name second --id 8 $dir/conf/psk.conf >/dev/null; rm -f /etc/vpnrun/fresh.* /etc/vpnrun/second.*"],
		trees => ['/etc/vpnrun'],
		there => qr/already|exists/,
	),
	wrap => files(
		begin => \&write_starters,
		as => [@as_user],
		cmd => [$vpnctl, 'wrap', '--vpn', 'demo', 'curl'],
		undo => ['sh', '-c', "$vpnctl unwrap curl >/dev/null || :"],
		trees => [$ENV{FAULT_HOME}],
		there => qr/^$/,
	),
	confine => files(
		begin => \&write_unit,
		cmd => [$vpnctl, 'confine', '--vpn', 'demo', 'fetcher'],
		undo => ['sh', '-c', "$vpnctl release fetcher >/dev/null || :"],
		trees => ['/etc/systemd/system'],
		there => qr/^$/,
	),
	policy => files(
		begin => sub { system 'cp', "$ENV{RIG_TREE}/policy/seccomp/strict.json", "$work/fresh.json" },
		cmd => [$vpnctl, 'policy', 'install', '--name', 'fresh', "$work/fresh.json"],
		# By one of another name; the administrator removes them by hand.
		undo => ['sh', '-c', "$vpnctl policy install --name second $work/fresh.json >/dev/null; rm -f /etc/vpnrun/policy/fresh.bpf /etc/vpnrun/policy/second.bpf"],
		trees => ['/etc/vpnrun'],
		there => qr/^$/,
	),
	oci => files(
		cmd => [$vpnctl, 'oci', 'enable'],
		undo => ['sh', '-c', "$vpnctl oci disable >/dev/null"],
		trees => ['/etc/containers'],
		there => qr/^$/,
	),
);

# The parts of a turn start again for each kind.
sub forget { ($base, $turn, @former) = ('', $_[0]) }
sub set_turn { $turn = $_[0] }

1;
