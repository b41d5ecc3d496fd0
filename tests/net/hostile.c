/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients of the broker, good and bad. Says in one line what came of it: "attached H", "refused:
 * SENTENCE", or "dropped".
 *
 *   hostile SOCKET VPN MODE [ARGUMENT]
 *
 *   good            a sandbox of its own
 *   hold, hold2     the same, once or twice; prints, then waits for stdin's end
 *   nested          one in another, asked for from there
 *   engine          from outside of it
 *   bytes FORM      short long empty magic version op flags reserved pad name
 *   fds N [PATH]    N descriptors of a proper namespace, or of that file, in one request
 *   file PATH       that file's descriptor (a namespace's, a device's, FUSE's)
 *   fd N            that descriptor, inherited
 *   pipe, socket, user, mnt, uts, memfd
 *   idle N          N connections that say nothing; then waits for stdin's end
 *   linger N        N connections with a socket in the queue whose close takes minutes; the same
 *   gone            leaves at once
 *   burst N         N sandboxes at once, "N attached"
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/client.h"
#include "ipc/conn.h"

static const char *sock_path, *vpn;

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(99);
}

static int dial(void)
{
	struct err e = ERR_INIT;
	int s = ipc_connect(sock_path, &e);

	if (s < 0) {
		printf("refused: %s\n", e.msg);
		exit(1);
	}
	return s;
}

static int result(int rc, uint32_t host, const struct err *e)
{
	if (rc == 0)
		printf("attached %u\n", host);
	else if (rc == -EPIPE)
		printf("dropped\n");
	else
		printf("refused: %s\n", e->msg);
	fflush(stdout);
	return rc < 0;
}

static void map_self(uid_t uid, gid_t gid)
{
	char line[64];
	struct err e = ERR_INIT;

	file_write_existing("/proc/self/setgroups", "deny", &e);
	snprintf(line, sizeof(line), "%u %u 1", uid, uid);
	if (file_write_existing("/proc/self/uid_map", line, &e) < 0)
		die(e.msg);
	snprintf(line, sizeof(line), "%u %u 1", gid, gid);
	if (file_write_existing("/proc/self/gid_map", line, &e) < 0)
		die(e.msg);
}

static int own_net(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		die("unshare");
	map_self(uid, gid);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("/proc/self/ns/net");
	return fd;
}

static void wait_stdin(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static int attach_fd(int s, int fd)
{
	struct err e = ERR_INIT;
	uint32_t host = 0;
	int rc = ipc_attach(s, vpn, fd, &host, &e);

	return result(rc, host, &e);
}

static int sandbox(const char *mode)
{
	int s = dial(), s2 = dial(), fd, rc;

	if (!strcmp(mode, "nested") || !strcmp(mode, "engine"))
		close(own_net());
	if (!strcmp(mode, "nested")) {
		close(s);
		s = dial(); /* of the sandbox's own network */
	}
	fd = own_net();
	rc = attach_fd(s, fd);
	if (!strcmp(mode, "hold2"))
		rc |= attach_fd(s2, fd);
	if (str_starts(mode, "hold"))
		wait_stdin();
	return rc;
}

static void send_fds(int s, const void *data, size_t len, const int *fds, size_t n_fds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	char control[CMSG_SPACE(sizeof(int) * 250)] __attribute__((aligned(8))) = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	if (sendmsg(s, &msg, MSG_NOSIGNAL) < 0)
		die("sendmsg");
}

/* Sends any bytes with any descriptors and reports the answer. */
static int raw(int s, const void *data, size_t len, const int *fds, size_t n_fds)
{
	struct proto_reply reply;
	struct err e = ERR_INIT;
	int rc;

	send_fds(s, data, len, fds, n_fds);
	rc = conn_reply_recv(s, 10000, &reply, &e);
	if (rc == 0 && reply.code < 0) {
		rc = reply.code;
		snprintf(e.msg, sizeof(e.msg), "%s", reply.msg);
	}
	return result(rc, rc == 0 ? reply.host : 0, &e);
}

static int bytes(const char *form)
{
	struct {
		struct proto_request r;
		char more[4000];
	} m = {0};
	size_t len = sizeof(m.r);
	int s = dial();
	int fd = own_net();

	if (conn_request_init(&m.r, PROTO_ATTACH, vpn, NULL) < 0)
		return 99;
	if (!strcmp(form, "short"))
		len = 12;
	else if (!strcmp(form, "long"))
		len = sizeof(m);
	else if (!strcmp(form, "empty"))
		len = 0;
	else if (!strcmp(form, "magic"))
		m.r.magic ^= 1;
	else if (!strcmp(form, "version"))
		m.r.version = 77;
	else if (!strcmp(form, "op"))
		m.r.op = 9;
	else if (!strcmp(form, "flags"))
		m.r.flags = 2;
	else if (!strcmp(form, "lan"))
		m.r.flags = PROTO_LAN;
	else if (!strcmp(form, "reserved"))
		m.r.expose[0].outer = 1;
	else if (!strcmp(form, "port") || !strcmp(form, "open")) {
		m.r.n_expose = 1;
		m.r.expose[0] = (struct port_map){.outer = 8080, .inner = 8080};
		m.r.expose[0].proto = form[0] == 'o' ? IPPROTO_TCP : 200;
	} else if (!strcmp(form, "pad"))
		m.r.vpn[15] = 'x';
	else if (!strcmp(form, "name"))
		memcpy(m.r.vpn, "../\x1b[31m/x", 10);
	else
		return 99;
	return raw(s, &m, len, &fd, 1);
}

static int many_fds(size_t n, const char *path)
{
	struct proto_request r;
	int fds[250];
	int s = dial();
	int fd = path ? open(path, O_RDONLY) : own_net();

	if (fd < 0)
		die(path);
	conn_request_init(&r, PROTO_ATTACH, vpn, NULL);
	for (size_t i = 0; i < n && i < 250; i++)
		fds[i] = fd;
	return raw(s, &r, sizeof(r), fds, n);
}

static int kind(const char *mode)
{
	int s = dial(), pair[2] = {-1, -1};
	char path[64];

	if (!strcmp(mode, "pipe") && pipe(pair) < 0)
		die("pipe");
	if (!strcmp(mode, "socket"))
		pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (!strcmp(mode, "memfd"))
		pair[0] = memfd_create("net:[4026531840]", 0);
	if (pair[0] < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS) < 0)
			die("unshare");
		snprintf(path, sizeof(path), "/proc/self/ns/%s", mode);
		pair[0] = open(path, O_RDONLY);
	}
	if (pair[0] < 0)
		die(mode);
	return attach_fd(s, pair[0]);
}

static int file(const char *path)
{
	int s = dial();
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		die(path);
	return attach_fd(s, fd);
}

/* A connection whose peer reads nothing, so that its last close waits for minutes. */
static int slow_to_close(int listener)
{
	const struct linger wait = {.l_onoff = 1, .l_linger = 300};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char full[4096] = "";

	if (fd < 0 || getsockname(listener, (struct sockaddr *)&sin, &len) < 0 ||
	    connect(fd, (const struct sockaddr *)&sin, len) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)) < 0)
		die("connect");
	while (send(fd, full, sizeof(full), MSG_DONTWAIT) > 0)
		;
	return fd;
}

/* One such descriptor behind an empty datagram, which looks like the end of what is there: who
 * throws the connection away has the last of it. To be begun while the broker is stopped. */
static int linger(int n)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET,
					.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listener < 0 || bind(listener, (const struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    listen(listener, n) < 0)
		die("listen");
	for (int i = 0; i < n; i++) {
		int fd = slow_to_close(listener), s = dial();

		send_fds(s, "", 0, NULL, 0);
		send_fds(s, "", 1, &fd, 1);
		close(fd);
	}
	printf("%d linger\n", n);
	fflush(stdout);
	wait_stdin();
	return 0;
}

static int idle(int n)
{
	for (int i = 0; i < n; i++)
		dial();
	printf("%d idle\n", n);
	fflush(stdout);
	wait_stdin();
	return 0;
}

/* Every sandbox lives until all have answered. */
static int burst(int n)
{
	int done[2], hold[2], good = 0;
	char c;

	if (pipe(done) < 0 || pipe(hold) < 0)
		die("pipe");
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			struct err e = ERR_INIT;
			uint32_t host;
			int s, rc;

			close(hold[1]);
			s = dial();
			rc = ipc_attach(s, vpn, own_net(), &host, &e);
			if (rc < 0)
				fprintf(stderr, "%s\n", e.msg);
			if (write(done[1], rc == 0 ? "y" : "n", 1) < 0 || read(hold[0], &c, 1) < 0)
				_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < n && read(done[0], &c, 1) == 1; i++)
		good += c == 'y';
	printf("%d attached\n", good);
	fflush(stdout);
	close(hold[1]);
	while (wait(NULL) > 0)
		;
	return good != n;
}

int main(int argc, char **argv)
{
	const char *mode, *arg;

	if (argc < 4)
		return 99;
	sock_path = argv[1];
	vpn = argv[2];
	mode = argv[3];
	arg = argc > 4 ? argv[4] : "0";
	if (!strcmp(mode, "good") || str_starts(mode, "hold") || !strcmp(mode, "nested") ||
	    !strcmp(mode, "engine"))
		return sandbox(mode);
	if (!strcmp(mode, "bytes"))
		return bytes(arg);
	if (!strcmp(mode, "fds"))
		return many_fds((size_t)strtoul(arg, NULL, 10), argc > 5 ? argv[5] : NULL);
	if (!strcmp(mode, "file"))
		return file(arg);
	if (!strcmp(mode, "fd"))
		return attach_fd(dial(), (int)strtol(arg, NULL, 10));
	if (!strcmp(mode, "idle"))
		return idle((int)strtol(arg, NULL, 10));
	if (!strcmp(mode, "linger"))
		return linger((int)strtol(arg, NULL, 10));
	if (!strcmp(mode, "burst"))
		return burst((int)strtol(arg, NULL, 10));
	if (!strcmp(mode, "gone"))
		return close(dial());
	return kind(mode);
}
