/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a published port. Addresses are numeric, of either family.
 *
 *   ports echo ADDRESS PORT              gives back what it gets, until the end of it
 *   ports echo-udp ADDRESS PORT          the same, datagrams
 *   ports answer ADDRESS PORT COMMAND    an HTTP answer: what the shell command prints
 *   ports trip ADDRESS PORT BYTES N      N connections at once, each sends BYTES, ends its own
 *                                        direction and wants the same bytes back: prints how many
 *                                        were right, and how many were cut off after a byte
 *   ports trip-udp ADDRESS PORT N        N sockets, a datagram each
 *   ports cut ADDRESS PORT               sends a line and ends its direction: what comes back
 *   ports hold ADDRESS PORT              connects and waits for the end: prints "closed" or "reset"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY	   1500
#define TIMEOUT_MS 30000

static struct sockaddr_storage sa;
static socklen_t sa_len;
static char buf[1 << 16];

static void die(const char *what)
{
	fprintf(stderr, "ports: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void parse(const char *address, const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in.sin_port = in6.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		memcpy(&sa, &in, sizeof(in));
		sa_len = sizeof(in);
	} else if (inet_pton(AF_INET6, address, &in6.sin6_addr) == 1) {
		memcpy(&sa, &in6, sizeof(in6));
		sa_len = sizeof(in6);
	} else {
		die("address");
	}
}

static int make(int type)
{
	int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static int make_listener(int type)
{
	int fd = make(type);
	const int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sa_len) < 0)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 1024) < 0)
		die("listen");
	puts("ready");
	fflush(stdout);
	return fd;
}

static int make_connection(void)
{
	int fd = make(SOCK_STREAM);

	if (connect(fd, (struct sockaddr *)&sa, sa_len) < 0)
		die("connect");
	return fd;
}

/* --- servers --------------------------------------------------------------------------------- */

static void echo_one(int fd)
{
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (ssize_t at = 0, w; at < n; at += w)
			if ((w = send(fd, buf + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
				return;
}

static void answer_one(int fd, const char *command)
{
	static const char head[] = "HTTP/1.0 200 OK\r\n\r\n";
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	while (!strstr(buf, "\r\n\r\n") && len < sizeof(buf) - 1 &&
	       (n = recv(fd, buf + len, sizeof(buf) - 1 - len, 0)) > 0) {
		len += (size_t)n;
		buf[len] = '\0';
	}
	if (send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
}

static void serve(const char *command)
{
	int fd = make_listener(SOCK_STREAM);

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			die("accept");
		if (fork() == 0) {
			if (command)
				answer_one(c, command);
			else
				echo_one(c);
			_exit(0);
		}
		close(c);
	}
}

static void serve_udp(void)
{
	int fd = make_listener(SOCK_DGRAM);

	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

/* --- clients --------------------------------------------------------------------------------- */

struct trip {
	uint64_t sent, got, out, in; /* bytes, and what the next byte is made of */
	bool right, over, cut;
};

static struct trip trips[MANY];
static struct pollfd fds[MANY];

static unsigned char next_byte(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned char)(*state >> 32);
}

static void trip_send(struct trip *t, int fd, uint64_t bytes)
{
	uint64_t state = t->out, left = bytes - t->sent;
	size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);
	ssize_t w;

	for (size_t i = 0; i < n; i++)
		buf[i] = (char)next_byte(&state);
	w = send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (ssize_t i = 0; i < w; i++)
		next_byte(&t->out);
	if (w > 0)
		t->sent += (uint64_t)w;
	if (t->sent == bytes)
		shutdown(fd, SHUT_WR);
}

static void trip_receive(struct trip *t, int fd, uint64_t bytes)
{
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != (char)next_byte(&t->in))
			t->right = false;
	if (n > 0) {
		t->got += (uint64_t)n;
		return;
	}
	t->right = t->right && n == 0 && t->got == bytes;
	t->cut = !t->right && t->got;
	t->over = true;
	close(fd);
}

static int trip(uint64_t bytes, size_t n)
{
	size_t left = n, right = 0, cut = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i].fd = make_connection();
		trips[i] = (struct trip){.out = i + 88, .in = i + 88, .right = true};
	}
	while (left) {
		for (size_t i = 0; i < n; i++)
			fds[i].events = (short)(POLLIN | (trips[i].sent < bytes ? POLLOUT : 0));
		if (poll(fds, n, TIMEOUT_MS) <= 0)
			die("nothing moves");
		for (size_t i = 0; i < n; i++) {
			if (fds[i].revents & POLLOUT && trips[i].sent < bytes)
				trip_send(&trips[i], fds[i].fd, bytes);
			if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
				trip_receive(&trips[i], fds[i].fd, bytes);
			if (trips[i].over && fds[i].fd >= 0) {
				fds[i].fd = -1;
				right += trips[i].right;
				cut += trips[i].cut;
				left--;
			}
		}
	}
	if (cut)
		printf("%zu cut, ", cut);
	printf("%zu\n", right);
	return right == n ? 0 : 1;
}

static int trip_udp(size_t n)
{
	size_t right = 0;

	for (size_t i = 0; i < n; i++) {
		int fd = fds[i].fd = make(SOCK_DGRAM);

		if (connect(fd, (struct sockaddr *)&sa, sa_len) < 0 ||
		    send(fd, &i, sizeof(i), 0) < 0)
			die("send");
	}
	for (size_t i = 0; i < n; i++) {
		struct pollfd p = {.fd = fds[i].fd, .events = POLLIN};
		size_t back;

		if (poll(&p, 1, 2000) == 1 &&
		    recv(p.fd, &back, sizeof(back), 0) == (ssize_t)sizeof(back) && back == i)
			right++;
	}
	printf("%zu\n", right);
	return right == n ? 0 : 1;
}

static int cut(bool send_line)
{
	int fd = make_connection();
	ssize_t n;

	if (send_line && (send(fd, "line\n", 5, MSG_NOSIGNAL) != 5 || shutdown(fd, SHUT_WR) < 0))
		die("send");
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	if (!send_line)
		puts(n == 0 ? "closed" : errno == ECONNRESET ? "reset" : strerror(errno));
	return n == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	unsigned long a, b;

	if (argc < 4) {
		fprintf(stderr, "usage: ports echo|echo-udp|answer|trip|trip-udp|cut|hold ADDRESS "
				"PORT ...\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	parse(argv[2], argv[3]);
	a = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
	b = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
	if ((!strcmp(argv[1], "trip") && a == 0) || b > MANY ||
	    (!strcmp(argv[1], "trip-udp") && a > MANY))
		return 2;
	if (!strcmp(argv[1], "echo"))
		serve(NULL);
	if (!strcmp(argv[1], "answer") && argc > 4)
		serve(argv[4]);
	if (!strcmp(argv[1], "echo-udp"))
		serve_udp();
	if (!strcmp(argv[1], "trip"))
		return trip(a, b);
	if (!strcmp(argv[1], "trip-udp"))
		return trip_udp(a);
	return cut(!strcmp(argv[1], "cut"));
}
