/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients come in here. Runs before the broker has confined itself, as root or as systemd's choice;
 * must not accept anybody, nor remove from the file system what is no dead socket. Called by
 * vpnrund.c.
 */
#include "broker/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

#define INHERITED_FD 3
#define BACKLOG	     4096

static int sock_option(int fd, int opt)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, opt, &v, &len) < 0 ? -1 : v;
}

/* -ENOENT: none was passed. */
static int inherited(struct err *e)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	uint64_t p, n;

	if (!pid || !fds || str_uint(pid, 1, INT32_MAX, &p) < 0 || p != (uint64_t)getpid())
		return -ENOENT;
	if (str_uint(fds, 0, INT32_MAX, &n) < 0 || n != 1)
		return err_set(e, -EINVAL, "%s sockets were passed to the broker, not one", fds);
	if (sock_option(INHERITED_FD, SO_DOMAIN) != AF_UNIX ||
	    sock_option(INHERITED_FD, SO_TYPE) != SOCK_SEQPACKET ||
	    sock_option(INHERITED_FD, SO_ACCEPTCONN) != 1)
		return err_set(
			e, -EINVAL,
			"what was passed to the broker as its socket is not a listening Unix "
			"socket of type SEQPACKET (ListenSequentialPacket=)");
	if (fcntl(INHERITED_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(INHERITED_FD, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_sys(e, -errno, "cannot set up the socket passed to the broker");
	return INHERITED_FD;
}

static int address_set(struct sockaddr_un *sa, const char *path, struct err *e)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* An empty one would be an abstract address, and there is no directory that another one
	 * would be of: we are in / by now. */
	if (path[0] != '/')
		return err_set(e, -EINVAL,
			       "cannot listen at '%s': the path of a socket begins with /", path);
	if (str_copy(sa->sun_path, sizeof(sa->sun_path), path) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of a socket is too long: %s", path);
	return 0;
}

static int stale_remove(const char *path, const struct sockaddr_un *sa, struct err *e)
{
	AUTO_CLOSE int probe = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST,
			       "%s exists and is not a socket: remove it, or listen "
			       "elsewhere",
			       path);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return err_sys(e, -errno, "cannot make a socket");
	if (connect(probe, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno != ECONNREFUSED)
		return err_set(e, -EADDRINUSE,
			       "somebody listens at %s already: is another broker "
			       "running?",
			       path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, -errno, "cannot remove the stale socket %s", path);
	return 0;
}

static int make_at(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct sockaddr_un sa;
	char dir[sizeof(sa.sun_path)];
	mode_t old;
	int r = address_set(&sa, path, e);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	str_copy(dir, sizeof(dir), path);
	old = umask(022);
	r = dir_make(dirname(dir), 0755, e);
	r = r ?: stale_remove(path, &sa, e);
	/* The mode comes with bind(2): a chmod(2) after it would follow what another puts there. */
	umask(0111);
	if (r == 0 && bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		r = err_sys(e, -errno, "cannot make the socket %s", path);
	umask(old);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = err_sys(e, -errno, "cannot listen at %s", path);
	return r < 0 ? r : take_fd(&fd);
}

int listen_open(const char *path, bool *ret_activated, struct err *e)
{
	int fd = inherited(e);

	if (fd == -ENOENT) {
		fd = make_at(path, e);
		if (fd >= 0)
			*ret_activated = false;
	} else if (fd >= 0) {
		*ret_activated = true;
	}
	return fd;
}

int listen_notify_open(int *ret, struct err *e)
{
	const char *path = getenv("NOTIFY_SOCKET");
	AUTO_CLOSE int fd = -1;
	struct sockaddr_un sa;
	socklen_t len;
	int r;

	if (!path || (path[0] != '/' && path[0] != '@')) {
		*ret = -1;
		return 0;
	}
	r = address_set(&sa, path, e);
	if (r < 0)
		return r;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	else
		len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, len) < 0)
		return err_sys(e, -errno, "cannot reach $NOTIFY_SOCKET (%s)", path);
	*ret = take_fd(&fd);
	return 0;
}

void listen_notify_ready(int notify_fd, int ready_fd)
{
	/* Nobody listening any more is not our trouble. */
	if (notify_fd >= 0) {
		if (send(notify_fd, "READY=1", 7, MSG_NOSIGNAL) < 0)
			errno = 0;
		close(notify_fd);
	}
	if (ready_fd >= 0) {
		if (write(ready_fd, "\n", 1) < 0)
			errno = 0;
		close(ready_fd);
	}
}
