/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker's two programs give up what they do not need, whoever started them and whether or not
 * systemd has confined them already. Each phase says what may still happen after it. Called by
 * vpnrund.c and vpnrund_plug.c, once, before the first accept(2) and the first request.
 */
#include "box/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/accounts.h"
#include "base/util.h"
#include "box/caps.h"
#include "box/seccomp.h"

/* Should: make sure that no socket of ours ever becomes descriptor 2, where log lines go.
 * Mustn't: touch any other descriptor; those that were handed to us have not been looked at. */
int isolate_stdio(struct err *e)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, -errno, "cannot open /dev/null");
	} while (fd <= STDERR_FILENO);
	if (dup2(fd, STDIN_FILENO) < 0) {
		int r = err_sys(e, -errno, "cannot replace stdin");

		close(fd);
		return r;
	}
	close(fd);
	umask(077);
	if (chdir("/") < 0)
		return err_sys(e, -errno, "cannot change to /");
	return 0;
}

/* Should: leave stdio, the listening socket and the two of readiness. Mustn't: leave anything that
 * whoever started us forgot to close, for every connection's child would inherit it. */
int isolate_fds(const int *keep, size_t n, struct err *e)
{
	unsigned int from = STDERR_FILENO + 1;

	for (;;) {
		unsigned int next = ~0u;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from &&
			    (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next > from && close_range(from, next == ~0u ? next : next - 1, 0) < 0)
			return err_sys(e, -errno, "cannot close inherited descriptors");
		if (next == ~0u)
			return 0;
		from = next + 1;
	}
}

/* Should: never leave a core with other people's requests in it; have room for waiting clients. */
int isolate_limits(unsigned int n, struct err *e)
{
	struct rlimit none = {0, 0};
	struct rlimit files;

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_sys(e, -errno, "cannot forbid core files");
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, -errno, "cannot read the limit of open files");
	if (files.rlim_max > n)
		files.rlim_max = n;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_sys(e, -errno, "cannot set the limit of open files");
	return 0;
}

/* Needs CAP_SETPCAP. Started by systemd as an ordinary user we have not got it, and then
 * no_new_privs alone must keep what an exec could give; nothing is executed by then. */
static int shut_ways_back(unsigned long more, struct err *e)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | more;

	if (!box_caps_has(CAP_SETPCAP))
		return 0;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(e, -errno,
				       "cannot drop capability %lu from the bounding set", cap);
	/* NO_SETUID_FIXUP also keeps the capabilities over the change of user that follows. */
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot lock the secure bits");
	return 0;
}

/* Should: be nobody else's user: what runs as it could signal the broker. Mustn't: leave a
 * supplementary group, or a saved id to return by. */
static int become_user(struct err *e)
{
	AUTO_ACCOUNTS struct accounts a = {.passwd = NULL};
	int r = accounts_load(&a, e);
	uint32_t ids[2];
	uid_t uid;
	gid_t gid;

	if (r < 0)
		return r;
	if (!accounts_find_user(&a, ISOLATE_USER, ids))
		return err_set(e, -ENOENT,
			       "there is no user '" ISOLATE_USER
			       "' in /etc/passwd for the broker to "
			       "become: make it with `systemd-sysusers` or `useradd --system "
			       "--user-group --shell /usr/sbin/nologin " ISOLATE_USER "`");
	uid = ids[0];
	gid = ids[1];
	if (uid == 0)
		return err_set(e, -EPERM,
			       "user '" ISOLATE_USER "' is root: the broker must not be");
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_sys(e, -errno, "cannot become user '" ISOLATE_USER "'");
	return 0;
}

/* What NO_SETUID_FIXUP kept is gone by now, or root would be back by one call. */
static int check_user(struct err *e)
{
	if (setresuid(0, 0, 0) == 0)
		return err_set(e, -EPERM, "the broker could become root again: refusing to serve");
	return 0;
}

/* Should: end without a capability in any set. Mustn't: go on as root, whatever fails. */
int isolate_privileges(struct err *e)
{
	bool root = getuid() == 0 || geteuid() == 0;
	int r;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot clear the ambient capabilities");
	r = shut_ways_back(SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, e);
	if (r == 0 && root)
		r = become_user(e);
	if (r == 0)
		r = box_caps_keep(0, e);
	return r < 0 ? r : check_user(e);
}

/* Should: leave the program that is executed next ISOLATE_CAP alone, as another user than root.
 * Mustn't: leave it a way to more. */
int isolate_for_plugger(struct err *e)
{
	bool root = getuid() == 0 || geteuid() == 0;
	int r = 0;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot clear the ambient capabilities");
	/* While it is in the bounding set: nothing else becomes inheritable. */
	r = box_caps_hand_on(ISOLATE_CAP, e);
	if (r == 0)
		r = shut_ways_back(0, e);
	if (r == 0 && root)
		r = become_user(e);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_sys(e, -errno, "cannot set no_new_privs");
	return r;
}

/* Should: be last, the filter knows only what serving needs. Mustn't: be skipped, there is no
 * option for it. */
int isolate_lock(const struct sock_filter *filter, size_t n, struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot set no_new_privs");
	/* Nor may another process of the same user look into it or take its capability. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot make the broker not dumpable");
	return box_seccomp_load_program(filter, n, e);
}
