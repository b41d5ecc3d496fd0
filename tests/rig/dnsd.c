// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rig's name server: `dnsd -l ADDR [-l ADDR…] [-o LOG] NAME=ADDR…` answers A and AAAA from its
 * arguments over UDP and TCP, NXDOMAIN for every other name, and writes one line "SOURCE NAME TYPE"
 * a query to LOG, so that tests can count who asked whom. Says one line on stdout once it listens.
 *
 * Bound to the addresses it is given, so that answers leave from the address that was asked. Only
 * for tests: no recursion, no compression in questions, no EDNS (an OPT record is passed over).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_MAX     4
#define TYPE_A	       1
#define TYPE_AAAA      28
#define HEADER_LEN     12
#define MESSAGE_MAX    1024
#define RCODE_NXDOMAIN 3

static char **table;
static int n_table;
static int log_fd = -1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned int get16(const uint8_t *p)
{
	return ((unsigned int)p[0] << 8) | p[1];
}

static uint8_t *put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

/* Reads the question's name as text with dots; returns the bytes it takes, 0 if malformed. */
static size_t question_name(const uint8_t *p, size_t len, char *text, size_t size)
{
	size_t at = 0, out = 0;

	while (at < len && p[at] != 0) {
		size_t label = p[at++];

		if (label > 63 || at + label >= len || out + label + 2 > size)
			return 0;
		memcpy(text + out, p + at, label);
		out += label;
		text[out++] = '.';
		at += label;
	}
	if (at >= len)
		return 0;
	text[out ? out - 1 : 0] = '\0';
	return at + 1;
}

static void log_query(const struct sockaddr *from, const char *name, unsigned int type)
{
	char src[INET6_ADDRSTRLEN] = "?", kind[16], line[400];
	int n;

	if (log_fd < 0)
		return;
	if (from->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)from)->sin_addr, src,
			  sizeof(src));
	else if (from->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			  src, sizeof(src));
	snprintf(kind, sizeof(kind), "TYPE%u", type);
	n = snprintf(line, sizeof(line), "%s %s %s\n", src, name,
		     type == TYPE_A ? "A" : (type == TYPE_AAAA ? "AAAA" : kind));
	if (write(log_fd, line, (size_t)n) < 0)
		perror("dnsd: log");
}

/* Appends one resource record if the table's entry is of that name and type. */
static uint8_t *answer_entry(uint8_t *p, const char *entry, const char *name, unsigned int type,
			     bool *known)
{
	const char *eq = strchr(entry, '=');
	uint8_t addr[16];
	unsigned int have;

	if (!eq || strlen(name) != (size_t)(eq - entry) ||
	    strncasecmp(name, entry, (size_t)(eq - entry)))
		return p;
	*known = true;
	if (inet_pton(AF_INET, eq + 1, addr) == 1)
		have = TYPE_A;
	else if (inet_pton(AF_INET6, eq + 1, addr) == 1)
		have = TYPE_AAAA;
	else
		return p;
	if (have != type)
		return p;
	p = put16(p, 0xc000 | HEADER_LEN); /* the name: that of the question */
	p = put16(p, type);
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0); /* no time to live: every question is asked anew */
	p = put16(p, have == TYPE_A ? 4 : 16);
	memcpy(p, addr, have == TYPE_A ? 4 : 16);
	return p + (have == TYPE_A ? 4 : 16);
}

/* Turns the query in msg into its answer; returns its length, 0 to say nothing. */
static size_t answer(uint8_t *msg, size_t len, const struct sockaddr *from)
{
	char name[256] = "";
	unsigned int type, count = 0;
	size_t name_len;
	bool known = false;
	uint8_t *p;

	if (len < HEADER_LEN || (msg[2] & 0x80) || get16(msg + 4) != 1)
		return 0;
	name_len = question_name(msg + HEADER_LEN, len - HEADER_LEN, name, sizeof(name));
	if (!name_len || HEADER_LEN + name_len + 4 > len)
		return 0;
	p = msg + HEADER_LEN + name_len;
	type = get16(p);
	p += 4;
	log_query(from, name, type);
	for (int i = 0; i < n_table; i++) {
		uint8_t *next;

		if (p > msg + MESSAGE_MAX - 40)
			break;
		next = answer_entry(p, table[i], name, type, &known);
		count += next != p;
		p = next;
	}
	msg[2] = (uint8_t)(0x84 | (msg[2] & 1)); /* an authoritative answer */
	msg[3] = (uint8_t)(0x80 | (known ? 0 : RCODE_NXDOMAIN));
	put16(msg + 6, count);
	put16(msg + 8, 0);
	put16(msg + 10, 0);
	return (size_t)(p - msg);
}

static void serve_udp(int fd)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t msg[MESSAGE_MAX];
	ssize_t n = recvfrom(fd, msg, sizeof(msg), 0, (struct sockaddr *)&from, &from_len);
	size_t out;

	if (n <= 0)
		return;
	out = answer(msg, (size_t)n, (struct sockaddr *)&from);
	if (out)
		sendto(fd, msg, out, 0, (struct sockaddr *)&from, from_len);
}

/* A client over TCP is served by a child, so that a slow one holds up nobody. */
static void serve_tcp(int listener)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t msg[2 + MESSAGE_MAX];
	int fd = accept(listener, (struct sockaddr *)&from, &from_len);

	if (fd < 0)
		return;
	if (fork() != 0) {
		close(fd);
		return;
	}
	alarm(10);
	for (;;) {
		size_t len, out;

		if (recv(fd, msg, 2, MSG_WAITALL) != 2)
			_exit(0);
		len = get16(msg);
		if (len > MESSAGE_MAX || recv(fd, msg + 2, len, MSG_WAITALL) != (ssize_t)len)
			_exit(0);
		out = answer(msg + 2, len, (struct sockaddr *)&from);
		if (!out)
			_exit(0);
		put16(msg, (unsigned int)out);
		if (send(fd, msg, out + 2, MSG_NOSIGNAL) < 0)
			_exit(0);
	}
}

static int listen_on(const char *text, int type)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(53)};
	bool v4 = inet_pton(AF_INET, text, &a4.sin_addr) == 1;
	const int on = 1;
	int fd;

	if (!v4 && inet_pton(AF_INET6, text, &a6.sin6_addr) != 1) {
		fprintf(stderr, "dnsd: %s is no address\n", text);
		exit(2);
	}
	fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("dnsd: socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!v4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, v4 ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
		 v4 ? sizeof(a4) : sizeof(a6)) < 0)
		die("dnsd: bind");
	if (type == SOCK_STREAM && listen(fd, 64) < 0)
		die("dnsd: listen");
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd fds[2 * LISTEN_MAX];
	nfds_t n = 0;
	int opt;

	/* Children over TCP are not waited for. */
	signal(SIGCHLD, SIG_IGN);
	while ((opt = getopt(argc, argv, "l:o:")) != -1) {
		if (opt == 'l' && n < 2 * LISTEN_MAX) {
			/* Even slots UDP, odd ones TCP. */
			fds[n++] = (struct pollfd){listen_on(optarg, SOCK_DGRAM), POLLIN, 0};
			fds[n++] = (struct pollfd){listen_on(optarg, SOCK_STREAM), POLLIN, 0};
		} else if (opt == 'o') {
			log_fd = open(optarg, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
			if (log_fd < 0)
				die("dnsd: log");
		} else {
			return 2;
		}
	}
	if (!n) {
		fprintf(stderr, "usage: dnsd -l ADDR [-l ADDR...] [-o LOG] NAME=ADDR...\n");
		return 2;
	}
	table = argv + optind;
	n_table = argc - optind;
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, n, -1) < 0)
			continue;
		for (nfds_t i = 0; i < n; i++) {
			if (!fds[i].revents)
				continue;
			if (i % 2)
				serve_tcp(fds[i].fd);
			else
				serve_udp(fds[i].fd);
		}
	}
}
