/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the definition that policy/lan.nft names, and the rules that go by address. Nothing but
 * addresses, numbers and names that were parsed gets into the text. Called by lan/lan.
 */
#include "wall/lan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/util.h"
#include "conf/value.h"
#include "wall/firewall.h"
#include "wall/firewall_load.h"
#include "wall/forwarding.h"
#include "want/lan.h"

static const char policy_host[] =
#include "lan.nft.h"
	;

static const int families[] = {AF_INET, AF_INET6};

static const char *inner_of(const struct lan_cable *c, int family, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(family,
			 family == AF_INET ? (const void *)&c->inner4 : (const void *)&c->inner6,
			 buf, INET6_ADDRSTRLEN);
}

static void put_host_family(FILE *f, const struct profile *p, const struct lan_cable *c, int family)
{
	const char *ip = family == AF_INET ? "ip" : "ip6";
	char buf[INET6_ADDRSTRLEN], inner[INET6_ADDRSTRLEN];

	inner_of(c, family, inner);
	fprintf(f,
		"add rule inet vpnrun-%s/lan raw iifname != { $lan, \"lo\" } %s daddr %s drop\n"
		"add rule inet vpnrun-%s/lan guard oifname != $lan %s saddr %s drop\n"
		"add rule inet vpnrun-%s/lan nat oifname != $lan %s saddr %s masquerade\n",
		p->name, ip, inner, p->name, ip, inner, p->name, ip, inner);
	for (size_t i = 0; i < p->n_allow_lan; i++)
		if (p->allow_lan[i].family == family)
			fprintf(f,
				"add rule inet vpnrun-%s/lan lan oifname != { $lan, \"lo\" } %s "
				"daddr %s/%u accept\n",
				p->name, ip,
				inet_ntop(family, &p->allow_lan[i].v4, buf, sizeof(buf)),
				p->allow_lan[i].plen);
}

/* A family that has no address on the cable has nothing to say there. */
static void put_sources(FILE *f, const struct profile *p, const struct lan_cable *c)
{
	char buf[INET6_ADDRSTRLEN];

	if (lan_has(p, AF_INET))
		fprintf(f, "add rule inet vpnrun-%s/lan raw iifname $lan ip saddr != %s drop\n",
			p->name, inner_of(c, AF_INET, buf));
	else
		fprintf(f, "add rule inet vpnrun-%s/lan raw iifname $lan meta nfproto ipv4 drop\n",
			p->name);
	if (lan_has(p, AF_INET6))
		fprintf(f,
			"add rule inet vpnrun-%s/lan raw iifname $lan ip6 saddr != { %s, "
			"fe80::/10, :: } drop\n",
			p->name, inner_of(c, AF_INET6, buf));
	else
		fprintf(f, "add rule inet vpnrun-%s/lan raw iifname $lan meta nfproto ipv6 drop\n",
			p->name);
	if (lan_has(p, AF_INET6) && !forwarding_has_ip6(p))
		fprintf(f,
			"add rule inet vpnrun-%s/lan arrived iifname $lan meta nfproto ipv6 jump "
			"refuse\n",
			p->name);
}

struct lan_opening {
	FILE *f;
	const struct profile *p;
};

/* The device was closed before, and is open for answers alone; what another program forwards by
 * name is its own affair. */
static void put_opened(int family, const char *dev, void *arg)
{
	static const char *const what[] = {"{ invalid, untracked }", "new ct status & dnat == 0"};
	const struct lan_opening *o = arg;

	for (size_t i = 0; i < ARRAY_SIZE(what); i++)
		fprintf(o->f,
			"add rule inet vpnrun-%s/lan forward iifname \"%s\" meta nfproto %s ct "
			"state %s drop\n",
			o->p->name, dev, family == AF_INET ? "ipv4" : "ipv6", what[i]);
}

static int put_host(FILE *f, const struct profile *p, struct err *e)
{
	struct lan_opening opened = {.f = f, .p = p};
	struct lan_cable c;

	lan_cable_of(p->name, p->id, &c);
	fprintf(f, "define lan = \"%s\"\n", c.dev);
	firewall_put_named(f, policy_host, p->name);
	put_sources(f, p, &c);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (lan_has(p, families[i]))
			put_host_family(f, p, &c, families[i]);
	return forwarding_opened(p, put_opened, &opened, e);
}

int lan_firewall_apply(const struct profile *p, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	size_t len;
	FILE *f;
	int r;

	if (here < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	f = open_memstream(&text, &len);
	if (!f)
		return err_sys(e, -errno, "cannot write the firewall of %s", p->name);
	r = put_host(f, p, e);
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write the firewall of %s: no memory", p->name);
	return r < 0 ? r : firewall_run(p->name, text, here, e);
}
