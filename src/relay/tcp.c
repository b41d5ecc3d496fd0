/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: two sockets, and splice(2) through a pipe in either direction, so that no byte is
 * copied to this process. A pipe is lent to a direction only while it holds something: an idle
 * connection has none. Nothing is taken from a socket before what was taken last is out on the
 * other side, which is all the backpressure there is. The end of one direction is handed on and the
 * other goes on; a reset ends both by a reset. Must never hold more than its table.
 */
#include "relay/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "relay/address.h"

#define TABLE_MAX   1024
#define PIPE_SIZE   (256 * 1024)
#define CHUNK	    (1024 * 1024) /* the pipe is the limit */
#define TURNS	    8		  /* before another connection has its turn */
#define SPARE_PIPES 32
#define ACCEPTS	    64 /* at once */

struct flow { /* from side N to the other */
	int pipe[2];
	size_t held; /* in the pipe */
	bool ended;  /* nothing more comes */
	bool closed; /* and the other side was told */
};

struct conn {
	int fd[2];	  /* the client's and the target's; -1: none */
	bool readable[2]; /* as far as is known */
	bool writable[2];
	struct flow flow[2];
	bool used, connecting, queued;
	uint8_t target; /* that is tried */
	uint16_t generation;
	uint16_t listener;
};

enum side { CLIENT, TARGET };

static const struct relay *relay;
static struct conn table[TABLE_MAX];
static unsigned int limit, n_used;
static uint32_t next_try; /* where to look for a free slot */
static int spare[SPARE_PIPES][2];
static size_t n_spare;
/* Each connection at most once. */
static uint32_t queue[TABLE_MAX];
static unsigned int queue_head, queue_len;

void tcp_init(const struct relay *r, unsigned int max)
{
	relay = r;
	limit = max < TABLE_MAX ? max : TABLE_MAX;
}

/* --- pipes ----------------------------------------------------------------------------------- */

static int pipe_take(int p[2])
{
	if (n_spare) {
		n_spare--;
		p[0] = spare[n_spare][0];
		p[1] = spare[n_spare][1];
		return 0;
	}
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0) {
		p[0] = p[1] = -1;
		return -errno;
	}
	fcntl(p[1], F_SETPIPE_SZ, PIPE_SIZE); /* over the user's share: it stays small */
	return 0;
}

static void pipe_give(struct flow *f)
{
	if (f->pipe[0] < 0)
		return;
	if (f->held == 0 && n_spare < SPARE_PIPES) {
		spare[n_spare][0] = f->pipe[0];
		spare[n_spare++][1] = f->pipe[1];
		f->pipe[0] = f->pipe[1] = -1;
		return;
	}
	util_close(&f->pipe[0]);
	util_close(&f->pipe[1]);
}

/* --- one connection -------------------------------------------------------------------------- */

static void drop(struct conn *c, bool reset)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	for (int s = CLIENT; s <= TARGET; s++) {
		if (reset && c->fd[s] >= 0)
			setsockopt(c->fd[s], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		util_close(&c->fd[s]);
		pipe_give(&c->flow[s]);
	}
	c->used = false;
	c->generation++;
	n_used--;
}

static void enqueue(struct conn *c)
{
	if (c->queued)
		return;
	c->queued = true;
	queue[(queue_head + queue_len++) % TABLE_MAX] = (uint32_t)(c - table);
}

static struct relay_key key_of(const struct conn *c, enum side side)
{
	return (struct relay_key){.kind = RELAY_CONN,
				  .side = (uint8_t)side,
				  .generation = c->generation,
				  .index = (uint32_t)(c - table)};
}

static int watch(struct conn *c, enum side side)
{
	const int one = 1;

	setsockopt(c->fd[side], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return relay_watch(c->fd[side], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, key_of(c, side));
}

/* Tries the targets from c->target on. */
static int reach_target(struct conn *c)
{
	int r;

	for (;; c->target++) {
		r = relay_connect(relay, &relay->ports.at[c->listener], c->target);
		if (r == -ENOENT)
			return -ECONNREFUSED;
		if (r < 0)
			continue;
		c->fd[TARGET] = r;
		return watch(c, TARGET);
	}
}

static void try_next_target(struct conn *c)
{
	util_close(&c->fd[TARGET]);
	c->target++;
	if (reach_target(c) < 0)
		drop(c, true);
}

/* Splices once into the pipe. 1: something is there; 0: not now, or never again. */
static int fill(struct conn *c, int s)
{
	struct flow *f = &c->flow[s];
	ssize_t n;

	if (f->ended || !c->readable[s])
		return 0;
	if (f->pipe[0] < 0 && pipe_take(f->pipe) < 0)
		return -ENFILE;
	n = splice(c->fd[s], NULL, f->pipe[1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		f->held = (size_t)n;
		return 1;
	}
	if (n == 0) {
		f->ended = true;
		return 0;
	}
	/* The pipe is empty: it is the socket that has nothing. */
	if (errno == EAGAIN)
		c->readable[s] = false;
	else if (errno != EINTR)
		return -errno;
	return 0;
}

/* Splices once out of the pipe. 1: something went; 0: not now. */
static int drain(struct conn *c, int s)
{
	struct flow *f = &c->flow[s];
	ssize_t n;

	if (!c->writable[!s])
		return 0;
	n = splice(f->pipe[0], NULL, c->fd[!s], NULL, f->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n > 0) {
		f->held -= (size_t)n;
		return 1;
	}
	if (n < 0 && errno == EAGAIN)
		c->writable[!s] = false;
	else if (n == 0 || errno != EINTR)
		return n == 0 ? -EPIPE : -errno;
	return 0;
}

/* Carries from side s to the other. 1: there is more to do at once. */
static int pump(struct conn *c, int s)
{
	struct flow *f = &c->flow[s];
	int r = 1;

	for (int turn = 0; r > 0 && turn < TURNS; turn++) {
		r = f->held ? 1 : fill(c, s);
		if (r > 0)
			r = drain(c, s);
	}
	if (r < 0)
		return r;
	if (f->held == 0)
		pipe_give(f);
	if (f->ended && f->held == 0 && !f->closed) {
		shutdown(c->fd[!s], SHUT_WR);
		f->closed = true;
	}
	return f->held ? c->writable[!s] : c->readable[s] && !f->ended;
}

static void carry(struct conn *c)
{
	int there = pump(c, CLIENT), back = there < 0 ? 0 : pump(c, TARGET);

	if (there < 0 || back < 0)
		drop(c, true);
	else if (c->flow[CLIENT].closed && c->flow[TARGET].closed)
		drop(c, false);
	else if (there > 0 || back > 0)
		enqueue(c);
}

/* --- what the loop calls --------------------------------------------------------------------- */

static struct conn *find_free(void)
{
	if (n_used >= limit)
		return NULL;
	for (uint32_t i = 0; i < TABLE_MAX; i++) {
		struct conn *c = &table[(next_try + i) % TABLE_MAX];

		/* What still stands in the queue is not used anew. */
		if (!c->used && !c->queued) {
			next_try = (uint32_t)(c - table) + 1;
			return c;
		}
	}
	return NULL;
}

static void add(int fd, uint16_t listener)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};
	const struct flow empty = {.pipe = {-1, -1}};
	struct conn *c = find_free();

	if (!c) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		return;
	}
	*c = (struct conn){.fd = {fd, -1},
			   .flow = {empty, empty},
			   .used = true,
			   .connecting = true,
			   .generation = c->generation,
			   .listener = listener};
	n_used++;
	if (watch(c, CLIENT) < 0 || reach_target(c) < 0)
		drop(c, true);
}

void tcp_accept(size_t listener)
{
	const struct relay_listener *l = &relay->ports.at[listener];

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			add(fd, (uint16_t)listener);
			continue;
		}
		/* The machine is out of something: do not turn in circles about it. */
		if (errno == ENFILE || errno == EMFILE || errno == ENOBUFS || errno == ENOMEM)
			nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		return;
	}
}

/* The line of the PROXY protocol, version 1. A socket that has sent nothing yet takes it whole. */
static int introduce(const struct conn *c)
{
	char line[RELAY_PROXY_LINE];
	int n = relay_proxy_line(c->fd[CLIENT], line);

	if (n < 0)
		return n;
	return send(c->fd[TARGET], line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

static void connect_event(struct conn *c, uint32_t events)
{
	socklen_t len = sizeof(int);
	int code = 0;

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(c->fd[TARGET], SOL_SOCKET, SO_ERROR, &code, &len) < 0 || code ||
	    (events & (EPOLLERR | EPOLLHUP))) {
		try_next_target(c);
		return;
	}
	c->connecting = false;
	if (relay->ports.at[c->listener].proxy && introduce(c) < 0) {
		drop(c, true);
		return;
	}
	c->writable[TARGET] = true;
	c->readable[TARGET] = true;
	carry(c);
}

void tcp_event(struct relay_key key, uint32_t events)
{
	struct conn *c = &table[key.index];

	if (!c->used || c->generation != key.generation)
		return;
	if (c->connecting && key.side == TARGET) {
		connect_event(c, events);
		return;
	}
	if (events & EPOLLERR) {
		drop(c, true);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		c->readable[key.side] = true;
	if (events & EPOLLOUT)
		c->writable[key.side] = true;
	if (!c->connecting)
		carry(c);
}

bool tcp_work(void)
{
	for (unsigned int n = queue_len; n > 0; n--) {
		struct conn *c = &table[queue[queue_head]];

		queue_head = (queue_head + 1) % TABLE_MAX;
		queue_len--;
		c->queued = false;
		if (c->used && !c->connecting)
			carry(c);
	}
	return queue_len > 0;
}
