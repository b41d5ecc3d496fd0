/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl leak-probe TEXT PORT ADDRESS...`: what `vpnctl leak-test` runs inside the VPN. Tries
 * every way out that a program has, in rounds, a dot on stdout after each; ends when stdin does.
 * Not for people, and not in the help. Needs nothing, and expects nothing to answer.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/child.h"
#include "base/util.h"
#include "leak/leak.h"

#define ROUND_MS   100
#define LOOKUP_MAX 4

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t make_address(const char *text, uint16_t port, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &ret->in.sin_addr) == 1) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(port);
		return sizeof(ret->in);
	}
	if (inet_pton(AF_INET6, text, &ret->in6.sin6_addr) != 1)
		return 0;
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	return sizeof(ret->in6);
}

struct parcel {
	uint16_t port;
	int type, protocol;
	const void *data;
	size_t len;
};

static void send_to(const char *text, const struct parcel *p)
{
	AUTO_CLOSE int fd = -1;
	union address a;
	socklen_t size = make_address(text, p->port, &a);

	if (!size)
		return;
	fd = socket(a.sa.sa_family, p->type | SOCK_CLOEXEC | SOCK_NONBLOCK, p->protocol);
	if (fd < 0)
		return;
	if (p->type == SOCK_STREAM) {
		struct pollfd out = {.fd = fd, .events = POLLOUT};

		if (connect(fd, &a.sa, size) < 0)
			poll(&out, 1, ROUND_MS);
	} else {
		sendto(fd, p->data, p->len, MSG_NOSIGNAL, &a.sa, size);
	}
}

static void ping(const char *text, const char *mark)
{
	uint8_t echo[8 + LEAK_TEXT_LEN] = {strchr(text, ':') ? ICMP6_ECHO_REQUEST : ICMP_ECHO};

	memcpy(echo + 8, mark, LEAK_TEXT_LEN);
	send_to(text,
		&(struct parcel){.type = SOCK_DGRAM,
				 .protocol = strchr(text, ':') ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				 .data = echo,
				 .len = sizeof(echo)});
}

/* A question for TEXT.example.com, by hand: whatever resolv.conf says, to that server. */
static void ask(const char *server, const char *mark)
{
	static const uint8_t head[12] = {0x76, 0x72, 1, 0, 0, 1},
			     tail[] = "\007example\003com\0\0\001\0";
	uint8_t q[sizeof(head) + 1 + LEAK_TEXT_LEN + sizeof(tail)];

	memcpy(q, head, sizeof(head));
	q[sizeof(head)] = LEAK_TEXT_LEN;
	memcpy(q + sizeof(head) + 1, mark, LEAK_TEXT_LEN);
	memcpy(q + sizeof(head) + 1 + LEAK_TEXT_LEN, tail, sizeof(tail));
	q[sizeof(q) - 1] = 1;
	send_to(server, &(struct parcel){53, SOCK_DGRAM, 0, q, sizeof(q)});
}

struct look_up {
	const char *mark;
};

static int look_up_in_child(void *arg)
{
	const struct look_up *l = arg;
	char name[LEAK_TEXT_LEN + 16];
	struct addrinfo *list;

	alarm(5);
	snprintf(name, sizeof(name), "%s.example.com", l->mark);
	return getaddrinfo(name, NULL, NULL, &list) != 0;
}

/* This is how programs do it. It may wait long for an answer: in processes of their own, a few at a
 * time. */
static void look_up(const char *mark, unsigned int *running)
{
	struct look_up l = {mark};

	while (*running && waitpid(-1, NULL, WNOHANG) > 0)
		--*running;
	if (*running < LOOKUP_MAX && child_start(CHILD_DIES_WITH_US, look_up_in_child, &l) > 0)
		++*running;
}

static void try_all(const struct leak_mark *m, char **addresses, int n)
{
	static const char *const targets[] = {LEAK_TARGET4, LEAK_TARGET6};
	const struct parcel datagram = {m->port, SOCK_DGRAM, 0, m->text, LEAK_TEXT_LEN};
	const struct parcel connection = {.port = m->port, .type = SOCK_STREAM};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		send_to(targets[i], &datagram);
		send_to(targets[i], &connection);
		ping(targets[i], m->text);
	}
	for (int i = 0; i < n; i++) {
		send_to(addresses[i], &datagram);
		ping(addresses[i], m->text);
		ask(addresses[i], m->text);
	}
}

int leak_probe_rounds(const struct leak_mark *m, char **addresses, int n, bool with_libc)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned int running = 0;

	while (poll(&in, 1, ROUND_MS) == 0) {
		if (with_libc)
			look_up(m->text, &running);
		try_all(m, addresses, n);
		if (fd_write_all(STDOUT_FILENO, ".", 1) < 0)
			return 1;
	}
	return 0;
}

int ctl_leak_probe(int argc, char **argv)
{
	struct leak_mark m;
	uint64_t port;

	if (argc < 3 || strlen(argv[1]) != LEAK_TEXT_LEN ||
	    str_uint(argv[2], 1, 65535, &port) < 0) {
		log_error("usage: vpnctl leak-probe TEXT PORT ADDRESS...");
		return 2;
	}
	str_copy(m.text, sizeof(m.text), argv[1]);
	m.port = (uint16_t)port;
	if (leak_look(STDIN_FILENO, STDOUT_FILENO) < 0)
		return 1;
	return leak_probe_rounds(&m, argv + 3, argc - 3, true);
}
