/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker does with one connection: read one request, have it plugged, answer, write one log
 * line.
 *
 * Should: treat every byte and descriptor as hostile, and take the descriptor only from those who
 * may use the VPN they name: closing it can block for ever, with no signal that helps (a FUSE file
 * whose server does not answer its flush), and then only their own share of workers is lost. Who
 * may is asked here so that a stranger is turned away before anything is taken or the plugger is
 * bothered; what counts is the plugger's own answer.
 * Mustn't: write more than one line, or what a client said as it is; pass on to the plugger what is
 * not a network namespace.
 *
 * Called by broker/worker.c.
 */
#include "broker/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/log.h"
#include "base/util.h"
#include "ipc/conn.h"
#include "plugd/allow.h"
#include "plugd/whose.h"
#include "state/inbound.h"

static void deadline_set(int seconds)
{
	struct itimerval t = {.it_value = {.tv_sec = seconds}};

	/* This is the default action, so that nothing in here needs to cooperate. */
	setitimer(ITIMER_REAL, &t, NULL);
}

/* No control character reaches a terminal that shows the log. */
static void sanitise(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static void refuse(int sock, const struct peer *p, const char *vpn, struct err *e)
{
	struct proto_reply reply = {
		.magic = PROTO_MAGIC,
		.version = PROTO_VERSION,
		.op = PROTO_ATTACH,
		.code = e->code < 0 ? e->code : -EPERM,
	};

	sanitise(e->msg);
	snprintf(reply.msg, sizeof(reply.msg), "%s", e->msg);
	conn_reply_send(sock, &reply);
	if (vpn)
		log_info("refused %s uid=%u pid=%d: %s", vpn, p->uid, p->pid, e->msg);
	else if (e->code == -EPIPE)
		log_debug("dropped uid=%u pid=%d: %s", p->uid, p->pid, e->msg);
	else
		log_info("dropped uid=%u pid=%d: %s", p->uid, p->pid, e->msg);
}

/* A launch sends its request within a millisecond of connecting. To sleep until then costs it as
 * much again where the scheduler wakes us on the client's own processor, as in virtual machines. */
#define SPIN_MS 2

static void spin_for_request(int sock)
{
	int64_t end = util_now_ms() + SPIN_MS;
	char c;
	struct iovec iov = {&c, sizeof(c)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	while (recvmsg(sock, &m, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN &&
	       util_now_ms() < end)
		;
}

struct name_list {
	char text[128];
	bool more;
};

static int add_name(const struct record *r, void *arg)
{
	struct name_list *l = arg;
	size_t len = strlen(l->text);

	if (r->state != RECORD_UP || l->more)
		return 0;
	if (len + strnlen(r->name, sizeof(r->name)) + 8 > sizeof(l->text)) {
		l->more = true;
		str_copy(l->text + len, sizeof(l->text) - len, ", ...");
		return 0;
	}
	snprintf(l->text + len, sizeof(l->text) - len, "%s%.*s", len ? ", " : "",
		 (int)sizeof(r->name), r->name);
	return 0;
}

/* The VPN exists and is up, or held for those who come before it is. */
static int find_vpn(const char *name, struct record *ret, struct err *e)
{
	struct name_list l = {"", false};
	int r = record_read_settled(name, ret, e);

	if (r == -ENOENT) {
		record_for_each(add_name, &l, NULL);
		return err_set(e, r,
			       "no VPN '%s' is up (these are: %s): `vpnctl list` shows those that "
			       "exist, `sudo vpnctl up %s` brings it up",
			       name, l.text[0] ? l.text : "none", name);
	}
	return r < 0 ? r : record_check_open(ret, e);
}

/* The ports that the request asks to open are sound, and the VPN's file lets its users. */
static int check_expose(const struct record *r, const struct proto_request *req, struct err *e)
{
	for (uint32_t i = 0; i < req->n_expose; i++)
		if (!inbound_is_sound(&req->expose[i]))
			return err_set(e, -EBADMSG, "what the request wants opened is not a port");
	return inbound_check(r, req->expose, req->n_expose, e);
}

/* One client's request, from the wait for it to its answer. */
struct serving {
	int sock;
	struct peer *peer;
	struct plugger *plugger;
	struct accounts files; /* of the moment at which the wait began: a first opinion */
	struct proto_request request;
	struct proto_reply reply;
	char port[LEASE_IF_LEN]; /* of the lease */
	int bad; /* a descriptor that nobody may close who has something left to do; -1: none */
};

/* Tells a user whom no list lets in what can be done, where it is true. */
static int advise(const struct record *r, const struct accounts *a, const struct peer *p,
		  struct err *e)
{
	char name[ACCOUNTS_NAME_MAX];

	accounts_name(a, p->uid, name);
	err_set(e, -EACCES, "user %s (uid %u) may not use VPN '%s'", name, p->uid, r->name);
	if (accounts_has_user(a, p->uid) && r->allow_groups[0][0])
		return err_hint(e, -EACCES,
				"let them in with `sudo usermod -aG %.*s %s`, which counts at once",
				RECORD_ALLOW_LEN, r->allow_groups[0], name);
	return err_hint(e, -EACCES, "\"allow\" in /etc/vpnrun/%s.json says who may", r->name);
}

static int plug(struct serving *s, const struct record *r, int netns_fd, struct err *e)
{
	struct port_maps maps = {.n = s->request.n_expose};
	const struct plug_wish wish = {s->request.vpn, netns_fd,
				       (s->request.flags & PROTO_LAN) != 0};
	int n;

	/* The client has had its say, and can hold nobody up by now: on a busy machine it is the
	 * others in the queue that take the time. */
	deadline_set(SESSION_PLUG_S);
	n = plugger_ask(s->plugger, &wish, s->peer, &s->reply.host, e);
	deadline_set(SESSION_SERVE_S);
	if (n < 0 || !maps.n)
		return n;
	/* Where the ports are refused, so is the launch, and the cable goes with its namespace. */
	memcpy(maps.at, s->request.expose, maps.n * sizeof(maps.at[0]));
	return inbound_ask(r, s->reply.host, s->peer->owner, &maps, e);
}

static int attach(struct serving *s, struct err *e)
{
	AUTO_CLOSE int netns_fd = -1;
	struct lease_pool pool;
	struct record r;
	int n = find_vpn(s->request.vpn, &r, e);

	if (n < 0)
		return n;
	conn_peer_groups(s->sock, s->peer);
	n = allow_user(&r, &s->files, s->peer, e);
	if (n == ALLOW_NOT_LISTED)
		return advise(&r, &s->files, s->peer, e);
	n = n ?: check_expose(&r, &s->request, e);
	if (n == 0 && (s->request.flags & PROTO_LAN))
		n = record_check_lan(&r, e);
	if (n < 0)
		return n;
	n = conn_request_take(s->sock, &netns_fd, e);
	n = n ?: whose_check_kind(netns_fd, e);
	if (n < 0) {
		s->bad = take_fd(&netns_fd);
		return n;
	}
	n = plug(s, &r, netns_fd, e);
	if (n < 0)
		return n == ALLOW_NOT_LISTED ? advise(&r, &s->files, s->peer, e) : n;
	pool = record_pool(&r);
	lease_port(&pool, s->reply.host, s->port);
	return 0;
}

int session_serve(int sock, struct peer *p, bool alone, struct plugger *plugger)
{
	struct serving s = {
		.sock = sock,
		.peer = p,
		.plugger = plugger,
		.reply = {.magic = PROTO_MAGIC, .version = PROTO_VERSION, .op = PROTO_ATTACH},
		.bad = -1,
	};
	struct err e = ERR_INIT;

	/* Before the request comes: the client is busy making its namespaces meanwhile. */
	if (accounts_load(&s.files, &e) == 0 && alone)
		spin_for_request(sock);
	if (e.code < 0 || conn_request_peek(sock, SESSION_IDLE_S * 1000, &s.request, &e) < 0) {
		deadline_set(SESSION_SERVE_S);
		refuse(sock, p, NULL, &e);
	} else {
		deadline_set(SESSION_SERVE_S);
		if (attach(&s, &e) < 0) {
			refuse(sock, p, e.code == -EBADMSG ? NULL : s.request.vpn, &e);
		} else {
			conn_reply_send(sock, &s.reply);
			log_info("attach %s uid=%u pid=%d -> %s", s.request.vpn, p->uid, p->pid,
				 s.port);
		}
	}
	conn_finish(sock);
	conn_peer_free(p);
	accounts_free(&s.files);
	return s.bad;
}

void session_refuse(int sock, const struct peer *p, int code, const char *sentence)
{
	struct err e = ERR_INIT;

	deadline_set(SESSION_REFUSE_S);
	err_set(&e, code, "%s", sentence);
	refuse(sock, p, NULL, &e);
	conn_finish(sock);
}

void session_end(void)
{
	deadline_set(0);
}
