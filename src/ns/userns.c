/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall around a sandbox: in a user namespace of its own, a program can neither trace the user's
 * other programs nor look into their /proc. Must never map more than the caller's own ids. Called
 * by the launcher.
 *
 * Distributions forbid unprivileged user namespaces in five ways that all look like "Operation not
 * permitted": explain() tells them apart.
 */
#include "ns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"

static bool sysctl_is(const char *path, char value)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char buf[8];

	return fd >= 0 && read(fd, buf, sizeof(buf)) >= 2 && buf[0] == value && buf[1] == '\n';
}

/* The name of AppArmor's profile that this runs under, if that confines it. */
static bool is_confined(char *ret_profile, size_t room)
{
	AUTO_CLOSE int fd = open("/proc/self/attr/apparmor/current", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_profile, room - 1);
	char *mode;

	if (n <= 0)
		return false;
	ret_profile[n] = '\0';
	mode = strrchr(ret_profile, '(');
	if (!mode || mode - ret_profile < 2 || strncmp(mode, "(unconfined)", 12) == 0)
		return false;
	mode[-1] = '\0';
	return true;
}

static int explain(int code, const char *what, struct err *e)
{
	char profile[64];

	if (access("/proc/self/ns/user", F_OK) < 0)
		return err_set(e, code,
			       "the kernel has no user namespaces (CONFIG_USER_NS): only "
			       "root can use vpnrun on it");
	if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		return err_set(e, code,
			       "user namespaces are forbidden by "
			       "kernel.unprivileged_userns_clone=0; to allow them: sudo sysctl -w "
			       "kernel.unprivileged_userns_clone=1");
	if (sysctl_is("/proc/sys/user/max_user_namespaces", '0'))
		return err_set(e, code,
			       "user namespaces are forbidden by "
			       "user.max_user_namespaces=0; to allow them: sudo sysctl -w "
			       "user.max_user_namespaces=10000");
	if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1') &&
	    (code == -EACCES || code == -EPERM))
		return err_set(e, code,
			       "AppArmor forbids user namespaces to programs without a "
			       "profile (kernel.apparmor_restrict_unprivileged_userns=1); install "
			       "vpnrun's: sudo apparmor_parser -r /etc/apparmor.d/vpnrun");
	/* A container's seccomp policy says EPERM, whatever profile is there, too. */
	if (code == -EACCES && is_confined(profile, sizeof(profile)))
		return err_set(
			e, code,
			"AppArmor's profile '%s', which vpnrun was started under, forbids user "
			"namespaces; allow them in it, or let it start vpnrun under vpnrun's own "
			"(px), which is loaded by: sudo apparmor_parser -r /etc/apparmor.d/vpnrun",
			profile);
	if (code == -ENOSPC || code == -EUSERS)
		return err_set(
			e, code,
			"no more namespaces may be made: a limit of "
			"/proc/sys/user/max_{user,mnt,net}_namespaces is reached, or they are "
			"nested too deep");
	if (code == -EPERM)
		return err_set(e, code,
			       "%s is not permitted: by a container's seccomp policy, a "
			       "chroot or a security module",
			       what);
	return err_sys(e, code, "%s failed", what);
}

static int put(const char *name, const char *text)
{
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (text[len])
		len++;
	return write(fd, text, len) < 0 ? -errno : 0;
}

int ns_userns_enter(int flags, struct err *e)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[32];
	int r;

	if (unshare(CLONE_NEWUSER | flags) < 0)
		return explain(-errno, "making a user namespace", e);
	r = put("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT)
		return explain(r, "configuring the user namespace", e);
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	r = put("/proc/self/uid_map", map);
	if (r < 0)
		return explain(r, "mapping your uid into the user namespace", e);
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	r = put("/proc/self/gid_map", map);
	if (r < 0)
		return explain(r, "mapping your gid into the user namespace", e);
	return 0;
}

static int look(const char *pid, const char *kind, struct stat *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	return stat(path, ret) < 0 ? -errno : 0;
}

/* 0: the process shares our user namespace; 1: it has one that is ours and our child. */
static int check_owner(const char *pid, struct err *e)
{
	struct stat mine, its, above;
	AUTO_CLOSE int fd = -1, parent = -1;
	char path[64];
	uid_t owner;

	if (look("self", "user", &mine) < 0 || look(pid, "user", &its) < 0)
		return err_set(e, -EPERM, "process %s is not yours", pid);
	if (same_stat(&mine, &its))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/ns/user", pid);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -EPERM, "process %s is not yours", pid);
	if (ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
		return err_sys(e, -errno, "cannot ask whose the sandbox of process %s is", pid);
	if (owner != geteuid() && geteuid() != 0)
		return err_set(e, -EPERM, "the sandbox of process %s is another user's", pid);
	parent = ioctl(fd, NS_GET_PARENT);
	if (parent < 0 || fstat(parent, &above) < 0)
		return err_set(e, -EPERM, "process %s is in no sandbox of vpnrun's", pid);
	if (!same_stat(&mine, &above))
		return err_set(e, -EPERM,
			       "process %s made a sandbox of its own inside one; name the program "
			       "that vpnrun started",
			       pid);
	return 1;
}

int ns_userns_join(int pid, struct err *e)
{
	AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = {.fd = pidfd, .events = POLLIN};
	int flags = CLONE_NEWNS | CLONE_NEWNET;
	struct stat mine, its, my_ipc, its_ipc;
	char text[16];
	int r;

	if (pidfd < 0)
		return err_set(e, -ESRCH, "there is no process %d", pid);
	snprintf(text, sizeof(text), "%d", pid);
	r = check_owner(text, e);
	if (r < 0)
		return r;
	if (r == 1)
		flags |= CLONE_NEWUSER;
	else if (geteuid() != 0)
		return err_set(e, -EINVAL, "process %d is not confined by vpnrun", pid);
	if (look("self", "net", &mine) < 0 || look(text, "net", &its) < 0 || same_stat(&mine, &its))
		return err_set(e, -EINVAL, "process %d is not confined by vpnrun", pid);
	/* A strict sandbox has its own; the host's cannot be entered, and need not be. */
	if (look("self", "ipc", &my_ipc) < 0 || look(text, "ipc", &its_ipc) < 0)
		return err_set(e, -EPERM, "process %d is not yours", pid);
	if (!same_stat(&my_ipc, &its_ipc))
		flags |= CLONE_NEWIPC;
	/* All that was asked by number is the pidfd's process only if that is still alive. */
	if (poll(&pfd, 1, 0) != 0)
		return err_set(e, -ESRCH, "process %d has ended", pid);
	/* Once it has dropped its capabilities and before it has become the command, a program of
	 * the sandbox could trace this process, which has descriptors and plans from outside. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot keep the sandbox from tracing vpnrun");
	if (setns(pidfd, flags) < 0)
		return err_sys(e, -errno, "cannot enter the sandbox of process %d", pid);
	/* New credentials put back what fs.suid_dumpable says. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot keep the sandbox from tracing vpnrun");
	return 0;
}
