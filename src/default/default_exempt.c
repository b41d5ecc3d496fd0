/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What does not go by the default: what "default_exclude" leaves out of it, and answers to what
 * "default_inbound" lets in. A user is told by a routing rule, before any address is chosen; a
 * unit's control group only the firewall knows, which leads its packets round and translates them.
 * Answers are led by a rule of their port, so that they find a way while the VPN has none, and the
 * firewall sends back by the VPN what is no answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/model.h"
#include "default/default_part.h"
#include "ensure/applied.h"
#include "tunnel/uplink_dns.h"
#include "wall/firewall.h"

static const char policy_inbound[] =
#include "default-inbound.nft.h"
	;
static const char policy_exclude[] =
#include "default-exclude.nft.h"
	;

/* --- from the profile ------------------------------------------------------------------------ */

/* Packets that belong to no program are root's to the kernel. */
static int find_user(const char *text, uint32_t *ret, struct err *e)
{
	const struct passwd *pw = getpwnam(text);
	uint64_t uid;

	if (!pw && str_uint(text, 0, UINT32_MAX - 1, &uid) == 0)
		pw = getpwuid((uid_t)uid);
	if (!pw)
		return err_set(e, -ENOENT,
			       "\"default_exclude\" names the user %s, who does not exist", text);
	if (pw->pw_uid == 0)
		return err_set(
			e, -EINVAL,
			"\"default_exclude\" names root, whose are the packets of the kernel "
			"and of most services: name their units");
	*ret = pw->pw_uid;
	return 0;
}

static int check_unit(const char *unit, struct err *e)
{
	if (default_unit_exists(unit))
		return 0;
	return err_set(e, -ENOENT,
		       "\"default_exclude\" names %s, which is not a unit of this machine", unit);
}

/* strictly: what is not there is an error. Else it is left out: by the VPN. */
static int take(const struct profile *p, bool strictly, struct default_way *w, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_exclude_users && i < DEFAULT_USERS_MAX; i++) {
		int found =
			find_user(p->exclude_users[i], &w->users[w->n_users], strictly ? e : NULL);

		w->n_users += found == 0;
		r = strictly ? found : 0;
	}
	for (size_t i = 0; r == 0 && i < p->n_exclude_units && i < DEFAULT_UNITS_MAX; i++) {
		r = strictly ? check_unit(p->exclude_units[i], e) : 0;
		r = r ?: str_copy(w->units[w->n_units++], DEFAULT_UNIT_LEN, p->exclude_units[i]);
	}
	for (size_t i = 0; i < p->n_default_inbound && i < DEFAULT_PORTS_MAX; i++)
		w->ports[w->n_ports++] = (struct default_port){p->default_inbound[i].port,
							       p->default_inbound[i].udp};
	return r;
}

int default_exempt_read(struct default_way *w, bool strictly, struct err *e)
{
	struct profile p = {0};
	int r = applied_parse(w->name, &p, NULL);

	/* An older version noted none, and knew no such key. */
	if (r < 0)
		return 0;
	r = take(&p, strictly, w, e);
	profile_free(&p);
	return r;
}

/* --- for the firewall ------------------------------------------------------------------------ */

static void put_marks(FILE *f, const struct default_way *w)
{
	char a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];

	/* Of a family that the VPN does not carry it is zero, which nobody's packets have. */
	fprintf(f, "define own4 = %s\ndefine own6 = %s\n",
		inet_ntop(AF_INET, &w->addr4, a4, sizeof(a4)),
		inet_ntop(AF_INET6, &w->addr6, a6, sizeof(a6)));
	fprintf(f, "define exempt = 0x%x\ndefine answer = 0x%x\ndefine earlier = 0x%x\n",
		MARK_EXEMPT, MARK_ANSWER, MARK_EARLIER);
	fprintf(f, "define by_vpn = 0x%x\ndefine astray = 0x%x\n", MARK_BY_DEFAULT, MARK_ASTRAY);
}

static void put_services(FILE *f, const struct default_way *w)
{
	fputs("define services = {", f);
	for (size_t i = 0; i < w->n_ports; i++)
		fprintf(f, "%s %s . %u", i ? "," : "", w->ports[i].udp ? "udp" : "tcp",
			w->ports[i].port);
	fputs(" }\n", f);
}

static void put_users(FILE *f, const struct default_way *w)
{
	if (!w->n_users)
		return;
	fprintf(f, "add rule inet vpnrun-default-%s excluded meta skuid {", w->name);
	for (size_t i = 0; i < w->n_users; i++)
		fprintf(f, "%s %u", i ? "," : "", w->users[i]);
	fputs(" } jump exempt\n", f);
}

/* A group is known by its number and by how deep it lies: one set for each depth. */
static void put_units(FILE *f, const struct default_way *w)
{
	for (int depth = 1; w->n_units && depth <= DEFAULT_UNIT_DEPTH; depth++)
		fprintf(f,
			"add set inet vpnrun-default-%s units%d { type cgroupsv2; }\n"
			"add rule inet vpnrun-default-%s excluded socket cgroupv2 level %d "
			"@units%d jump exempt\n",
			w->name, depth, w->name, depth, depth);
}

/* The uplink's first server of a family answers what the VPN's servers of it are asked. */
static void put_names(FILE *f, const struct default_way *w, const struct record_ip *uplink,
		      int family)
{
	const char *ip = family == AF_INET ? "ip" : "ip6";
	char vpn[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < RECORD_DNS_MAX && w->dns[i].family; i++) {
		if (w->dns[i].family != family)
			continue;
		inet_ntop(family, w->dns[i].addr, vpn, sizeof(vpn));
		if (uplink)
			fprintf(f,
				"add rule inet vpnrun-default-%s names_of_exempt %s daddr %s meta "
				"l4proto { tcp, udp } th dport 53 return\n"
				"add rule inet vpnrun-default-%s asked meta mark $exempt %s daddr %s "
				"meta l4proto { tcp, udp } th dport 53 dnat %s to %s\n",
				w->name, ip, vpn, w->name, ip, vpn, ip,
				inet_ntop(family, uplink->addr, to, sizeof(to)));
		fprintf(f, "add rule inet vpnrun-default-%s names_of_exempt %s daddr %s accept\n",
			w->name, ip, vpn);
	}
}

static const struct record_ip *first_of(const struct record_ip *all, size_t n, int family)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].family == family)
			return &all[i];
	return NULL;
}

void default_exempt_put(FILE *f, const struct default_way *w, const struct record_ip *uplink,
			size_t n)
{
	if (w->n_ports || w->n_users || w->n_units)
		put_marks(f, w);
	if (w->n_ports) {
		put_services(f, w);
		firewall_put_named(f, policy_inbound, w->name);
	}
	if (!w->n_users && !w->n_units)
		return;
	firewall_put_named(f, policy_exclude, w->name);
	put_users(f, w);
	put_units(f, w);
	put_names(f, w, first_of(uplink, n, AF_INET), AF_INET);
	put_names(f, w, first_of(uplink, n, AF_INET6), AF_INET6);
}

int default_exempt_is_stale(const struct default_way *w, struct err *e)
{
	struct record_ip uplink[DEFAULT_DNS_MAX] = {0};
	int n = w->n_units || w->n_users ? uplink_dns_servers(uplink, ARRAY_SIZE(uplink), e) : 0;

	return n < 0 ? n : default_exempt_digest(w, uplink) != w->exempt;
}

int default_exempt_text(struct default_way *w, char **ret, struct err *e)
{
	struct record_ip uplink[DEFAULT_DNS_MAX] = {0};
	int n = uplink_dns_servers(uplink, ARRAY_SIZE(uplink), e);
	char *text = NULL;
	size_t len;
	FILE *f = n < 0 ? NULL : open_memstream(&text, &len);

	if (n < 0)
		return n;
	if (!f)
		return err_sys(e, -errno, "cannot write what goes around the default");
	w->exempt = default_exempt_digest(w, uplink);
	default_exempt_put(f, w, uplink, (size_t)n);
	if (fclose(f) != 0) {
		free(text);
		return err_set(e, -ENOMEM, "cannot write what goes around the default: no memory");
	}
	*ret = text;
	return 0;
}
