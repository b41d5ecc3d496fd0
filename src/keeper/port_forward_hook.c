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

#include "base/log.h"
#include "base/util.h"
#include "tunnel/supervise_lock.h"

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

__attribute__((noreturn)) static void run_child(struct forwarder *f, const struct passwd *pw)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char home[256], user[64], logname[64], vpn[32], tcp[8], udp[8];
	char *envp[] = {path, home, user, logname, vpn, NULL};
	char *argv[] = {f->record.hook_command, tcp, f->ports[0] == f->ports[1] ? NULL : udp, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	str_fmt(tcp, sizeof(tcp), "%u", f->ports[0]);
	str_fmt(udp, sizeof(udp), "%u", f->ports[1]);
	if (str_fmt(home, sizeof(home), "HOME=%s", pw->pw_dir) < 0 ||
	    str_fmt(user, sizeof(user), "USER=%s", pw->pw_name) < 0 ||
	    str_fmt(logname, sizeof(logname), "LOGNAME=%s", pw->pw_name) < 0 ||
	    str_fmt(vpn, sizeof(vpn), "VPNRUN_VPN=%s", f->name) < 0)
		_exit(127);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    syscall(SYS_close_range, 3, ~0u, 0) < 0 || become(pw) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(127);
	if (chdir(pw->pw_dir) < 0 && chdir("/") < 0)
		_exit(127);
	umask(022);
	execve(f->record.hook_command, argv, envp);
	_exit(127);
}

void forward_hook_run(struct forwarder *f)
{
	const struct passwd *pw;

	if (!f->record.hook_user[0])
		return;
	if (f->hook) {
		f->hook_again = true;
		return;
	}
	pw = getpwnam(f->record.hook_user);
	if (!pw || pw->pw_uid == 0) {
		log_error("%s: the hook of the forwarded port is not run: there is no ordinary "
			  "user '%s'",
			  f->name, f->record.hook_user);
		return;
	}
	f->hook = fork();
	if (f->hook == 0)
		run_child(f, pw);
	if (f->hook < 0) {
		log_error("%s: cannot start %s: %s", f->name, f->record.hook_command,
			  strerror(errno));
		f->hook = 0;
		return;
	}
	f->hook_fd = supervise_pidfd(f->hook);
	f->hook_until = util_now_ms() + HOOK_MS;
}

void forward_hook_end(struct forwarder *f, bool again)
{
	int status = 0;

	if (!f->hook)
		return;
	/* Not waited for yet: the number, and the session of that number, are ours. */
	if (f->hook_fd < 0 || !supervise_wait_pidfd(f->hook_fd, 0))
		kill(-f->hook, SIGKILL);
	kill(f->hook, SIGKILL);
	waitpid(f->hook, &status, 0);
	if (WIFSIGNALED(status))
		log_error("%s: %s was killed by signal %d (it has %d s)", f->name,
			  f->record.hook_command, WTERMSIG(status), HOOK_MS / 1000);
	else if (WEXITSTATUS(status))
		log_error("%s: %s ended with status %d%s", f->name, f->record.hook_command,
			  WEXITSTATUS(status),
			  WEXITSTATUS(status) == 127 ? " (may that user execute it?)" : "");
	f->hook = 0;
	util_close(&f->hook_fd);
	if (again && f->hook_again) {
		f->hook_again = false;
		forward_hook_run(f);
	}
}
