/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the two sockets of a session and starts vpnrun-session with them, forked twice, so that the
 * command is never told of its end. Must never wait for it, never hand it anything of the caller's
 * but the environment, and never make a socket where a confined program could have put a link: both
 * are made in the session's own directory, and only a second name of the bus's is given into what
 * programs see. Called by launch/hide.c and launch/network.c.
 */
#include "session/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/use.h"

#define HELPER	"libexec/vpnrun/vpnrun-session"
#define BACKLOG SOMAXCONN

/* --- which bus there is outside -------------------------------------------------------------- */

/* Its address, NULL: the session has none. */
static const char *outer_address(const struct session *s, char *buf, size_t size)
{
	const char *given = getenv("DBUS_SESSION_BUS_ADDRESS");
	char path[PATH_MAX];
	struct stat st;

	if (given && *given)
		return given;
	if (str_fmt(path, sizeof(path), "%s/bus", s->runtime) < 0 || lstat(path, &st) < 0 ||
	    !S_ISSOCK(st.st_mode))
		return NULL;
	return str_fmt(buf, size, "unix:path=%s", path) < 0 ? NULL : buf;
}

/* --- sockets --------------------------------------------------------------------------------- */

/* A socket in the session's directory, by descriptor: no path is walked. */
static int control_address(const struct session *s, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return str_fmt(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/" USE_CONTROL,
		       s->dir);
}

/* The bus's address is read from its socket by the bus itself, for what it starts: so it is the
 * path as programs inside have it. */
static int bus_address(const struct session *s, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return str_fmt(ret->sun_path, sizeof(ret->sun_path), "%s/vpnrun/%s/" USE_BUS, s->runtime,
		       s->name);
}

static int listen_at(int dir, const char *name, const struct sockaddr_un *sa, int type)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return take_fd(&fd);
}

static int open_below(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Readers of settings learn by a byte in here that the writer, who is outside, has written. It is
 * bound into each sandbox, if it is there. */
static void make_dconf_dir(const struct session *s)
{
	char path[PATH_MAX];

	if (str_fmt(path, sizeof(path), "%s/dconf", s->runtime) > 0)
		mkdir(path, 0700);
}

/* The bus's second name, and that under which the bus itself knows it. Its directory is the
 * confined programs': what they put in the way harms only them. */
static int show_inside(const struct session *s)
{
	AUTO_CLOSE int ours = open_below(s->run, "vpnrun"), own = -1;

	if (unlinkat(s->run, USE_BUS, 0) < 0 && errno != ENOENT)
		return -errno;
	if (linkat(s->dir, USE_BUS, s->run, USE_BUS, 0) < 0)
		return -errno;
	own = ours < 0 ? -1 : open_below(ours, s->name);
	if (own >= 0 && symlinkat("../../" USE_BUS, own, USE_BUS) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int connect_control(const struct session *s)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa;

	if (fd < 0 || control_address(s, &sa) < 0 ||
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* --- the helper ------------------------------------------------------------------------------ */

struct helper {
	const char *path, *vpn, *broker, *address;
	int fds[USE_FD_END - USE_FD_BUS];
};

static void become_helper(const struct helper *h) __attribute__((noreturn));
static void become_helper(const struct helper *h)
{
	const char *own[] = {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high[ARRAY_SIZE(h->fds)];
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(high); i++)
		high[i] = fcntl(h->fds[i], F_DUPFD_CLOEXEC, USE_FD_END);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(high); i++)
		if (high[i] < 0 || dup2(high[i], USE_FD_BUS + (int)i) < 0)
			_exit(1);
	if (syscall(SYS_close_range, USE_FD_END, ~0u, 0) < 0 || setsid() < 0 || chdir("/") < 0)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		unsetenv(own[i]);
	setenv("DBUS_SESSION_BUS_ADDRESS", h->address, 1);
	execl(h->path, h->path, h->vpn, h->broker, NULL);
	_exit(127);
}

/* Without the signal that a fork's end is told by: the command may have inherited that blocked. */
static pid_t fork_quietly(void)
{
	return (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

static int start_helper(const struct helper *h)
{
	pid_t pid = fork_quietly();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (fork_quietly() == 0)
			become_helper(h);
		_exit(0);
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return 0;
}

/* BIN/vpnrun is where libexec/vpnrun is beside BIN. */
static int helper_path(char *ret, size_t size)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n < 0)
		return -errno;
	for (int up = 0; up < 2; up++)
		while (n > 0 && exe[--n] != '/')
			;
	if (str_fmt(ret, size, "%.*s/" HELPER, (int)n, exe) < 0)
		return -ENAMETOOLONG;
	return access(ret, X_OK) < 0 ? -errno : 0;
}

static int is_installed(const char *name)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	for (; path && *path; path += strcspn(path, ":"), path += *path == ':')
		if (str_fmt(file, sizeof(file), "%.*s/%s", (int)strcspn(path, ":"), path, name) >
			    0 &&
		    access(file, X_OK) == 0)
			return 1;
	return 0;
}

static int start(const struct session *s, const char *broker, const char *address, struct err *e)
{
	AUTO_CLOSE int bus = -1, control = -1;
	char path[PATH_MAX] = HELPER;
	struct helper h = {.path = path, .vpn = s->name, .broker = broker, .address = address};
	struct sockaddr_un sa;
	int r = helper_path(path, sizeof(path));

	if (r < 0)
		return err_sys(e, r, "cannot start %s", path);
	if (!is_installed("dbus-daemon"))
		return err_set(e, -ENOENT, "dbus-daemon is not installed");
	if (bus_address(s, &sa) < 0)
		return err_set(e, -ENAMETOOLONG, "%.100s is too long a path for a socket",
			       s->runtime);
	make_dconf_dir(s);
	bus = listen_at(s->dir, USE_BUS, &sa, SOCK_STREAM);
	r = bus < 0 ? bus : show_inside(s);
	if (r == 0) {
		control_address(s, &sa);
		control = listen_at(s->dir, USE_CONTROL, &sa, SOCK_SEQPACKET);
		r = control < 0 ? control : 0;
	}
	h.fds[0] = bus;
	h.fds[1] = control;
	h.fds[2] = s->dir;
	if (r == 0)
		r = start_helper(&h);
	return r < 0 ? err_sys(e, r, "cannot make its sockets in %.100s/vpnrun/%s", s->runtime,
			       s->name)
		     : 0;
}

/* --- the launch ------------------------------------------------------------------------------ */

static int send_message(int conn, uint64_t netns, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct use_message m = {.magic = USE_MAGIC, .netns = netns};
	struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(conn, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* This process becomes the command. */
static int announce(int conn)
{
	AUTO_CLOSE int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return self < 0 ? -errno : send_message(conn, 0, self);
}

/* -ECONNREFUSED, -ENOENT: nobody lives there. All else is no reason to start another. */
static int join(const struct session *s)
{
	AUTO_CLOSE int conn = connect_control(s);
	int r = conn < 0 ? conn : announce(conn);

	return r < 0 ? r : take_fd(&conn);
}

int session_bus_join(const struct session *s, const char *broker, int *ret_conn, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	char buf[PATH_MAX + 16];
	const char *address;
	int conn, r;

	*ret_conn = -1;
	if (s->dir < 0)
		return 0;
	address = outer_address(s, buf, sizeof(buf));
	if (!address)
		return 0;
	conn = join(s);
	if (conn < 0) {
		lock = session_lock(s, e);
		if (lock < 0)
			return lock;
		conn = join(s);
	}
	if (conn == -ECONNREFUSED || conn == -ENOENT) {
		r = start(s, broker, address, e);
		if (r < 0)
			return r;
		conn = join(s);
	}
	if (conn < 0)
		return err_sys(e, conn, "cannot tell its helper of this launch");
	*ret_conn = conn;
	return 0;
}

void session_bus_tell(int conn, int netns)
{
	struct stat st;

	if (conn >= 0 && (netns >= 0 ? fstat(netns, &st) : stat("/proc/self/ns/net", &st)) == 0)
		send_message(conn, st.st_ino, -1);
}
