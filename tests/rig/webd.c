// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rig's web server: `webd [-p PORT] WORD` answers every GET with WORD, so that what a client
 * reads tells which side it reached. /ip answers the client's address, /big?N sends N bytes,
 * /stream sends a line every 10 ms until the client goes. Says one line on stdout once it listens.
 *
 * One process, one poll loop, both address families; a client can hold up nobody but itself. Only
 * for tests: it trusts the namespace it runs in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define STREAM_MS   10

enum phase {
	PHASE_READ, /* the request */
	PHASE_SEND, /* head, then `left` bytes of filling */
	PHASE_STREAM,
};

struct client {
	enum phase phase;
	char in[1024];
	size_t in_len;
	char out[512];
	size_t out_len, out_off;
	size_t left;
	unsigned int line;
	struct sockaddr_in6 peer;
};

/* Slot 0 is the listener; clients[i] belongs to fds[i]. */
static struct pollfd fds[CLIENTS_MAX + 1];
static struct client clients[CLIENTS_MAX + 1];
static nfds_t n_fds = 1;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void client_drop(nfds_t i)
{
	close(fds[i].fd);
	n_fds--;
	fds[i] = fds[n_fds];
	clients[i] = clients[n_fds];
}

static void client_accept(void)
{
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(fds[0].fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (n_fds > CLIENTS_MAX) {
		close(fd);
		return;
	}
	memset(&clients[n_fds], 0, sizeof(clients[n_fds]));
	clients[n_fds].peer = peer;
	fds[n_fds] = (struct pollfd){.fd = fd, .events = POLLIN};
	n_fds++;
}

static void peer_text(const struct client *c, char *text, size_t size)
{
	const struct in6_addr *a = &c->peer.sin6_addr;

	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], text, (socklen_t)size);
	else
		inet_ntop(AF_INET6, a, text, (socklen_t)size);
}

static void client_answer(struct client *c, const char *word)
{
	char body[128] = "", title[33];
	const char *type = "plain";
	unsigned long big = 0;
	int n;

	c->phase = PHASE_SEND;
	if (!strncmp(c->in, "GET /stream", 11)) {
		c->phase = PHASE_STREAM;
		n = snprintf(c->out, sizeof(c->out),
			     "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n");
		c->out_len = (size_t)n;
		return;
	}
	if (!strncmp(c->in, "GET /big?", 9)) {
		big = strtoul(c->in + 9, NULL, 10);
	} else if (!strncmp(c->in, "GET /ip", 7)) {
		peer_text(c, body, sizeof(body) - 1);
		strcat(body, "\n");
	} else if (sscanf(c->in, "GET /page?%32[a-z]", title) == 1) {
		type = "html";
		snprintf(body, sizeof(body), "<!doctype html><title>%s</title>%s\n", title, word);
	} else {
		snprintf(body, sizeof(body), "%s\n", word);
	}
	c->left = big;
	n = snprintf(c->out, sizeof(c->out),
		     "HTTP/1.0 200 OK\r\nContent-Type: text/%s\r\nContent-Length: %zu\r\n\r\n%s",
		     type, strlen(body) + big, body);
	c->out_len = (size_t)n;
}

/* Returns false when the client is done with or gone. */
static bool client_read(nfds_t i, const char *word)
{
	struct client *c = &clients[i];
	ssize_t n = recv(fds[i].fd, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len, 0);

	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	if (c->phase != PHASE_READ) {
		/* What comes after the request is of no interest. */
		c->in_len = 0;
		return true;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (!strstr(c->in, "\r\n\r\n") && !strstr(c->in, "\n\n"))
		return c->in_len < sizeof(c->in) - 1;
	c->in_len = 0;
	client_answer(c, word);
	fds[i].events = POLLIN | POLLOUT;
	return true;
}

static bool client_write(nfds_t i)
{
	static const char filling[16384];
	struct client *c = &clients[i];
	ssize_t n;

	if (c->out_off < c->out_len) {
		n = send(fds[i].fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->out_off += (size_t)n;
	} else if (c->left > 0) {
		n = send(fds[i].fd, filling, c->left < sizeof(filling) ? c->left : sizeof(filling),
			 MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->left -= (size_t)n;
	}
	if (c->out_off < c->out_len || c->left > 0)
		return true;
	if (c->phase != PHASE_STREAM)
		return false;
	fds[i].events = POLLIN;
	return true;
}

static bool stream_tick(void)
{
	bool any = false;

	for (nfds_t i = 1; i < n_fds; i++) {
		struct client *c = &clients[i];

		if (c->phase != PHASE_STREAM)
			continue;
		any = true;
		if (c->out_off < c->out_len)
			continue;
		c->out_len = (size_t)snprintf(c->out, sizeof(c->out), "line %u\n", c->line++);
		c->out_off = 0;
		fds[i].events = POLLIN | POLLOUT;
	}
	return any;
}

static void serve(const char *word)
{
	struct timespec now, last = {0};
	bool streaming = false;

	for (;;) {
		if (poll(fds, n_fds, streaming ? STREAM_MS : -1) < 0)
			continue;
		for (nfds_t i = n_fds - 1; i >= 1; i--) {
			short got = fds[i].revents;
			bool keep = true;

			fds[i].revents = 0;
			if (got & (POLLIN | POLLHUP | POLLERR))
				keep = client_read(i, word);
			if (keep && (got & POLLOUT))
				keep = client_write(i);
			if (!keep)
				client_drop(i);
		}
		if (fds[0].revents)
			client_accept();
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!streaming ||
		    (now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000 >=
			    STREAM_MS) {
			streaming = stream_tick();
			last = now;
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	const int on = 1, off = 0;
	int opt, fd;

	while ((opt = getopt(argc, argv, "p:")) != -1) {
		if (opt != 'p')
			return 2;
		any.sin6_port = htons((uint16_t)strtoul(optarg, NULL, 10));
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: webd [-p PORT] WORD\n");
		return 2;
	}
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die("webd: socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("webd: bind");
	if (listen(fd, 512) < 0)
		die("webd: listen");
	fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	puts("ready");
	fflush(stdout);
	serve(argv[optind]);
	return 0;
}
