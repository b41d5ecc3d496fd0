/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See via.h. Names are asked for by a process of its own, in that namespace and with mounts that
 * hide every other way to a name server: the host's must not learn what a VPN is to hide. Called by
 * up/apply and by the supervisor.
 */
#include "tunnel/via.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/child.h"
#include "nl/route.h"
#include "ns/names.h"
#include "ns/netns.h"
#include "ns/view.h"
#include "tunnel/uplink_dns.h"

#define WORD_MS 1000 /* then it is said what is waited for */

static int open_namespace(const struct profile *p, bool must_be_up, struct record *ret,
			  struct err *e)
{
	memset(ret, 0, sizeof(*ret));
	if (!p->via)
		return -1;
	if (record_read(p->via, ret, NULL) < 0 || (must_be_up && ret->state != RECORD_UP))
		return err_wrap(e, record_fail_down(p->via, e),
				"%s goes through VPN '%s' (\"via\")", p->name, p->via);
	if (ret->layout == LAYOUT_BRIDGE)
		return err_set(e, -ENETDOWN,
			       "%s goes through VPN '%s' (\"via\"), which came up in the layout "
			       "\"bridge\" and has no namespace of its own; first: vpnctl down %s",
			       p->name, p->via, p->via);
	return record_open_netns(ret, e);
}

int via_open(const struct profile *p, struct record *ret, struct err *e)
{
	return open_namespace(p, true, ret, e);
}

/* --- names ----------------------------------------------------------------------------------- */

/* Asks for a profile's endpoints as through the VPN r, whose namespace is ns_fd. */
struct via_question {
	const struct profile *p;
	int ns_fd;
	const struct record *r;
	int retries;
};

static int ask(const struct via_question *q, struct endpoint_set *ret, struct err *e)
{
	struct names_dns dns[NAMES_DNS_MAX];
	char resolv[NAMES_RESOLV_MAX];
	struct ns_view v = {.resolv_conf = resolv};
	struct view_report report;
	int back, rc;

	rc = names_resolv_conf(resolv, sizeof(resolv), dns, record_servers(q->r, dns),
			       q->r->search);
	if (rc < 0)
		return err_sys(e, rc, "cannot write the name servers of %s", q->r->name);
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(e, -errno, "cannot make a mount namespace");
	rc = ns_netns_enter(q->ns_fd, &back, e);
	rc = rc ?: ns_view_make(&v, &report, e);
	return rc < 0 ? rc : resolve_endpoints_retry(&q->p->tunnel, q->retries, ret, e);
}

/* All of the set but where its endpoints lie: these follow it. */
static size_t answer_size(size_t n)
{
	return sizeof(struct endpoint_set) + n * sizeof(union wg_endpoint);
}

static int ask_in_child(void *arg, void *answer, size_t *len, struct err *e)
{
	const struct via_question *q = arg;
	struct endpoint_set es = {0};
	int r;

	resolve_on_ask(child_note);
	r = q->p->via ? ask(q, &es, e) : resolve_endpoints_retry(&q->p->tunnel, q->retries, &es, e);
	if (r < 0)
		return q->p->via ? err_wrap(e, r, "through VPN '%s'", q->p->via) : r;
	*len = answer_size(es.n);
	memcpy(answer, &es, sizeof(es));
	memcpy((char *)answer + sizeof(es), es.at, es.n * sizeof(*es.at));
	return 0;
}

static void (*on_wait)(const char *host, const char *servers, const char *via);

void via_on_wait(void (*fn)(const char *host, const char *servers, const char *via))
{
	on_wait = fn;
}

static size_t find_servers(const struct profile *p, const struct record *r,
			   struct record_ip ret[RECORD_DNS_MAX])
{
	struct names_dns dns[NAMES_DNS_MAX];
	int known;

	if (p->via) {
		size_t n = record_servers(r, dns);

		for (size_t i = 0; i < n && i < RECORD_DNS_MAX; i++) {
			ret[i].family = (uint8_t)dns[i].family;
			memcpy(ret[i].addr, dns[i].addr, sizeof(ret[i].addr));
		}
		return n < RECORD_DNS_MAX ? n : RECORD_DNS_MAX;
	}
	known = uplink_dns_servers(ret, RECORD_DNS_MAX, NULL);
	known = known ?: uplink_dns_parse("/etc/resolv.conf", ret, RECORD_DNS_MAX, NULL);
	known = known ?: uplink_dns_parse(RESOLVED_UPLINK, ret, RECORD_DNS_MAX, NULL);
	return known < 0 ? 0 : (size_t)known; /* they are only named */
}

static void say_wait(void *arg, const char *host)
{
	const struct via_question *q = arg;
	struct record_ip servers[RECORD_DNS_MAX] = {0};
	size_t n = find_servers(q->p, q->r, servers), at = 0;
	char text[RECORD_DNS_MAX * (INET6_ADDRSTRLEN + 2)] = "", addr[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++)
		at += (size_t)str_fmt(
			text + at, sizeof(text) - at, "%s%s", i ? ", " : "",
			inet_ntop(servers[i].family, servers[i].addr, addr, sizeof(addr)));
	on_wait(host, text, q->p->via ? q->p->via : "");
}

static int take_answer(const char *answer, size_t len, size_t n, struct endpoint_set *ret,
		       struct err *e)
{
	struct endpoint_set es;

	if (len != answer_size(n))
		return err_set(e, -ECHILD, "whoever asked for the endpoints ended too early");
	memcpy(&es, answer, sizeof(es));
	es.at = calloc(n + 1, sizeof(*es.at));
	if (!es.at)
		return err_sys(e, -ENOMEM, "cannot note %zu endpoints", n);
	es.n = n;
	memcpy(es.at, answer + sizeof(es), n * sizeof(*es.at));
	*ret = es;
	return 0;
}

static bool has_names(const struct tunnel *t)
{
	for (size_t i = 0; i < t->n_peers; i++)
		if (t->peers[i].endpoint_is_name)
			return true;
	return false;
}

int via_resolve(const struct profile *p, int ns_fd, const struct record *r, int retries,
		struct endpoint_set *ret, struct err *e)
{
	struct via_question q = {p, ns_fd, r, retries};
	size_t n = p->tunnel.n_peers, len = 0;
	AUTO_FREE char *answer = NULL;
	char silent[ERR_MSG_MAX];
	struct child_job job = {.fn = ask_in_child,
				.arg = &q,
				.size = answer_size(n),
				.timeout_ms = -1,
				.silent = silent,
				.still = on_wait ? say_wait : NULL,
				.still_ms = WORD_MS};
	int rc;

	/* Whoever says for what it waits needs somebody else to do the waiting. */
	if ((!p->via && !on_wait) || !has_names(&p->tunnel))
		return resolve_endpoints_retry(&p->tunnel, retries, ret, e);
	job.answer = answer = malloc(job.size);
	if (!answer)
		return err_sys(e, -ENOMEM, "cannot note %zu endpoints", n);
	snprintf(silent, sizeof(silent), "cannot ask for the endpoints of %s", p->name);
	rc = child_call(&job, &len, e);
	if (on_wait)
		on_wait(NULL, NULL, NULL);
	return rc < 0 ? rc : take_answer(answer, len, n, ret, e);
}

int via_resolve_here(const struct profile *p, int retries, struct endpoint_set *ret, struct err *e)
{
	struct record via;
	/* While the other restarts, its tunnel is gone and its namespace stays. */
	AUTO_CLOSE int fd = open_namespace(p, false, &via, e);

	if (p->via && fd < 0)
		return fd;
	if (p->via && !same_fd_path(fd, "/proc/self/ns/net"))
		return err_set(
			e, -ESTALE,
			"the namespace of %s is another than when %s came up; now: vpnctl up %s",
			p->via, p->name, p->name);
	return via_resolve(p, fd, &via, retries, ret, e);
}

/* --- ways ------------------------------------------------------------------------------------ */

int via_check_way(const struct profile *p, const struct record *via, const struct endpoint_set *es,
		  struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = p->via ? nl_sock_open(&s, NETLINK_ROUTE, e) : 0;

	for (size_t i = 0; r == 0 && p->via && i < es->n; i++) {
		const union wg_endpoint *ep = &es->at[i];
		const struct rtnl_target to = {.family = ep->family, .addr = wg_endpoint_addr(ep)};
		char dev[IF_NAMESIZE] = "", text[ENDPOINT_TEXT_LEN];
		unsigned int port = ntohs(ep->in.sin_port); /* in6's is at the same place */
		struct rtnl_way way;

		if (!ep->family)
			continue;
		if ((via->flags & RECORD_OWN_DNS) && (port == 53 || port == 853))
			return err_set(e, -ENETUNREACH,
				       "port %u of the endpoint is DNS, which \"other_dns\" of "
				       "VPN '%s' keeps from it: choose another port",
				       port, p->via);
		if (rtnl_route_get(&s, &to, &way, NULL) == 0 &&
		    if_indextoname((unsigned int)way.oif, dev) && !strcmp(dev, p->via))
			continue;
		endpoint_format(ep, text);
		r = err_set(
			e, -ENETUNREACH,
			"the tunnel of VPN '%s' (\"via\") does not lead to the endpoint %s: see "
			"its AllowedIPs, and vpnctl status %s",
			p->via, text, p->via);
	}
	return r;
}

struct via_search {
	const char *name;
	struct err *e;
};

static int refuse_user(const struct record *r, void *arg)
{
	const struct via_search *s = arg;

	if (r->state == RECORD_DOWN || strcmp(r->via, s->name) != 0)
		return 0;
	return err_set(
		s->e, -EBUSY,
		"VPN '%s' goes through %s (\"via\"); first: vpnctl down %s (or down --force %s, "
		"and %s reaches nothing until both are up again)",
		r->name, s->name, r->name, s->name, r->name);
}

int via_check_unused(const char *name, struct err *e)
{
	struct via_search s = {name, e};

	return record_for_each(refuse_user, &s, e);
}
