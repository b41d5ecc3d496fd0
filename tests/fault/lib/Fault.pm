# SPDX-License-Identifier: GPL-2.0-or-later
# What all kinds share: commands with a time limit, and the points at which they are struck. A point is
# P.CALL:WHAT:N: the Nth CALL of process P (0 is the command itself) fails with the error WHAT, or is
# where the process is killed, if WHAT is KILL.
package Fault;
use strict;
use warnings;
use Errno ();
use Exporter 'import';
use Time::HiRes 'time';
our @EXPORT = qw($dir $work $bin @as_user $layout run quiet slurp put soon points_of strike is_kill errors_of has_sentence has_aborted);

our $dir = $ENV{RIG_DIR} // die "runs in the rig\n";
our $work = "$dir/fault";
our $layout = $ENV{RIG_LAYOUT} // 'netns';
our $bin = "$dir/build";
our @as_user = ('setpriv', '--reuid', $ENV{RIG_UID}, '--regid', $ENV{RIG_UID}, '--clear-groups', '--inh-caps=-all',
	'env', '-u', 'SUDO_UID', "HOME=$ENV{FAULT_HOME}");
mkdir $work;
chmod 01777, $work;

sub slurp { open my $f, '<', $_[0] or return ''; local $/; <$f> // '' }

sub put {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f;
}

# run TIMEOUT, COMMAND...: status, standard output, standard error
sub run {
	my ($limit, @cmd) = @_;
	my ($out, $err) = ("$work/out", "$work/err");
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN, '<', $ENV{FAULT_STDIN} // '/dev/null';
		open STDOUT, '>', $out;
		open STDERR, '>', $err;
		exec 'timeout', '-k', '5', $limit, @cmd;
		exit 127;
	}
	waitpid $pid, 0;
	return ($? & 127 ? 128 + ($? & 127) : $? >> 8, slurp($out), slurp($err));
}

# quiet COMMAND...: '' if it succeeds, else what it said
sub quiet {
	my ($rc, $out, $err) = run(60, @_);
	return $rc == 0 ? '' : "@_: status $rc: " . ($err || $out || 'no word');
}

# soon SECONDS, SUB: has it become true?
sub soon {
	my ($seconds, $is) = @_;
	my $end = time + $seconds * ($ENV{RIG_SLOW_FACTOR} // 1);
	until ($is->()) {
		return 0 if time > $end;
		select undef, undef, undef, 0.02;
	}
	return 1;
}

# A refusal names its program, unless it is the loader's, who may die of it, or its word itself could not be written.
sub has_sentence {
	my ($program, $err, $point) = @_;
	return $err =~ /^\Q$program\E: \S.* |while loading shared libraries|cannot allocate TLS/m || $point =~ /\.(writev?|mmap):/;
}

# It could not get back to the namespace that it had come from, where its undo would be somebody else's loss: it says
# so and ends at once, and what it leaves is judged as if it had been killed.
sub has_aborted { my ($rc, $err) = @_; return $rc == 134 && $err =~ /: cannot return to the own network namespace: \S/ }

# What a call of the kernel's can say. A failure that cannot happen proves nothing.
my %errors = (
	openat => ['EMFILE', 'EIO'], open => ['EMFILE', 'EIO'], read => ['EIO'], pread64 => ['EIO'], write => ['EIO', 'ENOSPC'],
	writev => ['EIO'], close => ['EIO'], mount => ['EPERM', 'ENOSPC'], unshare => ['EPERM', 'ENOSPC'],
	socket => ['EMFILE', 'EPERM'], sendto => ['ENOBUFS'], sendmsg => ['ENOBUFS'], recvmsg => ['ENOBUFS'], recvfrom => ['ENOBUFS'],
	connect => ['ECONNREFUSED', 'EAGAIN'], prctl => ['EPERM'], seccomp => ['EINVAL'], capset => ['EPERM'], capget => ['EPERM'],
	readlink => ['EACCES'], readlinkat => ['EACCES'], mkdir => ['ENOSPC'], mkdirat => ['ENOSPC'], access => ['EACCES'],
	newfstatat => ['EIO', 'ENOMEM'], statx => ['EIO', 'ENOMEM'], flock => ['ENOLCK'], ftruncate => ['EIO'], fsync => ['EIO'],
	rename => ['ENOSPC'], renameat2 => ['ENOSPC'], link => ['EROFS'], linkat => ['EROFS'], unlink => ['EROFS'], unlinkat => ['EROFS'],
	rmdir => ['EROFS'], umount2 => ['EPERM'], fchmod => ['EROFS'], fchown => ['EROFS'], chmod => ['EROFS'], chown => ['EROFS'],
	landlock_create_ruleset => ['EMFILE', 'ENOMEM'], fstat => ['EIO'], statfs => ['EIO'], fstatfs => ['EIO'], getdents64 => ['EIO'],
	ioctl => ['EPERM'], poll => ['ENOMEM'], ppoll => ['ENOMEM'], chdir => ['EACCES'], dup => ['EMFILE'], dup2 => ['EMFILE'],
	dup3 => ['EMFILE'], fcntl => ['EBADF'], clone => ['EAGAIN'], clone3 => ['EAGAIN'], fork => ['EAGAIN'], vfork => ['EAGAIN'],
	pipe2 => ['EMFILE'], socketpair => ['EMFILE'], pidfd_open => ['EMFILE'], pidfd_send_signal => ['EPERM'], kill => ['EPERM'],
	mmap => ['ENOMEM'], brk => [], execve => [], exit_group => [], exit => [], rt_sigaction => ['EINVAL'], rt_sigprocmask => ['EINVAL'],
	getpid => [], gettid => [], geteuid => [], getuid => [], getegid => [], getgid => [], getppid => [], umask => [],
	arch_prctl => [], set_tid_address => [], set_robust_list => [], rseq => [], futex => [], clock_gettime => [], restart_syscall => [],
	sched_yield => [], wait4 => [], waitid => [], rt_sigreturn => [], getrandom => ['EAGAIN'], prlimit64 => ['EPERM'], munmap => [],
	mprotect => [], epoll_wait => [], epoll_pwait => [], setsockopt => ['ENOPROTOOPT'], getsockopt => ['ENOPROTOOPT'],
	bind => ['EADDRINUSE'], listen => ['EADDRINUSE'], setsid => [], uname => [], sysinfo => [], clock_nanosleep => [],
	getsockname => [], getcwd => [], lseek => [], madvise => [], pause => [], alarm => [], setitimer => [],
);
sub errors_of { @{$errors{$_[0]} // ['EPERM', 'ENOMEM']} }

sub is_kill { $_[0] =~ /:KILL:/ }

# strike LOG, POINT: the words that strike there; without POINT: that list.
sub strike {
	my ($log, $point, @more) = @_;
	my @words = ("$bin/tests/fault/strike", @more, '-o', $log);
	return (@words, '--') if !defined $point;
	my ($p, $call, $what, $n) = $point =~ /^(\d+)\.(\w+):(\w+):(\d+)(?:@\d+)?$/ or die "no point: $point\n";
	my $error = $what eq 'KILL' ? undef : Errno->can($what) // die "no error: $what\n";
	return (@words, '-p', $p, '-s', $call, '-n', $n, $error ? ('-e', $error->()) : '-k', '--');
}

# points_of LOG: of each call its errors, and KILL where the call before it changed something.
sub points_of {
	my ($log, %no) = @_;
	my (%n, %dirty, @points);
	for my $line (split /\n/, slurp($log)) {
		my ($p, $call, $pure) = $line =~ /^(\d+) (\w+)( =)?$/ or next;
		my $n = ++$n{"$p.$call"};
		push @points, "$p.$call:KILL:$n" if $dirty{$p} // 1;
		$dirty{$p} = !$pure;
		push @points, map { "$p.$call:$_:$n" } errors_of($call) if !$no{$call};
	}
	return @points;
}

1;
