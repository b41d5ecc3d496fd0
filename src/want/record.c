/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes down about a profile, for those who read no profile: the record, and resolv.conf. Pure.
 */
#include "want/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/plan.h"

_Static_assert(RECORD_ALLOW_MAX == PROFILE_ALLOW_MAX, "the users of \"allow\" fit");
_Static_assert(RECORD_DEFAULT_MAX == PROFILE_DEFAULT_MAX, "those of \"allow_default\" fit");
_Static_assert(RECORD_EXPOSE_MAX == PROFILE_EXPOSE_MAX, "the services fit");
_Static_assert(RECORD_RANGE_MAX == PROFILE_RANGE_MAX, "the ranges fit");
_Static_assert(RECORD_ALLOW_LEN == PROFILE_ACCOUNT_LEN, "every name fits");
_Static_assert(RECORD_HOOK_LEN == PROFILE_HOOK_LEN, "the hook's command fits");

static int put_names(char dst[][RECORD_ALLOW_LEN], size_t max, const char *key, char *const *names,
		     size_t n, struct err *e)
{
	if (n > max)
		return err_set(e, -E2BIG, "\"%s\" has more than %zu names", key, max);
	for (size_t i = 0; i < n; i++)
		if (str_copy(dst[i], RECORD_ALLOW_LEN, names[i]) < 0)
			return err_set(e, -E2BIG, "\"%s\": the name '%s' is too long", key,
				       names[i]);
	return 0;
}

static int put_allowed(const struct profile *p, struct record *r, struct err *e)
{
	int rc = put_names(r->allow_users, RECORD_ALLOW_MAX, "allow", p->allow_users,
			   p->n_allow_users, e);

	if (rc == 0)
		rc = put_names(r->allow_groups, RECORD_ALLOW_MAX, "allow", p->allow_groups,
			       p->n_allow_groups, e);
	if (rc == 0)
		rc = put_names(r->default_users, RECORD_DEFAULT_MAX, "allow_default",
			       p->default_users, p->n_default_users, e);
	if (rc == 0)
		rc = put_names(r->default_groups, RECORD_DEFAULT_MAX, "allow_default",
			       p->default_groups, p->n_default_groups, e);
	return rc;
}

static int put_dns(const struct tunnel *t, struct record *r, struct err *e)
{
	size_t used = 0;

	for (size_t i = 0; i < t->n_dns && i < RECORD_DNS_MAX; i++) {
		r->dns[i].family = (uint8_t)t->dns[i].family;
		memcpy(r->dns[i].addr, &t->dns[i].v4,
		       t->dns[i].family == AF_INET ? sizeof(struct in_addr)
						   : sizeof(struct in6_addr));
	}
	for (size_t i = 0; i < t->n_search; i++) {
		int n = str_fmt(r->search + used, sizeof(r->search) - used, "%s%s", used ? " " : "",
				t->search[i]);

		if (n < 0)
			return err_set(e, -E2BIG, "the list of search domains is too long");
		used += (size_t)n;
	}
	return 0;
}

static void put_addresses(const struct profile *p, struct record *r)
{
	const struct ipaddr *a4 = plan_source(p, AF_INET), *a6 = plan_source(p, AF_INET6);

	if (a4) {
		r->flags |= RECORD_HAS_IP4;
		r->addr4 = a4->v4;
	}
	if (a6) {
		r->flags |= RECORD_HAS_IP6;
		r->addr6 = a6->v6;
	}
}

static int put_inbound(const struct profile *p, struct record *r, struct err *e)
{
	for (size_t i = 0; i < p->n_expose && i < RECORD_EXPOSE_MAX; i++)
		r->expose[i] = (struct record_port){p->expose[i].port, p->expose[i].udp};
	for (size_t i = 0; i < p->n_may_expose && i < RECORD_RANGE_MAX; i++)
		r->may_expose[i] =
			(struct record_range){p->may_expose[i].low, p->may_expose[i].high};
	if (!p->natpmp)
		return 0;
	if (!(r->flags & RECORD_HAS_IP4))
		return err_set(e, -EINVAL, "\"port_forward\" needs a tunnel that carries IPv4");
	r->natpmp_gateway = p->natpmp_gateway.v4;
	str_copy(r->hook_user, sizeof(r->hook_user), p->hook_user ? p->hook_user : "");
	str_copy(r->hook_command, sizeof(r->hook_command), p->hook_command ? p->hook_command : "");
	return 0;
}

/* In the layout "bridge" it is opened whole, names too. */
static void put_lan(const struct profile *p, struct record *r)
{
	size_t n = p->layout == LAYOUT_NETNS && !p->way ? p->n_allow_lan : 0;

	for (size_t i = 0; i < n && i < RECORD_LAN_MAX; i++) {
		const struct ipaddr *a = &p->allow_lan[i];

		r->lan[i].family = (uint8_t)a->family;
		r->lan[i].plen = a->plen;
		memcpy(r->lan[i].addr, &a->v4, a->family == AF_INET ? 4 : 16);
	}
}

/* Who is inside asks the bridge itself, which the firewall passes on: so that it may be another
 * server later on. */
static void put_way(const struct profile *p, struct record *r)
{
	struct lease_pool pool = plan_pool(p);
	struct in_addr g4 = lease_ip4(&pool, 1);
	struct in6_addr g6 = lease_ip6(&pool, 1);
	bool is_6 = p->way->of[1].has_dns && !p->way->of[0].has_dns;

	r->flags |= RECORD_DEVICE;
	/* r->device stays a name that no device has: whoever trusts a VPN's own devices must not
	 * come to trust the uplink. */
	str_copy(r->endpoint, sizeof(r->endpoint), p->way->dev);
	memset(r->dns, 0, sizeof(r->dns));
	r->dns[0].family = is_6 ? AF_INET6 : AF_INET;
	memcpy(r->dns[0].addr, is_6 ? (const void *)&g6 : (const void *)&g4, is_6 ? 16 : 4);
}

int plan_record(const struct profile *p, uint32_t mtu, struct record *ret, struct err *e)
{
	const struct tunnel *t = &p->tunnel;
	struct record r = {
		.state = RECORD_UP,
		.layout = (uint32_t)p->layout,
		.id = (uint8_t)p->id,
		.subnet4 = p->subnet4,
		.subnet4_plen = p->subnet4_plen,
		.mtu = (uint16_t)mtu,
		.limit = p->limit,
		.mark = t->fwmark,
	};
	int rc;

	str_copy(r.name, sizeof(r.name), p->name);
	str_copy(r.device, sizeof(r.device), p->name);
	str_copy(r.via, sizeof(r.via), p->via ? p->via : "");
	str_copy(r.server, sizeof(r.server), p->server ? p->server : "");
	if (str_copy(r.bridge, sizeof(r.bridge), p->bridge) < 0)
		return err_set(e, -E2BIG, "bridge name '%s' is too long", p->bridge);
	put_addresses(p, &r);
	if (p->allow_everyone)
		r.flags |= RECORD_EVERYONE;
	if (p->other_dns != OTHER_DNS_ALLOW)
		r.flags |= RECORD_OWN_DNS;
	/* The LAN of a device that is not a tunnel is of its way out. */
	if (p->n_allow_lan || p->way)
		r.flags |= RECORD_LAN;
	put_lan(p, &r);
	for (size_t i = 0; i < t->n_peers; i++)
		if (t->peers[i].endpoint) {
			str_copy(r.endpoint, sizeof(r.endpoint), t->peers[i].endpoint);
			break;
		}
	rc = put_dns(t, &r, e);
	if (rc == 0 && p->way)
		put_way(p, &r);
	if (rc == 0)
		rc = put_inbound(p, &r, e);
	if (rc == 0)
		rc = put_allowed(p, &r, e);
	if (rc < 0)
		return err_wrap(e, rc, "VPN '%s'", p->name);
	*ret = r;
	return 0;
}

int plan_resolv_conf(const struct profile *p, char **ret, struct err *e)
{
	const struct tunnel *t = &p->tunnel;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return err_sys(e, -errno, "cannot write resolv.conf of %s", p->name);
	fprintf(f, "# VPN %s: written by vpnctl up, removed by vpnctl down\n", p->name);
	for (size_t i = 0; i < t->n_dns; i++)
		fprintf(f, "nameserver %s\n", t->dns[i].text);
	for (size_t i = 0; i < t->n_search; i++)
		fprintf(f, "%s%s%s", i ? " " : "search ", t->search[i],
			i + 1 == t->n_search ? "\n" : "");
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write resolv.conf of %s: no memory", p->name);
	*ret = text;
	return 0;
}
