/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See answer.h. WireGuard has no connection to wait for: a device is up whether or not its far end
 * exists, and says nothing before there is something to send. `up` has set the peers anew, so that
 * a handshake which is seen now was answered now. Must never hold the VPN's lock: `down` may come
 * meanwhile. Called by `vpnctl up` and `restart`.
 */
#include "up/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nl/route.h"
#include "ns/netns.h"
#include "state/health.h"
#include "tunnel/resolve.h"

/* Only that there is one is asked for: peers keep the endpoints that they have. */
static int call_peers(const struct profile *p, struct far_answer *a, struct err *e)
{
	const struct tunnel *t = &p->tunnel;
	struct endpoint_set es = {.n = t->n_peers};
	AUTO_FREE union wg_endpoint *at = calloc(t->n_peers + 1, sizeof(*at));
	const struct tunnel_dev dev = {p->name, a->ns_fd, a->record.flags & RECORD_USERSPACE};
	int r;

	if (!at)
		return err_sys(e, -ENOMEM, "cannot hold %zu endpoints", t->n_peers);
	a->state = ANSWER_NOBODY;
	for (size_t i = 0; i < t->n_peers; i++)
		if (t->peers[i].endpoint) {
			at[i].family = AF_INET;
			a->state = ANSWER_WAITING;
		}
	es.at = at;
	r = a->state == ANSWER_NOBODY ? 0 : tunnel_dev_call(&dev, t, &es, e);
	return r;
}

int answer_begin(const struct profile *p, struct far_answer *ret, struct err *e)
{
	struct far_answer *a = ret;
	int r;

	*a = (struct far_answer)ANSWER_INIT;
	a->begun_ms = util_now_ms();
	r = record_read(p->name, &a->record, e);
	if (r == 0 && a->record.state != RECORD_UP)
		r = err_set(e, -ENETDOWN, "%s was taken down meanwhile", p->name);
	if (r == 0) {
		a->ns_fd = record_open_netns(&a->record, e);
		r = a->ns_fd < 0 ? a->ns_fd : 0;
	}
	return r < 0 ? r : call_peers(p, a, e);
}

/* The way is asked for as seen from where the tunnel's socket is. */
static bool has_way(const struct far_answer *a)
{
	const union wg_endpoint *ep = &a->stats.peer;
	const struct rtnl_target to = {ep->family, wg_endpoint_addr(ep), MARK_BASE};
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_way way;

	return !ep->family || a->record.via[0] || nl_sock_open(&s, NETLINK_ROUTE, NULL) < 0 ||
	       rtnl_route_get(&s, &to, &way, NULL) == 0;
}

void answer_look(struct far_answer *a)
{
	if (a->state != ANSWER_WAITING && a->state != ANSWER_NO_WAY)
		return;
	if (tunnel_dev_stats(a->record.device, a->ns_fd, a->record.flags & RECORD_USERSPACE,
			     &a->stats, NULL) < 0 ||
	    !a->stats.asked)
		return;
	if (a->stats.handshake_age_s >= 0)
		a->state = ANSWER_YES;
	else
		a->state = has_way(a) ? ANSWER_WAITING : ANSWER_NO_WAY;
}

void answer_end(struct far_answer *a)
{
	struct health s = {.rx = a->stats.rx, .tx = a->stats.tx}, keepers;

	if (a->stats.asked) {
		/* Which address it has left, the keeper alone knows. */
		if (health_read(a->record.name, &keepers) == 0)
			str_copy(s.left, sizeof(s.left), keepers.left);
		s.far = a->state == ANSWER_YES	    ? HEALTH_ANSWERS
			: a->state == ANSWER_NO_WAY ? HEALTH_NO_WAY
						    : HEALTH_SILENT;
		if (s.far == HEALTH_SILENT)
			s.silent_ms = health_now_ms() - (util_now_ms() - a->begun_ms);
		if (a->stats.handshake_age_s >= 0)
			s.handshake_ms = health_now_ms() - a->stats.handshake_age_s * 1000;
		str_copy(s.endpoint, sizeof(s.endpoint), a->stats.endpoint);
		health_write(a->record.name, &s, NULL);
	}
	util_close(&a->ns_fd);
}
