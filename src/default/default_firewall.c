/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the definitions that policy/default.nft names. Nothing but addresses, numbers and names
 * that were checked when the VPN came up goes into nft text.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "default/default_part.h"
#include "wall/firewall.h"
#include "wall/firewall_load.h"
#include "conf/model.h"

static const char policy_default[] =
#include "default.nft.h"
	;
static const char policy_ip4[] =
#include "default-ip4.nft.h"
	;
static const char policy_ip6[] =
#include "default-ip6.nft.h"
	;
static const char policy_arp[] =
#include "default-arp.nft.h"
	;
static const char policy_strict[] =
#include "default-strict.nft.h"
	;

static void put_family(FILE *f, const struct default_way *w, int family, const char *text)
{
	const void *a = family == AF_INET ? (const void *)&w->addr4 : (const void *)&w->addr6;
	char buf[INET6_ADDRSTRLEN];

	fprintf(f, "define address%c = %s\n", family == AF_INET ? '4' : '6',
		inet_ntop(family, a, buf, sizeof(buf)));
	firewall_put_named(f, text, w->name);
}

int default_firewall_text(const struct default_way *w, const struct want_marks *marks,
			  const char *known, char **ret, struct err *e)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return err_sys(e, -errno, "cannot write the default's firewall");
	fprintf(f, "define dev = \"%s\"\ndefine known = { \"lo\", \"%s\"%s }\n", w->dev, w->dev,
		known);
	fprintf(f, "define marks = { 0x%x-0x%x", MARK_NET, MARK_NET | ~MARK_MASK);
	for (size_t i = 0; i < marks->n; i++)
		fprintf(f, ", 0x%x", marks->at[i]);
	fputs(" }\n", f);
	firewall_put_named(f, policy_default, w->name);
	if (w->has_ip4)
		put_family(f, w, AF_INET, policy_ip4);
	if (w->has_ip6)
		put_family(f, w, AF_INET6, policy_ip6);
	if (w->strict)
		firewall_put_named(f, policy_strict, w->name);
	if (fclose(f) != 0) {
		free(text);
		return err_set(e, -ENOMEM, "cannot write the default's firewall: no memory");
	}
	*ret = text;
	return 0;
}

struct known_ways {
	FILE *f;
	const struct default_way *w;
};

static int put_known(const struct record *r, void *arg)
{
	const struct known_ways *k = arg;

	if (r->layout == LAYOUT_BRIDGE && strcmp(r->device, k->w->dev) != 0)
		fprintf(k->f, ", \"%s\"", r->device);
	if (r->layout == LAYOUT_BRIDGE)
		fprintf(k->f, ", \"%s\"", r->bridge);
	/* One of them may be the default until this one is. */
	else if (strcmp(r->name, k->w->name) != 0) {
		char dev[16];

		str_device_of("vh", r->name, r->id, dev);
		fprintf(k->f, ", \"%s\"", dev);
	}
	return 0;
}

static int enter(const struct default_way *w, const char *text, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (here < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	return firewall_run(w->name, text, here, e);
}

/* A kernel that cannot goes without it. */
static void add_arp(const struct default_way *w)
{
	AUTO_FREE char *text = NULL;
	char buf[INET_ADDRSTRLEN];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fprintf(f, "define dev = \"%s\"\ndefine address4 = %s\n", w->dev,
		inet_ntop(AF_INET, &w->addr4, buf, sizeof(buf)));
	firewall_put_named(f, policy_arp, w->name);
	if (fclose(f) == 0)
		enter(w, text, NULL);
}

int default_firewall_add(struct default_way *w, const struct want_marks *marks, struct err *e)
{
	AUTO_FREE char *text = NULL, *names = NULL, *ways = NULL, *exempt = NULL, *all = NULL;
	struct known_ways k = {.w = w};
	size_t len;
	int r;

	k.f = open_memstream(&names, &len);
	if (!k.f)
		return err_sys(e, -errno, "cannot list the VPNs' devices");
	r = record_for_each(put_known, &k, e);
	if (fclose(k.f) != 0)
		return err_set(e, -ENOMEM, "cannot list the VPNs' devices: no memory");
	r = r ?: default_firewall_text(w, marks, names, &text, e);
	r = r ?: default_ways_read(w, &ways, &w->ways, e);
	r = r ?: default_exempt_text(w, &exempt, e);
	if (r == 0 && asprintf(&all, "%s%s%s", text, ways, exempt) < 0) {
		all = NULL;
		r = err_sys(e, -ENOMEM, "cannot write the default's firewall");
	}
	r = r ?: enter(w, all, e);
	r = r ?: default_units_fill(w, e);
	if (r == 0 && w->has_ip4)
		add_arp(w);
	return r;
}
