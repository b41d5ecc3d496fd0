/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program meets when it wants out: connects, asks the test web server for its word, and says
 * in one line what happened and after how many milliseconds.
 *
 *   probe tcp|udp ADDR PORT      one try, at most 5 s
 *   probe loop ADDR PORT FILE    tries by TCP for ever, from one process; FILE always holds the
 *                                last COUNT WORD MS, replaced whole
 *   probe flow ADDR PORT FILE [FROM]
 *                                the same by UDP from one socket, which asks for ever
 *   probe serve ADDR PORT WORD   answers that; ADDR :: is every address of both families
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define LIMIT_MS 5000

static socklen_t make_addr(const char *text, const char *port, struct sockaddr_storage *ss)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ss;
	uint16_t p = htons((uint16_t)strtoul(port, NULL, 10));

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = p;
		return sizeof(*a4);
	}
	if (inet_pton(AF_INET6, text, &a6->sin6_addr) != 1) {
		fprintf(stderr, "probe: %s is no address\n", text);
		exit(2);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = p;
	return sizeof(*a6);
}

static const char *word_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "refused";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "unreachable";
	case ETIMEDOUT:
		return "timeout";
	case ECONNRESET:
		return "reset";
	default:
		return strerror(err);
	}
}

static int wait_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&p, 1, LIMIT_MS) <= 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return errno;
	return err;
}

static int ask(int fd, char *word, size_t size)
{
	static const char request[] = "GET / HTTP/1.0\r\nHost: probe\r\n\r\n";
	char buf[1024], *body;
	size_t len = 0;

	if (write(fd, request, sizeof(request) - 1) < 0)
		return errno;
	for (;;) {
		int err = wait_ready(fd, POLLIN);
		ssize_t n = err ? -1 : read(fd, buf + len, sizeof(buf) - 1 - len);

		if (n < 0)
			return err ? err : errno;
		if (n == 0 || len + (size_t)n == sizeof(buf) - 1)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
	body = strstr(buf, "\r\n\r\n");
	snprintf(word, size, "%s", body ? body + 4 : "?");
	word[strcspn(word, "\r\n ")] = '\0';
	return 0;
}

static int try_once(const char *kind, const char *addr, const char *port, char *word, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = make_addr(addr, port, &ss);
	bool tcp = strcmp(kind, "udp") != 0;
	AUTO_CLOSE int fd =
		socket(ss.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)
		return errno;
	if (!tcp) {
		if (send(fd, "x", 1, 0) < 0)
			return errno;
		err = wait_ready(fd, POLLIN);
		if (err == 0)
			snprintf(word, size, "answer");
		return err;
	}
	err = wait_ready(fd, POLLOUT);
	return err ? err : ask(fd, word, size);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void line(const char *kind, const char *addr, const char *port, char *out, size_t size)
{
	char word[64] = "";
	double t0 = now_ms();
	int err = try_once(kind, addr, port, word, sizeof(word));

	snprintf(out, size, "%s %.1f", err ? word_of(err) : word, now_ms() - t0);
}

static void put_state(const char *file, unsigned long n, const char *word)
{
	char text[160];
	int len = snprintf(text, sizeof(text), "%lu %s\n", n, word);

	if (file_replace(file, text, (size_t)len, 0644, NULL) < 0)
		exit(1);
}

__attribute__((noreturn)) static void flow(char **argv, const char *from)
{
	struct sockaddr_storage ss, own;
	socklen_t len = make_addr(argv[0], argv[1], &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || (from && bind(fd, (struct sockaddr *)&own, make_addr(from, "0", &own)) < 0))
		exit(1);
	for (unsigned long n = 1;; n++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char word[64] = "quiet";
		ssize_t got = -1;

		/* Not connected, so that a refusal of one datagram does not end the flow. */
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&ss, len) < 0)
			snprintf(word, sizeof(word), "%s", word_of(errno));
		else if (poll(&p, 1, 100) > 0)
			got = recv(fd, word, sizeof(word) - 1, 0);
		if (got > 0)
			word[got] = '\0';
		put_state(argv[2], n, word);
		usleep(10 * 1000);
	}
}

/* Answers from the address that was asked, also where it is bound to all of them. */
__attribute__((noreturn)) static void serve(char **argv)
{
	struct sockaddr_storage ss, from;
	socklen_t len = make_addr(argv[0], argv[1], &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	const int on = 1;
	char buf[64], control[256];
	struct iovec iov;

	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) < 0)
		exit(1);
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	puts("ready");
	fclose(stdout);
	for (;;) {
		struct msghdr m = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct cmsghdr *c;

		iov = (struct iovec){buf, sizeof(buf)};
		if (recvmsg(fd, &m, 0) < 0)
			continue;
		c = CMSG_FIRSTHDR(&m);
		/* The way back is the routes' choice. */
		if (c && c->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
		iov = (struct iovec){argv[2], strlen(argv[2])};
		sendmsg(fd, &m, 0);
	}
}

int main(int argc, char **argv)
{
	struct timespec pause = {0, 10 * 1000 * 1000};
	char out[128], text[160];

	if ((argc == 5 || argc == 6) && !strcmp(argv[1], "flow"))
		flow(argv + 2, argv[5]);
	if (argc == 5 && !strcmp(argv[1], "serve"))
		serve(argv + 2);
	if (argc == 4 && (!strcmp(argv[1], "tcp") || !strcmp(argv[1], "udp"))) {
		line(argv[1], argv[2], argv[3], out, sizeof(out));
		puts(out);
		return 0;
	}
	if (argc != 5 || strcmp(argv[1], "loop") != 0) {
		fputs("usage: probe tcp|udp ADDR PORT | probe loop ADDR PORT FILE\n", stderr);
		return 2;
	}
	for (unsigned long n = 1;; n++) {
		int len;

		line("tcp", argv[2], argv[3], out, sizeof(out));
		len = snprintf(text, sizeof(text), "%lu %s\n", n, out);
		if (file_replace(argv[4], text, (size_t)len, 0644, NULL) < 0)
			return 1;
		nanosleep(&pause, NULL);
	}
}
