/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of /etc/vpnrun/NAME.json: the table of its keys, what of them is of no common kind,
 * and the reading row by row. To add a key is to add a row here and a field to the model. Pure; the
 * JSON holds no secret, so its texts may be repeated, but what looks like a key pasted into it may
 * not (value_show). Called by vpnctl only: the launcher and the broker read the record that `up`
 * leaves.
 */
#include "conf/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/profile_inbound.h"
#include "conf/profile_key.h"
#include "conf/profile_tunnel.h"
#include "conf/value.h"

#define KEYS_MAX	64
#define LIST_MAX	256 /* entries of a list in the JSON */
#define BRIDGE_LIST_MAX 16

static const char *const allow_keys[] = {"users", "groups", NULL};
static const char *const exclude_keys[] = {"users", "units", NULL};
static const char *const layouts[] = {
	[LAYOUT_NETNS] = "netns", [LAYOUT_BRIDGE] = "bridge", [LAYOUT_BRIDGE + 1] = NULL};
static const char *const other_dns[] = {
	[OTHER_DNS_ALLOW] = "allow",
	[OTHER_DNS_REDIRECT] = "redirect",
	[OTHER_DNS_REFUSE] = "refuse",
	[OTHER_DNS_REFUSE + 1] = NULL,
};

/* Whether there is such a VPN, and by what it goes itself, is asked in load_rest(). */
static int read_via(struct profile_reader *r, const struct profile_key *k)
{
	int n = profile_read_text(r, "via", &r->p->via);
	char buf[VALUE_SHOW_MAX];

	(void)k;
	if (n <= 0)
		return n;
	if (!str_is_vpn_name(r->p->via))
		return json_doc_fail(&r->doc, r->e, "via", "%s is not a VPN's name",
				     value_show(r->p->via, buf));
	if (!strcmp(r->p->via, r->p->name))
		return json_doc_fail(&r->doc, r->e, "via",
				     "is this VPN itself: it must be another's name");
	return 0;
}

/* Nobody else's tunnel keeps them in: so root has to say who they are. */
static int read_device(struct profile_reader *r, const struct profile_key *k)
{
	struct profile *p = r->p;
	int n = profile_read_text(r, k->name, &p->device);

	if (n <= 0)
		return n;
	if (!str_is_device_name(p->device) || !strcmp(p->device, "lo") ||
	    !strcmp(p->device, p->name))
		return json_doc_fail(&r->doc, r->e, k->name,
				     "must be \"" DEVICE_UPLINK "\" or a device that something "
				     "else makes, and whose name is not this VPN's");
	if (json_doc_has(&r->doc, "layout") && p->layout != LAYOUT_BRIDGE)
		return json_doc_fail(&r->doc, r->e, k->name, "is for \"layout\": \"bridge\" only");
	if (!json_doc_has(&r->doc, "allow"))
		return json_doc_fail(&r->doc, r->e, k->name,
				     "needs \"allow\", which names those who may leave by it");
	p->layout = LAYOUT_BRIDGE;
	p->way = calloc(1, sizeof(*p->way));
	return p->way ? 0 : profile_fail_memory(r);
}

static int read_servers(struct profile_reader *r, const struct profile_key *k)
{
	if (profile_read_path(r, k) < 0)
		return -EINVAL;
	if (r->p->servers && r->p->config)
		return json_doc_fail(&r->doc, r->e, k->name,
				     "cannot stand beside \"config\": put that file into the "
				     "directory, too");
	return 0;
}

/* It is there unless the file says otherwise. */
static int read_failover(struct profile_reader *r, const struct profile_key *k)
{
	bool wanted = true;
	int n = json_doc_bool(&r->doc, k->name, &wanted, r->e);

	if (n == 1 && !r->p->servers)
		return json_doc_fail(&r->doc, r->e, k->name,
				     "is for a VPN of many servers, which \"servers\" names");
	r->p->keep_server = !wanted;
	return n < 0 ? n : 0;
}

static void write_failover(struct json_out *out, const struct profile_key *k,
			   const struct profile *p)
{
	if (p->servers)
		json_out_bool(out, k->name, !p->keep_server);
	else
		json_out_null(out, k->name);
}

static int read_bridge(struct profile_reader *r, const struct profile_key *k)
{
	int n = profile_read_text(r, "bridge", &r->p->bridge);
	char usual[16];

	(void)k;
	if (n < 0)
		return n;
	if (n == 0) {
		str_device_of("br", r->p->name, r->p->id, usual);
		r->p->bridge = strdup(usual);
		return r->p->bridge ? 0 : profile_fail_memory(r);
	}
	if (!str_is_device_name(r->p->bridge))
		return json_doc_fail(
			&r->doc, r->e, "bridge",
			"must be an interface name: 1 to 15 of letters, digits and _=+.-");
	if (!strcmp(r->p->bridge, r->p->name))
		return json_doc_fail(&r->doc, r->e, "bridge",
				     "is the name of the VPN's own device; choose another");
	return 0;
}

static bool is_private4(const struct ipaddr *a)
{
	static const char *const nets[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};
	struct ipaddr net;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nets); i++)
		if (ipaddr_parse(nets[i], &net) == 0 && ipaddr_contains(&net, a))
			return true;
	return false;
}

static int read_subnet(struct profile_reader *r, const struct profile_key *k)
{
	struct ipaddr own = {.family = AF_INET, .plen = 24}, all = {.family = AF_INET, .plen = 16};
	const char *text = NULL, *why = NULL;
	struct ipaddr a;

	(void)k;
	own.v4.s_addr = htonl(0x0a140000u | (uint32_t)r->p->id << 8);
	all.v4.s_addr = htonl(0x0a140000u);
	if (json_doc_str(&r->doc, "subnet", &text, r->e) < 0)
		return -EINVAL;
	if (!text)
		a = own;
	else if (ipaddr_parse(text, &a) < 0 || a.family != AF_INET || !strchr(text, '/'))
		why = "must be an IPv4 network like \"10.99.0.0/22\"";
	else if (a.plen < 22 || a.plen > 29)
		why = "must be from a /22 (1023 programs) to a /29 (5)";
	else if (ipaddr_has_host_bits(&a))
		why = "has bits set behind its prefix length: give the network's own address";
	else if (!is_private4(&a))
		why = "must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";
	else if (ipaddr_overlaps(&a, &all) && ipaddr_compare(&a, &own) != 0)
		why = "lies in 10.20.0.0/16, where each id has a /24 of its own; choose another";
	if (why)
		return json_doc_fail(&r->doc, r->e, "subnet", "%s", why);
	r->p->subnet4 = a.v4;
	r->p->subnet4_plen = a.plen;
	return 0;
}

static void write_subnet(struct json_out *out, const struct profile_key *k, const struct profile *p)
{
	char subnet[INET_ADDRSTRLEN + 4], address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &p->subnet4, address, sizeof(address));
	str_fmt(subnet, sizeof(subnet), "%s/%u", address, p->subnet4_plen);
	json_out_str(out, k->name, subnet);
}

/* --- who may --------------------------------------------------------------------------------- */

static int read_allow(struct profile_reader *r, const struct profile_key *k)
{
	struct profile *p = r->p;
	const char *text = NULL;

	if (json_doc_is_string(&r->doc, "allow")) {
		if (json_doc_str(&r->doc, "allow", &text, r->e) < 0)
			return -EINVAL;
		p->allow_everyone = !strcmp(text, "everyone");
		if (p->allow_everyone)
			return 0;
	} else if (!json_doc_has(&r->doc, "allow")) {
		p->allow_groups = calloc(1, sizeof(char *));
		if (!p->allow_groups)
			return profile_fail_memory(r);
		p->allow_groups[0] = strdup("vpnrun");
		p->n_allow_groups = 1;
		return p->allow_groups[0] ? 0 : profile_fail_memory(r);
	} else if (json_doc_object(&r->doc, "allow", NULL) == 1) {
		if (json_doc_check_keys(&r->doc, "allow", allow_keys, r->e) < 0 ||
		    profile_read_accounts(r, "allow.users", k, &p->allow_users, &p->n_allow_users) <
			    0)
			return -EINVAL;
		return profile_read_accounts(r, "allow.groups", k, &p->allow_groups,
					     &p->n_allow_groups);
	}
	return json_doc_fail(&r->doc, r->e, "allow",
			     "must be \"everyone\" or {\"users\": [...], \"groups\": [...]}");
}

/* Who may make it the whole machine's: nobody but root, unless they are named. */
static int read_allow_default(struct profile_reader *r, const struct profile_key *k)
{
	struct profile *p = r->p;

	if (!json_doc_has(&r->doc, "allow_default"))
		return 0;
	if (json_doc_object(&r->doc, "allow_default", r->e) < 0 ||
	    json_doc_check_keys(&r->doc, "allow_default", allow_keys, r->e) < 0 ||
	    profile_read_accounts(r, "allow_default.users", k, &p->default_users,
				  &p->n_default_users) < 0)
		return -EINVAL;
	return profile_read_accounts(r, "allow_default.groups", k, &p->default_groups,
				     &p->n_default_groups);
}

static void write_allow(struct json_out *out, const struct profile_key *k, const struct profile *p)
{
	if (p->allow_everyone) {
		json_out_str(out, k->name, "everyone");
		return;
	}
	json_out_object(out, k->name);
	profile_write_texts(out, "users", p->allow_users, p->n_allow_users);
	profile_write_texts(out, "groups", p->allow_groups, p->n_allow_groups);
	json_out_end(out);
}

static void write_allow_default(struct json_out *out, const struct profile_key *k,
				const struct profile *p)
{
	json_out_object(out, k->name);
	profile_write_texts(out, "users", p->default_users, p->n_default_users);
	profile_write_texts(out, "groups", p->default_groups, p->n_default_groups);
	json_out_end(out);
}

static int read_exclude(struct profile_reader *r, const struct profile_key *k)
{
	struct profile *p = r->p;

	if (!json_doc_has(&r->doc, k->name))
		return 0;
	if (json_doc_object(&r->doc, k->name, r->e) < 0 ||
	    json_doc_check_keys(&r->doc, k->name, exclude_keys, r->e) < 0 ||
	    profile_read_accounts(r, "default_exclude.users", k, &p->exclude_users,
				  &p->n_exclude_users) < 0)
		return -EINVAL;
	return profile_read_units(r, "default_exclude.units", k, &p->exclude_units,
				  &p->n_exclude_units);
}

static void write_exclude(struct json_out *out, const struct profile_key *k,
			  const struct profile *p)
{
	json_out_object(out, k->name);
	profile_write_texts(out, "users", p->exclude_users, p->n_exclude_users);
	profile_write_texts(out, "units", p->exclude_units, p->n_exclude_units);
	json_out_end(out);
}

/* --- the table ------------------------------------------------------------------------------- */

#define AT(field)	  .at = offsetof(struct profile, field)
#define LIST(list, count) AT(list), .n_at = offsetof(struct profile, count)

/* What a row asks of another (the layout, "config") stands before it. */
const struct profile_key profile_keys[] = {
	{"id", profile_read_number, profile_write_number, AT(id), .needed = true, .min = 1,
	 .max = 99},
	{"limit", profile_read_number, profile_write_number, AT(limit), .min = 1, .max = 1023},
	{"layout", profile_read_word, profile_write_word, AT(layout), .words = layouts,
	 .device = true},
	{"device", read_device, profile_write_text, AT(device), .device = true},
	{"via", read_via, profile_write_text, AT(via), .only = ONLY_NETNS},
	{"config", profile_read_path, profile_write_text, AT(config)},
	{"servers", read_servers, profile_write_text, AT(servers)},
	{"failover", read_failover, write_failover, .max = 1},
	{"bridge", read_bridge, profile_write_text, AT(bridge), .device = true},
	{"subnet", read_subnet, write_subnet, AT(subnet4), .device = true},
	{"allow", read_allow, write_allow, .max = PROFILE_ALLOW_MAX, .device = true},
	{"allow_default", read_allow_default, write_allow_default, .max = PROFILE_DEFAULT_MAX},
	{"default_exclude", read_exclude, write_exclude, .max = PROFILE_EXCLUDE_MAX},
	{"default_inbound", profile_read_services, profile_write_services,
	 LIST(default_inbound, n_default_inbound), .max = PROFILE_INBOUND_MAX},
	{"subnets", profile_read_networks, profile_write_networks, LIST(subnets, n_subnets),
	 .only = ONLY_BRIDGE, .max = BRIDGE_LIST_MAX},
	{"allow_lan", profile_read_networks, profile_write_networks, LIST(allow_lan, n_allow_lan),
	 .max = BRIDGE_LIST_MAX, .device = true},
	{"ipv6_forwarding", profile_read_switch, profile_write_switch, AT(ipv6_forwarding),
	 .device = true},
	{"allow_host", profile_read_services, profile_write_services,
	 LIST(allow_host, n_allow_host), .only = ONLY_BRIDGE, .max = BRIDGE_LIST_MAX},
	{"expose", profile_read_services, profile_write_services, LIST(expose, n_expose),
	 .max = PROFILE_EXPOSE_MAX},
	{"allow_expose", inbound_read_ranges, inbound_write_ranges, .max = PROFILE_RANGE_MAX},
	{"port_forward", inbound_read_forward, inbound_write_forward, AT(natpmp)},
	{"port_forward_gateway", inbound_read_gateway, inbound_write_gateway, AT(natpmp_gateway)},
	{"port_forward_hook", inbound_read_hook, inbound_write_hook, AT(hook_user)},
	{"endpoint", tunnel_read_endpoint, .tunnel = true},
	{"public_key", tunnel_read_public_key, .tunnel = true},
	{"keepalive", tunnel_read_keepalive, .tunnel = true, .max = 65535},
	{"allowed_ips", tunnel_read_allowed_ips, .tunnel = true},
	{"private_key_file", profile_read_path, profile_write_text, AT(private_key_file),
	 .tunnel = true, .needed = true},
	{"preshared_key_file", profile_read_path, profile_write_text, AT(preshared_key_file),
	 .tunnel = true},
	{"addresses", tunnel_read_own_addresses, .tunnel = true},
	{"mtu", tunnel_read_mtu, .tunnel = true, .min = 576, .max = 65535},
	{"dns", profile_read_addresses, NULL, LIST(tunnel.dns, tunnel.n_dns), .device = true},
	{"other_dns", profile_read_word, profile_write_word, AT(other_dns), .words = other_dns},
	{"search", tunnel_read_search, .max = LIST_MAX},
};
const size_t profile_n_keys = ARRAY_SIZE(profile_keys);

/* --- reading --------------------------------------------------------------------------------- */

static int read_name(struct profile_reader *r)
{
	const char *slash = strrchr(r->doc.file, '/');
	const char *base = slash ? slash + 1 : r->doc.file;
	size_t len = strlen(base);
	char name[64], buf[VALUE_SHOW_MAX];

	if (len <= 5 || strcmp(base + len - 5, ".json") != 0 ||
	    str_fmt(name, sizeof(name), "%.*s", (int)len - 5, base) < 0 || !str_is_vpn_name(name))
		return err_set(
			r->e, -EINVAL,
			"%s:1: name: %s is not a VPN's name with .json: 1 to %d letters, digits, "
			"'-' and '_' are (and not default, host or none)",
			r->doc.file, value_show(base, buf), NAME_MAX_LEN);
	return str_copy(r->p->name, sizeof(r->p->name), name);
}

static int check_keys(struct profile_reader *r)
{
	const char *known[KEYS_MAX + 1] = {NULL};
	int n;

	for (size_t i = 0; i < profile_n_keys && i < KEYS_MAX; i++)
		known[i] = profile_keys[i].name;
	n = json_doc_check_keys(&r->doc, NULL, known, r->e);
	if (n < 0)
		return err_hint(r->e, n,
				json_doc_has(&r->doc, "private_key")
					? "keep it in a root-only file: private_key_file"
					: "vpnrun.json(5) lists them");
	return 0;
}

/* Whether the key may stand in this file. */
static int check_place(struct profile_reader *r, const struct profile_key *k)
{
	bool is_bridge = r->p->layout == LAYOUT_BRIDGE;

	if (!json_doc_has(&r->doc, k->name))
		return 0;
	if (r->p->device && !k->device)
		return json_doc_fail(&r->doc, r->e, k->name,
				     "is for a tunnel, and \"device\" is not one");
	if (k->only != ONLY_ANY && is_bridge != (k->only == ONLY_BRIDGE))
		return json_doc_fail(&r->doc, r->e, k->name, "is for \"layout\": \"%s\" only",
				     k->only == ONLY_BRIDGE ? "bridge" : "netns");
	if (k->tunnel && (r->p->config || r->p->servers))
		return json_doc_fail(&r->doc, r->e, k->name,
				     "cannot stand beside \"%s\", whose file says it",
				     r->p->config ? "config" : "servers");
	return 0;
}

static int read_all(struct profile_reader *r)
{
	int n = read_name(r);

	if (n == 0)
		n = check_keys(r);
	for (size_t i = 0; n == 0 && i < profile_n_keys; i++) {
		const struct profile_key *k = &profile_keys[i];

		n = check_place(r, k);
		if (n == 0 && !(k->tunnel && (r->p->config || r->p->servers || r->p->device)))
			n = k->read(r, k);
	}
	return n < 0 ? -EINVAL : 0;
}

int profile_parse(const char *path, const char *text, size_t len, struct profile *p, struct err *e)
{
	struct profile fresh = {0};
	struct profile_reader r = {.p = &fresh, .e = e};
	int n;

	memset(p, 0, sizeof(*p));
	if (len > PROFILE_SIZE_MAX)
		return err_set(e, -EINVAL, "%s:1: file: is larger than 64 KiB", path);
	n = json_doc_parse(&r.doc, path, text, len, e);
	if (n == 0)
		n = read_all(&r);
	json_doc_free(&r.doc);
	if (n < 0)
		profile_free(&fresh);
	else
		*p = fresh;
	return n < 0 ? n : 0;
}
