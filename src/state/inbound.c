/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See inbound.h. Must never open anything itself: the broker links this. Called by the launcher
 * (its line, and root's own way), the broker and keeper/inbound_serve.c.
 */
#include "state/inbound.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/ports.h"

/* Less than the broker has for a client (SESSION_SERVE_S), so that it can still unplug. */
#define ANSWER_MS  3500
#define LEAVING_MS 1000
#define LOOK_MS	   20

static const char *proto_name(const struct port_map *p)
{
	return !p->proto ? "natpmp" : p->proto == IPPROTO_UDP ? "udp" : "tcp";
}

/* --- the line -------------------------------------------------------------------------------- */

static bool is_port(const char *text, uint16_t *ret)
{
	uint64_t n;

	if (str_uint(text, 1, 65535, &n) < 0)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static bool parse_one(char *text, struct port_map *p)
{
	char *slash = strchr(text, '/'), *inner;

	p->proto = IPPROTO_TCP;
	if (slash) {
		*slash = '\0';
		if (!strcmp(slash + 1, "udp"))
			p->proto = IPPROTO_UDP;
		else if (strcmp(slash + 1, "tcp") != 0)
			return false;
	}
	inner = strchr(text, ':');
	if (inner) {
		*inner = '\0';
		if (!is_port(inner + 1, &p->inner))
			return false;
	}
	if (!strcmp(text, "natpmp") && !slash) {
		p->proto = 0;
		return true;
	}
	if (!is_port(text, &p->outer))
		return false;
	if (!inner)
		p->inner = p->outer;
	return true;
}

int inbound_parse(struct port_maps *m, const char *option, const char *text, struct err *e)
{
	struct port_map p = {0};
	char copy[32];

	if (str_copy(copy, sizeof(copy), text) < 0 || !parse_one(copy, &p))
		return err_set(e, -EINVAL,
			       "%s %.60s: must be PORT, OUTER:INNER (both with /udp for UDP) or "
			       "natpmp, with ports from 1 to 65535",
			       option, text);
	for (size_t i = 0; i < m->n; i++)
		if (m->at[i].outer == p.outer && m->at[i].proto == p.proto)
			return err_set(e, -EINVAL, "%s %s: twice the same port", option, text);
	if (m->n == PORT_MAPS_MAX)
		return err_set(e, -E2BIG, "more than %d %s", PORT_MAPS_MAX, option);
	m->at[m->n++] = p;
	return 0;
}

bool inbound_is_sound(const struct port_map *p)
{
	if (p->zero[0] || p->zero[1] || p->zero[2])
		return false;
	if (!p->proto)
		return !p->outer;
	return p->outer && p->inner && (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP);
}

/* --- who may --------------------------------------------------------------------------------- */

static bool may_open(const struct record *r, uint16_t port)
{
	for (int i = 0; i < RECORD_RANGE_MAX && r->may_expose[i].high; i++)
		if (port >= r->may_expose[i].low && port <= r->may_expose[i].high)
			return true;
	return false;
}

int inbound_check(const struct record *r, const struct port_map *at, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (!at[i].proto && !r->natpmp_gateway.s_addr)
			return err_set(e, -EPERM,
				       "VPN '%s' asks its provider for no port: \"port_forward\": "
				       "\"natpmp\" in /etc/vpnrun/%s.json",
				       r->name, r->name);
		if (!at[i].proto && r->may_expose[0].high)
			continue;
		if (!at[i].proto || !r->may_expose[0].high)
			return err_set(e, -EPERM,
				       "VPN '%s' lets its users open no port (\"allow_expose\" in "
				       "/etc/vpnrun/%s.json)",
				       r->name, r->name);
		if (!may_open(r, at[i].outer))
			return err_set(
				e, -EPERM,
				"port %u is not among those that users of VPN '%s' may open%s "
				"(\"allow_expose\" in /etc/vpnrun/%s.json)",
				at[i].outer, r->name,
				at[i].outer < 1024 ? "; ports below 1024 are root's" : "", r->name);
	}
	return 0;
}

/* --- the alias ------------------------------------------------------------------------------- */

void inbound_format(const struct port_map *at, size_t n, char ret[INBOUND_TEXT_LEN])
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && i < PORT_MAPS_MAX; i++) {
		snprintf(ret + len, INBOUND_TEXT_LEN - len, "%s%s/%u:%u", i ? " " : "",
			 proto_name(&at[i]), at[i].outer, at[i].inner);
		len = strlen(ret);
	}
}

static bool unformat_one(const char *word, struct port_map *p)
{
	char proto[8] = "";
	unsigned int outer, inner;

	if (sscanf(word, "%7[a-z]/%5u:%5u", proto, &outer, &inner) != 3 || outer > 65535 ||
	    inner > 65535)
		return false;
	p->outer = (uint16_t)outer;
	p->inner = (uint16_t)inner;
	p->proto = !strcmp(proto, "tcp") ? IPPROTO_TCP : !strcmp(proto, "udp") ? IPPROTO_UDP : 0;
	return !strcmp(proto, proto_name(p)) && inbound_is_sound(p);
}

void inbound_unformat(const char *text, struct port_maps *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (*text && ret->n < PORT_MAPS_MAX) {
		struct port_map p = {0};

		if (unformat_one(text, &p))
			ret->at[ret->n++] = p;
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
}

/* --- asking ---------------------------------------------------------------------------------- */

static int no_supervisor(const struct record *r, int code, struct err *e)
{
	return err_set(e, code,
		       "nobody is there to open a port of VPN '%s': its supervisor does not run; "
		       "start it with: sudo vpnctl up %s",
		       r->name, r->name);
}

static int receive(int sock, const struct record *r, struct err *e)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct err report;
	int64_t end = util_now_ms() + ANSWER_MS, left;
	int n;

	do {
		left = end - util_now_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(
			e, -ETIMEDOUT,
			"the supervisor of VPN '%s' does not answer, and no port was opened: "
			"try again, or: sudo vpnctl restart %s",
			r->name, r->name);
	if (recv(sock, &report, sizeof(report), MSG_DONTWAIT) != (ssize_t)sizeof(report))
		return no_supervisor(r, -EPIPE, e);
	report.msg[sizeof(report.msg) - 1] = '\0';
	return report.code < 0 ? err_set(e, report.code, "%s", report.msg) : 0;
}

static int ask_once(const struct record *r, const struct inbound_request *req, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, -errno, "cannot make a socket");
	str_fmt(sa.sun_path, sizeof(sa.sun_path), RUN_DIR "/%s.inbound", r->name);
	if (connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return no_supervisor(r, -errno, e);
	if (send(sock, req, sizeof(*req), MSG_NOSIGNAL) != (ssize_t)sizeof(*req))
		return no_supervisor(r, -EPIPE, e);
	return receive(sock, r, e);
}

int inbound_ask(const struct record *r, uint32_t host, uid_t uid, const struct port_maps *maps,
		struct err *e)
{
	struct inbound_request req = {
		.magic = INBOUND_MAGIC,
		.host = host,
		.uid = uid,
		.n = (uint32_t)maps->n,
	};
	int64_t end = util_now_ms() + LEAVING_MS;
	int rc;

	memcpy(req.at, maps->at, maps->n * sizeof(maps->at[0]));
	for (;;) {
		rc = ask_once(r, &req, e);
		/* The cable of a program that has ended stays for some milliseconds. It is waited
		 * for here, and not by the supervisor, which others ask as well. */
		if (rc != -EBUSY || util_now_ms() >= end)
			return rc;
		poll(NULL, 0, LOOK_MS);
	}
}
