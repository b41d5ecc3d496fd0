/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the owner of a sandbox can always do from outside: enter its user and network namespace,
 * where the owner has every capability, and run a command that keeps them.
 *
 *   reenter PID CMD...
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

static int enter(const char *pid, const char *ns, int flag)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, flag) < 0) {
		perror(path);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	char path[64];
	int net;

	if (argc < 3) {
		fputs("usage: reenter PID CMD...\n", stderr);
		return 2;
	}
	snprintf(path, sizeof(path), "/proc/%s/ns/net", argv[1]);
	net = open(path, O_RDONLY | O_CLOEXEC);
	if (enter(argv[1], "user", CLONE_NEWUSER) < 0)
		return 1;
	if (net < 0 || setns(net, CLONE_NEWNET) < 0) {
		perror(path);
		return 1;
	}
	for (int c = 0; c <= CAP_LAST_CAP; c++) {
		cap_t caps = cap_get_proc();
		cap_value_t v = (cap_value_t)c;

		if (!caps)
			return 1;
		cap_set_flag(caps, CAP_INHERITABLE, 1, &v, CAP_SET);
		cap_set_proc(caps);
		cap_free(caps);
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0);
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
