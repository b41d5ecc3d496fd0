/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published ports of one launch. -p: sockets that listen are the host's, made before the namespaces
 * change; the relay lives inside and connects there. --reach: the relay is left behind in the
 * host's network, and is handed the sockets that listen inside. Must cost nothing where the line
 * asks for neither. Called by launch/run.c.
 */
#include "launch/launch.h"

#include <netinet/in.h>

#include "base/util.h"
#include "state/lease.h"

int launch_ports_open(const struct line_options *o, struct launch_ports *p, struct err *e)
{
	int r = 0;

	if (o->publish.n)
		r = relay_listen(&o->publish, "the host's", &p->relay.ports, e);
	if (r == 0 && o->reach.n) {
		struct relay out = {.end_fd = -1};

		relay_targets_loopback(&out);
		r = relay_stay_start(&out, &p->channel, e);
	}
	if (r == 0 && (o->publish.n || o->reach.n))
		launch_step("ports taken");
	return r;
}

/* Programs may also be bound to the sandbox's own address. */
static void add_lease(const struct record *r, uint32_t host, struct relay *relay)
{
	struct lease_pool pool = record_pool(r);
	struct in_addr ip4 = lease_ip4(&pool, host);
	struct in6_addr ip6 = lease_ip6(&pool, host);

	if (r->flags & RECORD_HAS_IP4)
		relay_targets_add(relay, AF_INET, &ip4);
	if (r->flags & RECORD_HAS_IP6)
		relay_targets_add(relay, AF_INET6, &ip6);
}

static int serve_publish(const struct record *r, uint32_t host, struct launch_ports *p,
			 struct err *e)
{
	AUTO_CLOSE int channel = -1;
	int rc;

	relay_targets_loopback(&p->relay);
	if (host)
		add_lease(r, host, &p->relay);
	rc = relay_stay_start(&p->relay, &channel, e);
	relay_ports_close(&p->relay.ports);
	return rc;
}

static int serve_reach(const struct line_options *o, int channel, struct err *e)
{
	struct relay_ports inside;
	int r = relay_listen(&o->reach, "the sandbox's", &inside, e);

	if (r < 0)
		return r;
	r = relay_stay_hand(channel, &inside, e);
	relay_ports_close(&inside);
	return r;
}

int launch_ports_serve(const struct line_options *o, const struct record *r, uint32_t host,
		       struct launch_ports *p, struct err *e)
{
	int rc = 0;

	if (o->publish.n)
		rc = serve_publish(r, host, p, e);
	if (rc == 0 && o->reach.n)
		rc = serve_reach(o, p->channel, e);
	if (rc == 0 && (o->publish.n || o->reach.n))
		launch_step("ports served");
	return rc;
}

void launch_ports_close(struct launch_ports *p)
{
	relay_ports_close(&p->relay.ports);
	util_close(&p->channel);
}
