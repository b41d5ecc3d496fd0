/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See holder.h. Where the program holds a lock of the kernel's, the kernel says who lives; a link
 * that names a process is believed only where there is no such lock, since a crash leaves it, too.
 * Called by running/check.c.
 */
#include "running/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "running/kind.h"

/* Whether that process sits at the same VPN: its default route is what ours will be. */
static bool is_at(pid_t pid, const struct record *r)
{
	struct lease_pool pool = record_pool(r);
	struct in_addr gateway = lease_ip4(&pool, 1);
	AUTO_FREE char *text = NULL;
	char path[40], line[40];

	str_fmt(path, sizeof(path), "/proc/%d/net/route", pid);
	str_fmt(line, sizeof(line), LEASE_CABLE "\t00000000\t%08X", gateway.s_addr);
	return file_read(path, 65536, &text, NULL, NULL) == 0 && strstr(text, line) != NULL;
}

static bool is_in_namespace_of(pid_t pid, pid_t other)
{
	char its[40], others[40];

	str_fmt(its, sizeof(its), "/proc/%d/ns/net", pid);
	str_fmt(others, sizeof(others), "/proc/%d/ns/net", other);
	return same_paths(its, others);
}

bool holder_is_outside(pid_t pid, const struct running_where *w)
{
	if (pid <= 0)
		return true;
	return w->with ? !is_in_namespace_of(pid, w->with) : !w->vpn->id || !is_at(pid, w->vpn);
}

bool holder_exe(pid_t pid, char *ret, size_t size)
{
	static const char gone[] = " (deleted)";
	char link[32];
	ssize_t n;

	str_fmt(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, ret, size - 1);
	if (n < 0)
		return false;
	ret[n] = '\0';
	if ((size_t)n > sizeof(gone) && !strcmp(ret + n - (sizeof(gone) - 1), gone))
		ret[(size_t)n - (sizeof(gone) - 1)] = '\0';
	return true;
}

/* The process that has a record lock on a file, 0: nobody. -errno: that cannot be asked. */
static int lock_owner(const char *path, pid_t *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	*ret = lock.l_type == F_UNLCK ? 0 : lock.l_pid > 0 ? lock.l_pid : HOLDER_UNSEEN;
	return 0;
}

/* The process that a link names as what follows its last mark; host: the part before. 0: none. */
static pid_t read_link(const char *path, char mark, char *host, size_t size)
{
	char target[300];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	uint64_t pid;
	char *at;

	if (n < 0)
		return 0;
	target[n] = '\0';
	at = strrchr(target, mark);
	if (!at || str_uint(at + 1, 2, INT32_MAX, &pid) < 0)
		return 0;
	*at = '\0';
	return host && str_copy(host, size, target) < 0 ? 0 : (pid_t)pid;
}

/* One of the user's own that lives. Whether it is the program itself the caller has to ask. */
static bool is_mine(pid_t pid)
{
	struct stat st;
	char path[32];

	str_fmt(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &st) == 0 && st.st_uid == geteuid();
}

/* It must not be a later program of the same number. One of the user's own may be shy. */
static bool is_kind(pid_t pid, enum running_kind kind)
{
	char exe[PATH_MAX];

	return is_mine(pid) && (!holder_exe(pid, exe, sizeof(exe)) || running_kind_of(exe) == kind);
}

pid_t holder_of_profile(const char *dir, const struct running_where *w)
{
	char path[PATH_MAX];
	pid_t named, pid;

	if (str_fmt(path, sizeof(path), "%s/lock", dir) < 0)
		return 0;
	named = read_link(path, '+', NULL, 0);
	if (!named)
		return 0;
	str_fmt(path, sizeof(path), "%s/.parentlock", dir);
	if (lock_owner(path, &pid) < 0)
		pid = is_kind(named, KIND_GECKO) ? named : 0;
	return pid && holder_is_outside(pid, w) ? pid : 0;
}

pid_t holder_of_singleton(const char *dir, const struct running_where *w)
{
	char path[PATH_MAX], host[256], here[256] = "";
	pid_t pid;

	if (str_fmt(path, sizeof(path), "%s/SingletonLock", dir) < 0)
		return 0;
	pid = read_link(path, '-', host, sizeof(host));
	/* Several machines may share a home directory. */
	if (!pid || gethostname(here, sizeof(here) - 1) < 0 || strcmp(host, here) != 0)
		return 0;
	return is_kind(pid, KIND_CHROMIUM) && holder_is_outside(pid, w) ? pid : 0;
}

/* The lock of the server in a directory that it has for its sockets. */
static pid_t server_in(const char *dir, const struct stat *prefix)
{
	char path[PATH_MAX];
	pid_t pid;

	if (str_fmt(path, sizeof(path), "%s/server-%llx-%llx/lock", dir,
		    (unsigned long long)prefix->st_dev, (unsigned long long)prefix->st_ino) < 0)
		return 0;
	return lock_owner(path, &pid) == 0 ? pid : 0;
}

/* Wine's own place; Debian's; and Debian's where there is no runtime directory, which the prefix
 * names. */
static pid_t server_of(const char *dir, const struct stat *prefix)
{
	AUTO_FREE char *name = NULL;
	char path[PATH_MAX];
	pid_t pid;

	str_fmt(path, sizeof(path), "/tmp/.wine-%u", geteuid());
	pid = server_in(path, prefix);
	if (pid)
		return pid;
	str_fmt(path, sizeof(path), "/run/user/%u/wine", geteuid());
	pid = server_in(path, prefix);
	if (pid)
		return pid;
	if (str_fmt(path, sizeof(path), "%s/wineserver", dir) < 0 ||
	    file_read(path, 64, &name, NULL, NULL) < 0 || strchr(name, '/'))
		return 0;
	return str_fmt(path, sizeof(path), "/tmp/%s", name) < 0 ? 0 : server_in(path, prefix);
}

pid_t holder_of_prefix(const char *dir, const struct running_where *w)
{
	struct stat st;
	pid_t pid = stat(dir, &st) < 0 ? 0 : server_of(dir, &st);

	return pid && holder_is_outside(pid, w) ? pid : 0;
}
