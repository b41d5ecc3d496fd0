/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strike [-x] [-o FILE] [-p P -s NAME -n N (-k | -e ERROR)] COMMAND...: runs COMMAND and lists the
 * system calls that it makes, or strikes one of them.
 *
 * A call is named by who makes it (P: 0 is the command itself, 1 the first process or thread that
 * is born, and so on), by its name and by its number among the calls of that name. -k kills the
 * process as it makes the call; -e lets the call fail with ERROR (a number) without being made, but
 * for close, which is made all the same. A
 * process that becomes another program is left alone from there on, unless -x says to stay with it;
 * of the command itself, the program that is started first is the one that is meant. What outlives
 * the command is left alone when the command ends.
 *
 * FILE gets a line "P NAME" for each call, with a "=" behind those that change nothing that a
 * killed process leaves behind: killed before the next call is then killed before this one. A
 * strike writes "struck P NAME" in their place. Ends as the command does, 128 + N by signal N; 3 if
 * it cannot.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCS_MAX 256
#define CALLS_MAX 1024

struct proc {
	pid_t pid;
	int number;
	int execs;
	bool is_failing; /* between the entry and the exit of the call that was struck */
};

static struct proc procs[PROCS_MAX];
static int n_procs, born;
static FILE *out;

static int want_proc = -1, want_call = -1, want_n, seen;
static int error; /* 0: kill */
static bool follow_exec;
static bool is_struck;

static const char *const pure[] = {
	"access",
	"arch_prctl",
	"bind",
	"brk",
	"capget",
	"capset",
	"chdir",
	"clock_gettime",
	"clock_nanosleep",
	"close",
	"close_range",
	"connect",
	"dup",
	"dup2",
	"dup3",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"eventfd2",
	"faccessat",
	"faccessat2",
	"fcntl",
	"flock",
	"fstat",
	"fstatfs",
	"futex",
	"getcwd",
	"getdents64",
	"getegid",
	"geteuid",
	"getgid",
	"getgroups",
	"getpeername",
	"getpid",
	"getppid",
	"getrandom",
	"getsockname",
	"getsockopt",
	"gettid",
	"getuid",
	"inotify_add_watch",
	"inotify_init1",
	"landlock_add_rule",
	"landlock_create_ruleset",
	"landlock_restrict_self",
	"listen",
	"lseek",
	"lstat",
	"madvise",
	"mmap",
	"mprotect",
	"mremap",
	"munmap",
	"newfstatat",
	"pidfd_open",
	"pipe2",
	"poll",
	"ppoll",
	"prctl",
	"pread64",
	"prlimit64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"recvfrom",
	"recvmsg",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sched_getaffinity",
	"sched_yield",
	"seccomp",
	"set_robust_list",
	"set_tid_address",
	"setns",
	"setsockopt",
	"signalfd4",
	"socket",
	"socketpair",
	"stat",
	"statfs",
	"statx",
	"sysinfo",
	"timerfd_create",
	"timerfd_settime",
	"umask",
	"uname",
	"wait4",
	"waitid",
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "strike: cannot %s: %s\n", what, strerror(errno));
	exit(3);
}

/* A question to the kernel's tables changes none of them. */
static bool is_question(pid_t pid, const struct __ptrace_syscall_info *i)
{
	struct nlmsghdr h;
	struct iovec here = {&h, sizeof(h)},
		     there = {(void *)(uintptr_t)i->entry.args[1], sizeof(h)};

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof(h))
		return false;
	return h.nlmsg_len <= i->entry.args[2] && (h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP &&
	       !(h.nlmsg_flags & NLM_F_CREATE);
}

static bool is_pure(const char *name, pid_t pid, const struct __ptrace_syscall_info *i)
{
	const uint64_t changes = O_CREAT | O_TRUNC;

	for (size_t k = 0; k < sizeof(pure) / sizeof(*pure); k++)
		if (strcmp(pure[k], name) == 0)
			return true;
	if (strcmp(name, "openat") == 0)
		return !(i->entry.args[2] & changes);
	if (strcmp(name, "open") == 0)
		return !(i->entry.args[1] & changes);
	return strcmp(name, "sendto") == 0 && is_question(pid, i);
}

static struct proc *proc_find(pid_t pid)
{
	for (int i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	return NULL;
}

static struct proc *proc_add(pid_t pid)
{
	if (n_procs == PROCS_MAX) {
		fprintf(stderr, "strike: too many processes\n");
		exit(3);
	}
	procs[n_procs] = (struct proc){.pid = pid, .number = born++};
	return &procs[n_procs++];
}

static void proc_forget(pid_t pid)
{
	struct proc *p = proc_find(pid);

	if (p)
		*p = procs[--n_procs];
}

#ifdef __x86_64__
static void call_prevent(pid_t pid)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1L) < 0)
		die("take the call away");
}

static void call_fail(pid_t pid)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), -(long)error) < 0)
		die("let the call fail");
}
#else
static void call_prevent(pid_t pid)
{
	(void)pid;
	errno = ENOSYS;
	die("let calls fail on this machine");
}

static void call_fail(pid_t pid)
{
	call_prevent(pid);
}
#endif

/* False: the process is dead. */
static bool on_entry(struct proc *p, const struct __ptrace_syscall_info *i)
{
	int nr = (int)i->entry.nr;
	char *name;

	if (is_struck)
		return true;
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
	if (p->number == want_proc && nr == want_call && ++seen == want_n) {
		is_struck = true;
		fprintf(out, "struck %d %s\n", p->number, name ? name : "?");
		fflush(out);
		free(name);
		if (!error)
			return kill(p->pid, SIGKILL) < 0;
		/* The kernel closes whatever it says of it: a descriptor that stays is no failure.
		 */
		if (nr != SCMP_SYS(close))
			call_prevent(p->pid);
		p->is_failing = true;
		return true;
	}
	if (want_proc < 0 && name)
		fprintf(out, "%d %s%s\n", p->number, name, is_pure(name, p->pid, i) ? " =" : "");
	free(name);
	return true;
}

/* False: the process is dead. */
static bool on_call(struct proc *p)
{
	struct __ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(i), &i) < 0)
		return true;
	/* Before the program that is meant there is nothing to see. */
	if (p->number == 0 && p->execs == 0)
		return true;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		return on_entry(p, &i);
	if (i.op == PTRACE_SYSCALL_INFO_EXIT && p->is_failing) {
		call_fail(p->pid);
		p->is_failing = false;
	}
	return true;
}

/* Is it still ours? */
static bool on_exec(struct proc *p)
{
	p->execs++;
	if (follow_exec || (p->number == 0 && p->execs == 1))
		return true;
	ptrace(PTRACE_DETACH, p->pid, 0, 0);
	proc_forget(p->pid);
	return false;
}

static void on_stop(pid_t pid, int status)
{
	struct proc *p = proc_find(pid);
	int sig = WSTOPSIG(status), event = status >> 16;

	if (!p)
		p = proc_add(pid);
	if (sig == (SIGTRAP | 0x80)) {
		if (!on_call(p))
			return;
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && (sig == SIGSTOP || sig == SIGTSTP)) {
		/* A process that is stopped stays so. */
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	} else if (event == PTRACE_EVENT_EXEC) {
		if (!on_exec(p))
			return;
		sig = 0;
	} else if (event) {
		unsigned long child;

		/* Numbers are given as they are born, not as they are first seen. */
		if (event != PTRACE_EVENT_STOP && ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) == 0 &&
		    !proc_find((pid_t)child))
			proc_add((pid_t)child);
		sig = 0;
	}
	ptrace(is_struck && !p->is_failing ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, sig);
}

static int watch(pid_t main_pid)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("wait");
		if (WIFSTOPPED(status)) {
			on_stop(pid, status);
			continue;
		}
		proc_forget(pid);
		if (pid == main_pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static pid_t start(char **command)
{
	const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
				      PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
				      PTRACE_O_TRACEEXEC;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		raise(SIGSTOP);
		fclose(out);
		execvp(*command, command);
		die("execute the command");
	}
	if (waitpid(pid, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		die("start the command");
	proc_add(pid);
	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0)
		die("trace");
	kill(pid, SIGCONT);
	return pid;
}

int main(int argc, char **argv)
{
	int c;

	out = stdout;
	while ((c = getopt(argc, argv, "+xko:p:s:n:e:")) >= 0) {
		switch (c) {
		case 'x':
			follow_exec = true;
			break;
		case 'k':
			error = 0;
			break;
		case 'o':
			out = fopen(optarg, "we");
			break;
		case 'p':
			want_proc = atoi(optarg);
			break;
		case 's':
			want_call = seccomp_syscall_resolve_name(optarg);
			break;
		case 'n':
			want_n = atoi(optarg);
			break;
		case 'e':
			error = atoi(optarg);
			break;
		default:
			return 3;
		}
	}
	if (!out)
		die("write the list");
	if (optind == argc || (want_proc >= 0 && (want_call < 0 || want_n < 1))) {
		fprintf(stderr, "strike: what, and which command?\n");
		return 3;
	}
	/* Whoever ends the command ends it by its group: the list is still to be written. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	c = watch(start(argv + optind));
	return fflush(out) == 0 ? c : 3;
}
