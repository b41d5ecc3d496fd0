/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for a Wayland compositor that has wp_security_context_v1, which no compositor of
 * Debian 12 has: it speaks the wire protocol, shows the globals that it is told, and nothing else.
 *
 *   waylandd SOCKET GLOBAL...   serves. A GLOBAL is offered to all; one that begins with '-' only
 *                               outside of security contexts; the words "error" and "garbage" make
 *                               it answer so. Says on stdout: "context APP", and "closed".
 *   waylandd --list [SOCKET]    prints what the compositor at SOCKET (or WAYLAND_DISPLAY) offers
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANAGER	    "wp_security_context_manager_v1"
#define CLIENTS_MAX 30

static char **globals;
static int n_globals;

static struct client {
	int fd;
	bool listens, confined;
	uint32_t registry, manager, context;
	int new_listener, closer; /* of a context that is not committed yet */
	char app[64];
} clients[CLIENTS_MAX];
static int closers[CLIENTS_MAX]; /* by the place of their listener */

static int place(int fd, bool listens, bool confined)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].fd >= 0)
			continue;
		clients[i] = (struct client){.fd = fd,
					     .listens = listens,
					     .confined = confined,
					     .new_listener = -1,
					     .closer = -1};
		closers[i] = -1;
		return i;
	}
	close(fd);
	return -1;
}

static void drop(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void event(struct client *c, uint32_t object, uint32_t opcode, const uint32_t *args,
		  size_t n)
{
	uint32_t m[64] = {object, (uint32_t)(8 + n * 4) << 16 | opcode};

	memcpy(m + 2, args, n * 4);
	if (send(c->fd, m, 8 + n * 4, MSG_NOSIGNAL) < 0)
		drop(c);
}

static void offer(struct client *c, uint32_t name, const char *interface)
{
	uint32_t args[48] = {name, (uint32_t)strlen(interface) + 1};
	size_t words = (args[1] + 3) / 4;

	memcpy(args + 2, interface, args[1]);
	args[2 + words] = 1;
	event(c, c->registry, 0, args, 3 + words);
}

static void show_registry(struct client *c)
{
	for (int i = 0; i < n_globals && c->fd >= 0; i++) {
		const char *g = globals[i];

		if (strcmp(g, "error") == 0) {
			uint32_t args[8] = {1, 0, 12};

			memcpy(args + 3, "no such luck", 12);
			args[2] = 13;
			event(c, 1, 0, args, 7);
		} else if (strcmp(g, "garbage") == 0) {
			uint32_t args[4] = {7, 0xffffffff, 3, 3};

			event(c, c->registry, 0, args, 4);
		} else if (g[0] != '-')
			offer(c, (uint32_t)i + 1, g);
		else if (!c->confined)
			offer(c, (uint32_t)i + 1, g + 1);
	}
}

static void commit(struct client *c)
{
	int i = place(c->new_listener, true, true);

	if (i >= 0)
		closers[i] = c->closer;
	c->new_listener = c->closer = -1;
	printf("context %s\n", c->app);
}

static void request(struct client *c, const uint32_t *m, int *fds, int *n_fds)
{
	uint32_t object = m[0], opcode = m[1] & 0xffff;

	if (object == 1 && opcode == 0)
		event(c, m[2], 0, &(uint32_t){0}, 1);
	else if (object == 1 && opcode == 1) {
		c->registry = m[2];
		show_registry(c);
	} else if (object == c->registry && opcode == 0) {
		const char *interface = (const char *)(m + 4);

		if (strcmp(interface, MANAGER) == 0)
			c->manager = m[4 + (m[3] + 3) / 4 + 1];
	} else if (c->manager && object == c->manager && opcode == 1 && *n_fds >= 2) {
		c->context = m[2];
		c->new_listener = fds[0];
		c->closer = fds[1];
		*n_fds = 0;
	} else if (c->context && object == c->context && opcode == 2)
		snprintf(c->app, sizeof(c->app), "%s", (const char *)(m + 3));
	else if (c->context && object == c->context && opcode == 4)
		commit(c);
}

static void serve(struct client *c)
{
	static uint32_t buf[4096];
	union {
		char buf[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr head = {.msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf)};
	ssize_t n = recvmsg(c->fd, &head, MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&head) : NULL;
	int fds[8], n_fds = 0;

	if (n <= 0) {
		drop(c);
		return;
	}
	if (h && h->cmsg_type == SCM_RIGHTS) {
		n_fds = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(h), (size_t)n_fds * sizeof(int));
	}
	for (ssize_t at = 0; at + 8 <= n && c->fd >= 0;) {
		uint32_t size = buf[at / 4 + 1] >> 16;

		if (size < 8 || at + size > n)
			break;
		request(c, buf + at / 4, fds, &n_fds);
		at += size;
	}
}

static void turn(void)
{
	struct pollfd p[2 * CLIENTS_MAX];

	for (int i = 0; i < CLIENTS_MAX; i++) {
		p[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
		p[CLIENTS_MAX + i] = (struct pollfd){.fd = clients[i].fd < 0 ? -1 : closers[i]};
	}
	if (poll(p, 2 * CLIENTS_MAX, -1) < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &clients[i];

		if (p[CLIENTS_MAX + i].revents & (POLLHUP | POLLERR)) {
			close(closers[i]);
			closers[i] = -1;
			drop(c);
			puts("closed");
		} else if (p[i].revents && c->listens) {
			int fd = accept(c->fd, NULL, NULL);

			if (fd >= 0)
				place(fd, false, c->confined);
		} else if (p[i].revents)
			serve(c);
	}
}

/* --- as a client ------------------------------------------------------------------------------ */

static int list(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	static uint32_t buf[16384];
	const uint32_t ask[] = {1, 12 << 16 | 1, 2, 1, 12 << 16, 3};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0, at = 0;

	if (path)
		snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	else
		snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", getenv("XDG_RUNTIME_DIR"),
			 getenv("WAYLAND_DISPLAY"));
	if (connect(s, (struct sockaddr *)&a, sizeof(a)) < 0 || write(s, ask, sizeof(ask)) < 0) {
		perror(a.sun_path);
		return 1;
	}
	for (;;) {
		ssize_t n = len < sizeof(buf) ? read(s, (char *)buf + len, sizeof(buf) - len) : 0;

		if (n <= 0)
			return 1;
		len += (size_t)n;
		while (at + 8 <= len && at + (buf[at / 4 + 1] >> 16) <= len) {
			const uint32_t *m = buf + at / 4;

			if (m[0] == 3)
				return 0;
			if (m[0] == 2)
				puts((const char *)(m + 4));
			at += m[1] >> 16;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list(argv[2]);
	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < CLIENTS_MAX; i++)
		clients[i].fd = closers[i] = -1;
	globals = argv + 2;
	n_globals = argc - 2;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", argv[1]);
	unlink(a.sun_path);
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 16) < 0) {
		perror(argv[1]);
		return 1;
	}
	place(s, true, false);
	for (;;)
		turn();
}
