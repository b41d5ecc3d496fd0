/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Endpoints of a tunnel as socket addresses. Asks the resolver of the namespace that it is called
 * in, which must be that of the tunnel's socket: inside the VPN's own there is nothing yet that
 * could answer.
 */
#include "tunnel/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nl/route.h"
#include "tunnel/uplink_dns.h"

static void (*tell_name)(const char *host);

void resolve_on_ask(void (*fn)(const char *host))
{
	tell_name = fn;
}

void endpoint_set_free(struct endpoint_set *es)
{
	free(es->at);
	es->at = NULL;
	es->n = 0;
}

static bool has_route(struct nl_sock *s, const union wg_endpoint *ep)
{
	const struct rtnl_target to = {ep->family, wg_endpoint_addr(ep), MARK_BASE};
	struct rtnl_way way;

	return rtnl_route_get(s, &to, &way, NULL) == 0;
}

static bool take_address(const struct addrinfo *ai, union wg_endpoint *ret)
{
	if (ai->ai_family == AF_INET && ai->ai_addrlen == sizeof(ret->in))
		memcpy(&ret->in, ai->ai_addr, sizeof(ret->in));
	else if (ai->ai_family == AF_INET6 && ai->ai_addrlen == sizeof(ret->in6))
		memcpy(&ret->in6, ai->ai_addr, sizeof(ret->in6));
	else
		return false;
	return true;
}

bool endpoint_is_same(const union wg_endpoint *a, const union wg_endpoint *b)
{
	if (a->family != b->family)
		return false;
	if (a->family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
}

void endpoint_interleave(union wg_endpoint *at, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		size_t j = i;
		union wg_endpoint other;

		while (j < n && at[j].family == at[i - 1].family)
			j++;
		if (j == n)
			return;
		other = at[j];
		memmove(&at[i + 1], &at[i], (j - i) * sizeof(*at));
		at[i] = other;
	}
}

static bool all_have(const union wg_endpoint *at, const union wg_endpoint *other, size_t n,
		     sa_family_t family)
{
	for (size_t i = 0; i < n; i++)
		if (at[i].family && at[i].family != family && other[i].family != family)
			return false;
	return true;
}

void endpoint_agree(union wg_endpoint *at, const union wg_endpoint *other, size_t n)
{
	sa_family_t family = all_have(at, other, n, AF_INET) ? AF_INET : AF_INET6;
	bool ipv4 = false, ipv6 = false;

	for (size_t i = 0; i < n; i++) {
		ipv4 |= at[i].family == AF_INET;
		ipv6 |= at[i].family == AF_INET6;
	}
	if (!ipv4 || !ipv6 || !all_have(at, other, n, family))
		return;
	for (size_t i = 0; i < n; i++)
		if (at[i].family && at[i].family != family)
			at[i] = other[i];
}

void endpoint_keep_family(struct endpoint_set *es)
{
	sa_family_t family = 0;
	size_t kept = 0;

	for (size_t i = 0; i < es->n; i++)
		if (i != es->named && es->at[i].family)
			family = es->at[i].family;
	for (size_t i = 0; i < es->n_others; i++)
		if (!family || es->others[i].family == family)
			es->others[kept++] = es->others[i];
	es->n_others = kept;
}

/* Those that there is a way to: a name with both families is common on networks with one. Where
 * there is a way to none, the network may be about to come. */
static size_t keep_routed(union wg_endpoint *at, size_t n)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	size_t kept = 0;

	if (n < 2 || nl_sock_open(&s, NETLINK_ROUTE, NULL) < 0)
		return n;
	for (size_t i = 0; i < n; i++)
		if (has_route(&s, &at[i])) {
			union wg_endpoint ep = at[i];

			memmove(&at[kept + 1], &at[kept], (i - kept) * sizeof(*at));
			at[kept++] = ep;
		}
	return kept ? kept : n;
}

static size_t take_list(const struct addrinfo *list, union wg_endpoint *ret, size_t max)
{
	size_t n = 0;

	for (const struct addrinfo *ai = list; ai && n < max; ai = ai->ai_next)
		n += take_address(ai, &ret[n]);
	return n;
}

static void wait_s(unsigned int s)
{
	struct timespec ts = {.tv_sec = (time_t)s};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* All addresses of one peer's endpoint, the best first, and how many. */
static int resolve_one(const struct tunnel_peer *p, int retries,
		       union wg_endpoint all[ENDPOINT_OTHERS], struct err *e)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_UDP};
	struct addrinfo *list = NULL;
	char port[8];
	size_t n;
	int gai, sys = 0;

	if (!p->endpoint_is_name)
		hints.ai_flags = AI_NUMERICHOST;
	str_fmt(port, sizeof(port), "%u", p->port);
	if (p->endpoint_is_name && tell_name)
		tell_name(p->host);
	n = p->endpoint_is_name ? uplink_dns_resolve(p->host, p->port, all, ENDPOINT_OTHERS) : 0;
	if (n)
		return (int)n;
	for (int i = 0;; i++) {
		gai = getaddrinfo(p->host, port, &hints, &list);
		sys = errno;
		if (gai != EAI_AGAIN || i >= retries)
			break;
		wait_s(1u << (i < 5 ? i : 5));
	}
	if (gai == EAI_SYSTEM)
		return err_set(e, -EHOSTUNREACH,
			       "cannot resolve the endpoint %s: %s; is the network up?", p->host,
			       strerror(sys));
	if (gai != 0)
		return err_set(e, -EHOSTUNREACH,
			       "cannot resolve the endpoint %s: %s; is the network up?", p->host,
			       gai_strerror(gai));
	n = take_list(list, all, ENDPOINT_OTHERS);
	freeaddrinfo(list);
	if (!n)
		return err_set(e, -EADDRNOTAVAIL, "the endpoint %s has no address", p->host);
	return (int)n;
}

struct resolving {
	const struct tunnel *t;
	int retries;
	struct endpoint_set es;
	union wg_endpoint *other; /* one for each peer, of its other family, if it has both */
};

static int resolve_peer(struct resolving *w, size_t i, struct err *e)
{
	const struct tunnel_peer *p = &w->t->peers[i];
	union wg_endpoint all[ENDPOINT_OTHERS] = {0};
	int n = resolve_one(p, w->retries, all, e);

	if (n < 0)
		return n;
	n = (int)keep_routed(all, (size_t)n);
	endpoint_interleave(all, (size_t)n);
	w->es.at[i] = all[0];
	/* The families are in turn, so the second is of the other one, if there is any. */
	if (n > 1 && all[1].family != all[0].family)
		w->other[i] = all[1];
	if (!p->endpoint_is_name)
		return 0;
	/* Of several, nobody could tell which is silent. */
	w->es.n_others = w->es.named == i ? (size_t)n : 0;
	memcpy(w->es.others, all, w->es.n_others * sizeof(all[0]));
	return 0;
}

static int resolve_peers(struct resolving *w, struct err *e)
{
	struct endpoint_set *es = &w->es;
	int r = 0;

	for (size_t i = es->n; i-- > 0;)
		if (w->t->peers[i].endpoint_is_name)
			es->named = i;
	for (size_t i = 0; i < es->n && r == 0; i++)
		if (w->t->peers[i].host)
			r = resolve_peer(w, i, e);
	if (r < 0)
		return r;
	endpoint_agree(es->at, w->other, es->n);
	/* The second is the first of the other family. */
	if (es->n_others > 1 && !endpoint_is_same(&es->others[0], &es->at[es->named])) {
		es->others[1] = es->others[0];
		es->others[0] = es->at[es->named];
	}
	return 0;
}

int resolve_endpoints_retry(const struct tunnel *t, int retries, struct endpoint_set *ret,
			    struct err *e)
{
	size_t n = t->n_peers ? t->n_peers : 1;
	AUTO_FREE union wg_endpoint *other = calloc(n, sizeof(*other));
	struct resolving w = {t, retries, {.n = t->n_peers}, other};
	int r;

	w.es.at = calloc(n, sizeof(*w.es.at));
	r = w.es.at && other ? resolve_peers(&w, e)
			     : err_sys(e, -ENOMEM, "cannot note %zu endpoints", t->n_peers);
	if (r < 0) {
		endpoint_set_free(&w.es);
		return r;
	}
	*ret = w.es;
	return 0;
}

int resolve_endpoints(const struct tunnel *t, struct endpoint_set *ret, struct err *e)
{
	return resolve_endpoints_retry(t, RESOLVE_RETRIES, ret, e);
}

void endpoint_format(const union wg_endpoint *ep, char ret[ENDPOINT_TEXT_LEN])
{
	char addr[INET6_ADDRSTRLEN];

	ret[0] = '\0';
	if (ep->family == AF_INET)
		str_fmt(ret, ENDPOINT_TEXT_LEN, "%s:%u",
			inet_ntop(AF_INET, &ep->in.sin_addr, addr, sizeof(addr)),
			ntohs(ep->in.sin_port));
	else if (ep->family == AF_INET6)
		str_fmt(ret, ENDPOINT_TEXT_LEN, "[%s]:%u",
			inet_ntop(AF_INET6, &ep->in6.sin6_addr, addr, sizeof(addr)),
			ntohs(ep->in6.sin6_port));
}
