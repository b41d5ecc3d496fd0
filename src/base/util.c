/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See util.h. Nothing here prints or exits.
 */
#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/same.h"

#define NEW_TRIES 1000 /* at 1 ms */

void util_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void util_free(void *p)
{
	void **pp = p;

	free(*pp);
	*pp = NULL;
}

/* What the file says of its size is where the buffer begins; a file of /proc says 0 and has more.
 */
static size_t first_size(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return max < 4096 ? max : 4096;
	return (uint64_t)st.st_size < max ? (size_t)st.st_size : max;
}

int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	size_t len = 0, size = first_size(fd, max) + 2;
	AUTO_FREE char *buf = malloc(size);

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, buf + len, size - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len == size - 1) {
			char *more = realloc(buf, size * 2);

			if (!more)
				return -ENOMEM;
			buf = more;
			size *= 2;
		}
	}
	buf[len] = '\0';
	*ret = buf;
	buf = NULL;
	if (ret_len)
		*ret_len = len;
	return 0;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

static int check_kind(const char *path, mode_t mode, bool may_be_pipe, struct err *e)
{
	if (S_ISREG(mode) || (may_be_pipe && S_ISFIFO(mode)))
		return 0;
	return err_set(e, S_ISDIR(mode) ? -EISDIR : -EINVAL, "%s is %s, not a file", path,
		       kind_of(mode));
}

/* Looked at before it is opened, since for some devices that is enough to do something; and after,
 * as it may be another by then, of which nothing is read. */
static int open_regular(const char *path, bool may_be_pipe, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	r = check_kind(path, st.st_mode, may_be_pipe, e);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	r = check_kind(path, st.st_mode, may_be_pipe, e);
	if (r < 0)
		return r;
	if (S_ISFIFO(st.st_mode) && fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(e, -errno, "cannot wait for %s", path);
	return take_fd(&fd);
}

int file_open(const char *path, struct err *e)
{
	return open_regular(path, false, e);
}

int file_open_named(const char *path, struct err *e)
{
	struct stat st;
	int fd;

	if (strcmp(path, "-") != 0 && strcmp(path, "/dev/stdin") != 0)
		return open_regular(
			path, str_starts(path, "/dev/fd/") || str_starts(path, "/proc/self/fd/"),
			e);
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot read standard input");
	return fd;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	AUTO_CLOSE int fd = file_open(path, e);
	int r = fd < 0 ? fd : file_read_fd(fd, max, ret, ret_len);

	return fd >= 0 && r < 0 ? err_sys(e, r, "cannot read %s", path) : r;
}

int file_read_named(const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	AUTO_CLOSE int fd = file_open_named(path, e);
	int r = fd < 0 ? fd : file_read_fd(fd, max, ret, ret_len);

	return fd >= 0 && r < 0 ? err_sys(e, r, "cannot read %s", path) : r;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write_existing(const char *path, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	n = write(fd, text, len);
	if (n < 0)
		return err_sys(e, -errno, "cannot write \"%s\" to %s", text, path);
	if ((size_t)n != len)
		return err_set(e, -EIO, "cannot write \"%s\" to %s: short write", text, path);
	return 0;
}

/* Is for whoever holds its lock: then it is not the file of another writer. */
static int drop_new(const char *tmp, int r)
{
	unlink(tmp);
	return r;
}

/* Others can read it from a writer's fchmod(2) on, until its next call renames it: where that does
 * not come, the writer was killed, and whoever holds the lock is none. */
static int lock_new(int fd, const char *tmp, struct err *e)
{
	struct stat st;

	for (int tries = 0; tries < NEW_TRIES; tries++) {
		int r = fstat(fd, &st) < 0 ? -errno : 0;

		if (flock(fd, r < 0 || st.st_mode & 077 ? LOCK_EX | LOCK_NB : LOCK_EX) == 0)
			return r < 0 ? drop_new(tmp, err_sys(e, r, "cannot stat %s", tmp)) : 0;
		if (r < 0 || errno != EWOULDBLOCK)
			return err_sys(e, r < 0 ? r : -errno, "cannot lock %s", tmp);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	unlink(tmp);
	return 0;
}

/* Opens "PATH.new" and holds its lock. The name is fixed, so that what a killed run leaves is one
 * file, which the next run takes over; the lock makes it one writer's at a time. */
static int open_new(const char *tmp, struct err *e)
{
	for (;;) {
		AUTO_CLOSE int fd = open(tmp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		struct stat ours, there;

		if (fd < 0)
			return err_sys(e, -errno, "cannot create %s", tmp);
		if (lock_new(fd, tmp, e) < 0)
			return -EIO;
		if (fstat(fd, &ours) < 0)
			return drop_new(tmp, err_sys(e, -errno, "cannot stat %s", tmp));
		/* Its holder before us has renamed it away. */
		if (stat(tmp, &there) < 0 || !same_stat(&ours, &there))
			continue;
		if (ftruncate(fd, 0) < 0)
			return drop_new(tmp, err_sys(e, -errno, "cannot empty %s", tmp));
		return take_fd(&fd);
	}
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	char tmp[512];
	int r;

	if (str_fmt(tmp, sizeof(tmp), "%s.new", path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot write %s: name too long", path);
	fd = open_new(tmp, e);
	if (fd < 0)
		return fd;
	r = fd_write_all(fd, data, len);
	if (!r && fchmod(fd, mode) < 0)
		r = -errno;
	if (!r && rename(tmp, path) < 0)
		r = -errno;
	if (r) {
		unlink(tmp);
		return err_sys(e, r, "cannot write %s", path);
	}
	return 0;
}

/* Blank lines are all that is left of a longer text where this is killed half-way. */
static int write_over(int fd, const void *data, size_t len, size_t was)
{
	size_t all = len > was ? len : was;
	AUTO_FREE char *text = malloc(all + 1);

	if (!text)
		return -ENOMEM;
	memset(text, '\n', all);
	memcpy(text, data, len);
	/* A disk that is full says so before anything is lost; some file systems cannot tell. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)all + 1) < 0 && errno == ENOSPC)
		return -ENOSPC;
	if (pwrite(fd, text, all, 0) != (ssize_t)all)
		return errno ? -errno : -EIO;
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}

int file_rewrite(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return file_replace(path, data, len, mode, e);
	r = write_over(fd, data, len, (size_t)st.st_size);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, r, "cannot write %s", path) : 0;
}

int file_is_there(const char *path, struct err *e)
{
	if (access(path, F_OK) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR
		       ? 0
		       : err_sys(e, -errno, "cannot look whether %s is there", path);
}

int file_remove(const char *path, struct err *e)
{
	char tmp[512];

	if (str_fmt(tmp, sizeof(tmp), "%s.new", path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot remove %s: name too long", path);
	unlink(tmp);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, -errno, "cannot remove %s", path);
	return 0;
}

/* Under its lock no writer renames it, and whoever comes next finds that it has gone. */
static void clear_begun(int dir, const char *name)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat ours, there;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &ours) < 0)
		return;
	if (S_ISREG(ours.st_mode) && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    same_stat(&ours, &there))
		unlinkat(dir, name, 0);
}

void file_clear_begun(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (str_ends(de->d_name, ".new"))
			clear_begun(dirfd(d), de->d_name);
	if (d)
		closedir(d);
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	char buf[512];
	char *p;

	if (str_copy(buf, sizeof(buf), path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot create %s: name too long", path);
	for (p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, 0755) < 0 && errno != EEXIST)
			return err_sys(e, -errno, "cannot create %s", buf);
		*p = '/';
	}
	if (mkdir(buf, mode) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot create %s", buf);
	return 0;
}

void util_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

int util_forbid_cores(void)
{
	const struct rlimit one = {1, 1}, none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0);
	return setrlimit(RLIMIT_CORE, &one) == 0 ? 0 : setrlimit(RLIMIT_CORE, &none);
}

uint64_t digest_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

int64_t util_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
