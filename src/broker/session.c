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

/* The VPN exists and is up. */
static int find_vpn(const char *name, struct record *ret, struct err *e)
{
	struct name_list l = {"", false};
	int r = record_read_settled(name, ret, e);

	if (r == -ENOENT) {
		record_for_each(add_name, &l);
		return err_set(e, r,
			       "no VPN '%s' is up (these are: %s): `vpnctl list` shows those that "
			       "exist, `sudo vpnctl up %s` brings it up",
			       name, l.text[0] ? l.text : "none", name);
	}
	return r < 0 ? r : allow_check_up(ret, e);
}

/* The ports that the request asks to open are sound, and the VPN's file lets its users. */
static int check_expose(const struct record *r, const struct proto_request *req, struct err *e)
{
	for (uint32_t i = 0; i < req->n_expose; i++)
		if (!inbound_is_sound(&req->expose[i]))
			return err_set(e, -EBADMSG, "what the request wants opened is not a port");
	return inbound_check(r, req->expose, req->n_expose, e);
}

/* A worker has this ready when the request comes. */
struct ready {
	struct plugger *plugger;
	struct accounts files; /* of the moment at which it began to wait: a first opinion */
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

static int plug(struct plugger *plugger, const struct proto_request *req, const struct record *r,
		const struct peer *p, int netns_fd, uint32_t *ret_host, struct err *e)
{
	int n = plugger_ask(plugger, req->vpn, p, netns_fd, ret_host, e);

	/* Where the ports are refused, so is the launch, and the cable goes with its namespace. */
	if (n == 0 && req->n_expose)
		n = inbound_ask(r, *ret_host, p->owner, req->expose, req->n_expose, e);
	return n;
}

/* *ret_bad: a descriptor that nobody may close who has something left to do. */
static int attach(int sock, const struct proto_request *req, const struct ready *with,
		  struct peer *p, struct proto_reply *reply, char port[LEASE_IF_LEN], int *ret_bad,
		  struct err *e)
{
	AUTO_CLOSE int netns_fd = -1;
	struct lease_pool pool;
	struct record r;
	int n = find_vpn(req->vpn, &r, e);

	if (n < 0)
		return n;
	conn_peer_groups(sock, p);
	n = allow_user(&r, &with->files, p, e);
	if (n == ALLOW_NOT_LISTED)
		return advise(&r, &with->files, p, e);
	if (n == 0)
		n = check_expose(&r, req, e);
	if (n < 0)
		return n;
	n = conn_request_take(sock, &netns_fd, e);
	n = n ?: whose_check_kind(netns_fd, e);
	if (n < 0) {
		*ret_bad = take_fd(&netns_fd);
		return n;
	}
	n = plug(with->plugger, req, &r, p, netns_fd, &reply->host, e);
	if (n < 0)
		return n == ALLOW_NOT_LISTED ? advise(&r, &with->files, p, e) : n;
	pool = record_pool(&r);
	lease_port(&pool, reply->host, port);
	return 0;
}

int session_serve(int sock, struct peer *p, bool alone, struct plugger *plugger)
{
	struct ready with = {.plugger = plugger};
	struct proto_reply reply = {
		.magic = PROTO_MAGIC,
		.version = PROTO_VERSION,
		.op = PROTO_ATTACH,
	};
	struct proto_request req;
	struct err e = ERR_INIT;
	char port[LEASE_IF_LEN];
	int bad = -1;

	/* Before the request comes: the client is busy making its namespaces meanwhile. */
	if (accounts_load(&with.files, &e) == 0 && alone)
		spin_for_request(sock);
	if (e.code < 0 || conn_request_peek(sock, SESSION_IDLE_S * 1000, &req, &e) < 0) {
		deadline_set(SESSION_SERVE_S);
		refuse(sock, p, NULL, &e);
	} else {
		deadline_set(SESSION_SERVE_S);
		if (attach(sock, &req, &with, p, &reply, port, &bad, &e) < 0) {
			refuse(sock, p, e.code == -EBADMSG ? NULL : req.vpn, &e);
		} else {
			conn_reply_send(sock, &reply);
			log_info("attach %s uid=%u pid=%d -> %s", req.vpn, p->uid, p->pid, port);
		}
	}
	conn_finish(sock);
	conn_peer_free(p);
	accounts_free(&with.files);
	return bad;
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
