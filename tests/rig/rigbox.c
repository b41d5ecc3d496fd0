// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walls of the rig. `rigbox run PROGRAM ARG…` gives PROGRAM its own mount, network, UTS and
 * process namespaces and ends as PROGRAM ends; `rigbox netns PATH…` makes more network namespaces
 * and binds them to the files PATH; `rigbox daemon PATH PROGRAM ARG…` leaves a program at work in
 * one. Called by tests/rig/rig and tests/rig/inside.
 *
 * Everything the rig starts lives below one process-namespace init: when that dies, by whatever
 * cause, the kernel kills the rest and the namespaces and mounts go with them. Nothing in here may
 * act on the namespaces it was started in.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_RIG 125 /* the rig's own failure, as the launcher's */

static void die(const char *what)
{
	fprintf(stderr, "rig: cannot %s: %s\n", what, strerror(errno));
	exit(EXIT_RIG);
}

static int status_to_exit(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Process 1 of the rig: reaps whatever is orphaned and ends with the main program's status. As an
 * init it is deaf to signals without a handler, so that Ctrl-C at the terminal is CMD's to answer.
 */
static void be_init(char **argv, const sigset_t *mask, int alive)
{
	struct pollfd parent = {.fd = alive, .events = POLLIN};
	pid_t main_pid;
	int status;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("tie the rig to its parent");
	/* The parent may have died before that. */
	if (poll(&parent, 1, 0) > 0)
		_exit(EXIT_RIG);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		die("mount the rig's own /proc");

	main_pid = fork();
	if (main_pid < 0)
		die("fork");
	if (main_pid == 0) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		execvp(argv[0], argv);
		fprintf(stderr, "rig: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);

		if (pid == main_pid)
			_exit(status_to_exit(status));
		if (pid < 0 && errno != EINTR)
			_exit(EXIT_RIG);
	}
}

/*
 * Waits for the init. A signal that the terminal sent went to CMD too and is CMD's business; one
 * that somebody sent to this process means "end the rig".
 */
static void wait_for_init(pid_t init, const sigset_t *watched)
{
	int ended_by = 0;

	for (;;) {
		siginfo_t info;
		int sig = sigwaitinfo(watched, &info);
		int status;

		if (sig < 0)
			continue;
		if (sig == SIGCHLD) {
			if (waitpid(init, &status, WNOHANG) != init)
				continue;
			if (!ended_by)
				exit(status_to_exit(status));
			signal(ended_by, SIG_DFL);
			raise(ended_by);
			sigprocmask(SIG_UNBLOCK, watched, NULL);
			exit(128 + ended_by);
		}
		if ((sig == SIGINT || sig == SIGQUIT) && info.si_code == SI_KERNEL)
			continue;
		ended_by = sig;
		kill(init, SIGKILL);
	}
}

static int run(char **argv)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	sigset_t watched, old;
	int alive[2];
	pid_t init;

	sigemptyset(&watched);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&watched, signals[i]);
	sigprocmask(SIG_BLOCK, &watched, &old);

	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS) < 0)
		die("make namespaces (are you root?)");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("make the mounts private");
	if (sethostname("rig", 3) < 0)
		die("set the host's name");
	if (pipe2(alive, O_CLOEXEC) < 0)
		die("make a pipe");
	init = fork();
	if (init < 0)
		die("fork");
	if (init == 0) {
		close(alive[1]);
		be_init(argv, &old, alive[0]);
	}
	close(alive[0]);
	wait_for_init(init, &watched);
	return EXIT_RIG;
}

/* A kernel without IPv6 has no such file, and needs none. */
static void sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, 1) != 1)
		die("set a sysctl");
	close(fd);
}

/* Those after "-r" forward. Without duplicate address detection an address works at once. */
static int netns(char **paths)
{
	int router = 0;

	for (; *paths; paths++) {
		int fd;

		if (!strcmp(*paths, "-r")) {
			router = 1;
			continue;
		}
		fd = open(*paths, O_CREAT | O_EXCL | O_CLOEXEC | O_RDONLY, 0444);
		if (fd < 0)
			die("create a file for a namespace");
		close(fd);
		if (unshare(CLONE_NEWNET) < 0)
			die("make a network namespace");
		sysctl("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
		if (router) {
			sysctl("/proc/sys/net/ipv4/ip_forward", "1");
			sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
		}
		if (mount("/proc/self/ns/net", *paths, NULL, MS_BIND, NULL) < 0)
			die("bind a network namespace");
	}
	return 0;
}

/*
 * Runs a program in the namespace at path ("-": here), as a child of the init and in a session of
 * its own: CMD must not find children that it never had, nor the terminal's Ctrl-C reach it.
 */
static int daemon_in(const char *path, char **argv)
{
	pid_t pid;

	if (strcmp(path, "-")) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
			die("enter a network namespace");
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return 0;
	setsid();
	execvp(argv[0], argv);
	die("run a daemon");
	return EXIT_RIG;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "netns"))
		return netns(argv + 2);
	if (argc >= 4 && !strcmp(argv[1], "daemon"))
		return daemon_in(argv[2], argv + 3);
	fprintf(stderr, "usage: rigbox run PROGRAM [ARG...] | netns PATH... [-r PATH...] |\n"
			"       daemon PATH|- PROGRAM [ARG...]\n");
	return 2;
}
