/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells a user's program of the forwarded port. Must never run it as root, with a descriptor or a
 * word of ours, or for longer than HOOK_MS. Called by keeper/port_forward.c.
 */
#include "keeper/port_forward_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/util.h"

#define HOOK_MS 30000

static int become(const struct passwd *pw)
{
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return -EPERM;
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return -errno;
	return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ? -EPERM : 0;
}

struct hook_errand {
	struct forward_hook *h;
	const struct passwd *pw;
};

static int run_hook(void *arg)
{
	const struct hook_errand *a = arg;
	const struct passwd *pw = a->pw;
	struct forward_hook *h = a->h;

	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char home[256], user[64], logname[64], vpn[32], tcp[8], udp[8];
	char *envp[] = {path, home, user, logname, vpn, NULL};
	char *argv[] = {h->command, tcp, h->ports[0] == h->ports[1] ? NULL : udp, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	str_fmt(tcp, sizeof(tcp), "%u", h->ports[0]);
	str_fmt(udp, sizeof(udp), "%u", h->ports[1]);
	if (str_fmt(home, sizeof(home), "HOME=%s", pw->pw_dir) < 0 ||
	    str_fmt(user, sizeof(user), "USER=%s", pw->pw_name) < 0 ||
	    str_fmt(logname, sizeof(logname), "LOGNAME=%s", pw->pw_name) < 0 ||
	    str_fmt(vpn, sizeof(vpn), "VPNRUN_VPN=%s", h->name) < 0)
		return 127;
	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    syscall(SYS_close_range, 3, ~0u, 0) < 0 || become(pw) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 127;
	if (chdir(pw->pw_dir) < 0 && chdir("/") < 0)
		return 127;
	umask(022);
	execve(h->command, argv, envp);
	return 127;
}

void forward_hook_run(struct forward_hook *h)
{
	struct hook_errand a = {.h = h};
	const struct passwd *pw;
	pid_t pid;

	if (!h->user[0])
		return;
	if (h->pid) {
		h->again = true;
		return;
	}
	pw = getpwnam(h->user);
	if (!pw || pw->pw_uid == 0) {
		log_error("%s: the hook of the forwarded port is not run: there is no ordinary "
			  "user '%s'",
			  h->name, h->user);
		return;
	}
	a.pw = pw;
	pid = child_start(CHILD_PLAIN_SIGNALS, run_hook, &a);
	if (pid < 0) {
		log_error("%s: cannot start %s: %s", h->name, h->command, strerror(-pid));
		return;
	}
	h->pid = pid;
	h->fd = child_pidfd(h->pid);
	h->until = util_now_ms() + HOOK_MS;
}

void forward_hook_end(struct forward_hook *h, bool again)
{
	int status;

	if (!h->pid)
		return;
	/* It is not waited for yet: the number, and the session of that number, are ours. */
	if (h->fd < 0 || !child_wait_pidfd(h->fd, 0))
		kill(-h->pid, SIGKILL);
	kill(h->pid, SIGKILL);
	status = child_reap(h->pid);
	if (WIFSIGNALED(status))
		log_error("%s: %s was killed by signal %d (it has %d s)", h->name, h->command,
			  WTERMSIG(status), HOOK_MS / 1000);
	else if (WEXITSTATUS(status))
		log_error("%s: %s ended with status %d%s", h->name, h->command, WEXITSTATUS(status),
			  WEXITSTATUS(status) == 127 ? " (may that user execute it?)" : "");
	h->pid = 0;
	util_close(&h->fd);
	if (again && h->again) {
		h->again = false;
		forward_hook_run(h);
	}
}
