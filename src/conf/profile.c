/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of /etc/vpnrun/NAME.json. The JSON holds no secret, so its texts may be repeated, but
 * what looks like a key pasted into it may not (value_show). Called by vpnctl only: the launcher
 * and the broker read the record that `up` leaves.
 */
#include "conf/profile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "conf/conf.h"
#include "conf/plan.h"

#define LIST_MAX	256 /* entries of a list in the JSON */
#define BRIDGE_LIST_MAX 16

struct reader {
	struct json_doc doc;
	struct profile *p;
	struct err *e;
};

static const char *const known_keys[] = {
	"id",
	"config",
	"layout",
	"via",
	"bridge",
	"subnet",
	"allow",
	"allow_default",
	"limit",
	"subnets",
	"allow_host",
	"allow_lan",
	"ipv6_forwarding",
	"expose",
	"allow_expose",
	"port_forward",
	"port_forward_gateway",
	"port_forward_hook",
	"endpoint",
	"public_key",
	"private_key_file",
	"preshared_key_file",
	"addresses",
	"dns",
	"other_dns",
	"search",
	"mtu",
	"allowed_ips",
	"keepalive",
	NULL,
};

/* What describes the tunnel itself, and is the wg-quick file's where there is one. */
static const char *const inline_keys[] = {
	"endpoint",  "public_key", "private_key_file", "preshared_key_file",
	"addresses", "mtu",	   "allowed_ips",      "keepalive",
};

static const char *const allow_keys[] = {"users", "groups", NULL};

static int fail_memory(struct reader *r)
{
	return err_sys(r->e, -ENOMEM, "cannot read %s", r->doc.file);
}

static int read_name(struct reader *r)
{
	const char *slash = strrchr(r->doc.file, '/');
	const char *base = slash ? slash + 1 : r->doc.file;
	size_t len = strlen(base);
	char name[64], buf[VALUE_SHOW_MAX];

	if (len <= 5 || strcmp(base + len - 5, ".json") != 0 ||
	    str_fmt(name, sizeof(name), "%.*s", (int)len - 5, base) < 0 || !str_is_vpn_name(name))
		return err_set(
			r->e, -EINVAL,
			"%s:1: name: %s is no VPN's name with .json: 1 to %d letters, digits, "
			"'-' and '_' are (and not default, host or none)",
			r->doc.file, value_show(base, buf), NAME_MAX_LEN);
	return str_copy(r->p->name, sizeof(r->p->name), name);
}

/* A text that is kept: 1 if there, and *ret is the profile's. */
static int read_text(struct reader *r, const char *key, char **ret)
{
	const char *text;
	int n = json_doc_str(&r->doc, key, &text, r->e);

	if (n <= 0)
		return n;
	*ret = strdup(text);
	return *ret ? 1 : fail_memory(r);
}

static int read_path(struct reader *r, const char *key, char **ret)
{
	int n = read_text(r, key, ret);

	if (n == 1 && ((*ret)[0] != '/' || strlen(*ret) > 255))
		return json_doc_fail(&r->doc, r->e, key,
				     "must be an absolute path of at most 255 characters");
	return n;
}

static int read_layout(struct reader *r)
{
	const char *text = "netns";

	if (json_doc_str(&r->doc, "layout", &text, r->e) < 0)
		return -EINVAL;
	if (!strcmp(text, "bridge"))
		r->p->layout = LAYOUT_BRIDGE;
	else if (strcmp(text, "netns") != 0)
		return json_doc_fail(&r->doc, r->e, "layout", "must be \"netns\" or \"bridge\"");
	return 0;
}

static int read_bridge(struct reader *r)
{
	int n = read_text(r, "bridge", &r->p->bridge);

	if (n < 0)
		return n;
	if (n == 0)
		return asprintf(&r->p->bridge, "br-%s", r->p->name) < 0 ? fail_memory(r) : 0;
	if (!str_is_device_name(r->p->bridge))
		return json_doc_fail(
			&r->doc, r->e, "bridge",
			"must be an interface name: 1 to 15 of letters, digits and _=+.-");
	if (!strcmp(r->p->bridge, r->p->name))
		return json_doc_fail(&r->doc, r->e, "bridge",
				     "is the name of the VPN's own device; choose another");
	return 0;
}

/* Whether there is such a VPN, and by what it goes itself, is asked in load_rest(). */
static int read_via(struct reader *r)
{
	int n = read_text(r, "via", &r->p->via);
	char buf[VALUE_SHOW_MAX];

	if (n <= 0)
		return n;
	if (!str_is_vpn_name(r->p->via))
		return json_doc_fail(&r->doc, r->e, "via", "%s is no VPN's name",
				     value_show(r->p->via, buf));
	if (!strcmp(r->p->via, r->p->name))
		return json_doc_fail(&r->doc, r->e, "via",
				     "is this VPN itself: it must be another's name");
	if (r->p->layout != LAYOUT_NETNS)
		return json_doc_fail(&r->doc, r->e, "via", "is for \"layout\": \"netns\" only");
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

static int read_subnet(struct reader *r)
{
	struct ipaddr own = {.family = AF_INET, .plen = 24}, all = {.family = AF_INET, .plen = 16};
	const char *text = NULL, *why = NULL;
	struct ipaddr a;

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

/* Names as the system's databases have them, those of a directory service included. */
static bool is_account(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (i >= PROFILE_ACCOUNT_LEN - 1 || name[i] <= ' ' || name[i] > '~' ||
		    strchr(":,/\"'", name[i]))
			return false;
	return i > 0 && name[0] != '-';
}

static int read_accounts(struct reader *r, const char *key, size_t max, char ***ret, size_t *ret_n)
{
	AUTO_FREE const char **list = NULL;
	size_t i, n = 0;
	char **place;

	if (json_doc_strv(&r->doc, key, max, &list, &n, r->e) < 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!is_account(list[i]))
			return json_doc_fail(&r->doc, r->e, key,
					     "holds what is no name of at most %d characters",
					     PROFILE_ACCOUNT_LEN - 1);
		place = model_grow(ret, *ret_n, sizeof(*place));
		if (!place)
			return fail_memory(r);
		*place = strdup(list[i]);
		if (!*place)
			return fail_memory(r);
		++*ret_n;
	}
	return 0;
}

static int read_allow(struct reader *r)
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
			return fail_memory(r);
		p->allow_groups[0] = strdup("vpnrun");
		p->n_allow_groups = 1;
		return p->allow_groups[0] ? 0 : fail_memory(r);
	} else if (json_doc_object(&r->doc, "allow", NULL) == 1) {
		if (json_doc_check_keys(&r->doc, "allow", allow_keys, r->e) < 0 ||
		    read_accounts(r, "allow.users", PROFILE_ALLOW_MAX, &p->allow_users,
				  &p->n_allow_users) < 0)
			return -EINVAL;
		return read_accounts(r, "allow.groups", PROFILE_ALLOW_MAX, &p->allow_groups,
				     &p->n_allow_groups);
	}
	return json_doc_fail(&r->doc, r->e, "allow",
			     "must be \"everyone\" or {\"users\": [...], \"groups\": [...]}");
}

/* Who may make it the whole machine's: nobody but root, unless they are named. */
static int read_allow_default(struct reader *r)
{
	struct profile *p = r->p;

	if (!json_doc_has(&r->doc, "allow_default"))
		return 0;
	if (json_doc_object(&r->doc, "allow_default", r->e) < 0 ||
	    json_doc_check_keys(&r->doc, "allow_default", allow_keys, r->e) < 0 ||
	    read_accounts(r, "allow_default.users", PROFILE_DEFAULT_MAX, &p->default_users,
			  &p->n_default_users) < 0)
		return -EINVAL;
	return read_accounts(r, "allow_default.groups", PROFILE_DEFAULT_MAX, &p->default_groups,
			     &p->n_default_groups);
}

/* --- the tunnel in the JSON ------------------------------------------------------------------ */

static int read_ipaddrs(struct reader *r, const char *key, bool prefixes, struct ipaddr **ret,
			size_t *ret_n)
{
	AUTO_FREE const char **list = NULL;
	char buf[VALUE_SHOW_MAX];
	struct ipaddr a;
	size_t i, n = 0;
	int found = json_doc_strv(&r->doc, key, LIST_MAX, &list, &n, r->e);

	if (found <= 0)
		return found;
	for (i = 0; i < n; i++) {
		if (ipaddr_parse(list[i], &a) < 0 || (!prefixes && strchr(list[i], '/')))
			return json_doc_fail(&r->doc, r->e, key, "%s is no IP address%s",
					     value_show(list[i], buf),
					     prefixes ? " with an optional /LENGTH" : "");
		if (ipaddr_append(ret, ret_n, &a, list[i]) < 0)
			return fail_memory(r);
	}
	return 1;
}

/* The addresses of a list that is for the bridge layout alone. */
static int read_networks(struct reader *r, const char *key, struct ipaddr **ret, size_t *ret_n)
{
	if (read_ipaddrs(r, key, true, ret, ret_n) < 0)
		return -EINVAL;
	if (*ret_n > BRIDGE_LIST_MAX)
		return json_doc_fail(&r->doc, r->e, key, "has more than %d entries",
				     BRIDGE_LIST_MAX);
	for (size_t i = 0; i < *ret_n; i++)
		if ((*ret)[i].plen < 8 || ipaddr_has_host_bits(&(*ret)[i]))
			return json_doc_fail(&r->doc, r->e, key,
					     "%s is no network of at least a /8, given by its own "
					     "address",
					     (*ret)[i].text);
	return 0;
}

static int read_bridge_layout(struct reader *r)
{
	static const char *const keys[] = {"subnets", "allow_host", "allow_lan", "ipv6_forwarding"};
	struct profile *p = r->p;

	for (size_t i = 0; p->layout != LAYOUT_BRIDGE && i < ARRAY_SIZE(keys); i++)
		if (json_doc_has(&r->doc, keys[i]))
			return json_doc_fail(&r->doc, r->e, keys[i],
					     "is for \"layout\": \"bridge\" only");
	if (read_networks(r, "subnets", &p->subnets, &p->n_subnets) < 0 ||
	    read_networks(r, "allow_lan", &p->allow_lan, &p->n_allow_lan) < 0 ||
	    json_doc_bool(&r->doc, "ipv6_forwarding", &p->ipv6_forwarding, r->e) < 0)
		return -EINVAL;
	return profile_read_services(&r->doc, "allow_host", BRIDGE_LIST_MAX, &p->allow_host,
				     &p->n_allow_host, r->e);
}

static int read_other_dns(struct reader *r)
{
	const char *text = "allow";

	if (json_doc_str(&r->doc, "other_dns", &text, r->e) < 0)
		return -EINVAL;
	if (!strcmp(text, "redirect"))
		r->p->other_dns = OTHER_DNS_REDIRECT;
	else if (!strcmp(text, "refuse"))
		r->p->other_dns = OTHER_DNS_REFUSE;
	else if (strcmp(text, "allow") != 0)
		return json_doc_fail(&r->doc, r->e, "other_dns",
				     "must be \"allow\", \"redirect\" or \"refuse\"");
	return 0;
}

static int read_search(struct reader *r)
{
	struct tunnel *t = &r->p->tunnel;
	AUTO_FREE const char **list = NULL;
	char buf[VALUE_SHOW_MAX], **place;
	size_t i, n = 0;

	if (json_doc_strv(&r->doc, "search", LIST_MAX, &list, &n, r->e) < 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (!domain_is_valid(list[i]))
			return json_doc_fail(&r->doc, r->e, "search", "%s is no domain",
					     value_show(list[i], buf));
		place = model_grow(&t->search, t->n_search, sizeof(*place));
		if (!place)
			return fail_memory(r);
		*place = strdup(list[i]);
		if (!*place)
			return fail_memory(r);
		t->n_search++;
	}
	return 0;
}

static int read_endpoint(struct reader *r, struct tunnel_peer *peer)
{
	const char *text = NULL, *why;
	char buf[VALUE_SHOW_MAX];

	if (json_doc_str(&r->doc, "endpoint", &text, r->e) < 0)
		return -EINVAL;
	if (!text)
		return json_doc_fail(&r->doc, r->e, "endpoint",
				     "is missing (or \"config\", the path of a wg-quick file)");
	if (endpoint_parse(text, peer, &why) < 0)
		return json_doc_fail(&r->doc, r->e, "endpoint", "%s %s", value_show(text, buf),
				     why);
	return 0;
}

static int read_peer(struct reader *r)
{
	struct tunnel *t = &r->p->tunnel;
	struct tunnel_peer *peer = model_grow(&t->peers, 0, sizeof(*peer));
	const char *text = NULL;
	uint64_t keepalive;
	int n;

	if (!peer)
		return fail_memory(r);
	t->n_peers = 1;
	peer->line = json_doc_line(&r->doc, "public_key");
	if (read_endpoint(r, peer) < 0 || json_doc_str(&r->doc, "public_key", &text, r->e) < 0)
		return -EINVAL;
	if (!text || wgkey_parse(text, peer->public_key) < 0)
		return json_doc_fail(&r->doc, r->e, "public_key",
				     text ? "is no WireGuard key (32 bytes in base64)"
					  : "is missing");
	n = json_doc_uint(&r->doc, "keepalive", 0, 65535, &keepalive, r->e);
	if (n < 0)
		return n;
	if (n) {
		peer->has_keepalive = true;
		peer->keepalive = (uint16_t)keepalive;
	}
	n = read_ipaddrs(r, "allowed_ips", true, &peer->allowed, &peer->n_allowed);
	if (n == 0) {
		struct ipaddr all4 = {.family = AF_INET}, all6 = {.family = AF_INET6};

		if (ipaddr_append(&peer->allowed, &peer->n_allowed, &all4, "0.0.0.0/0") < 0 ||
		    ipaddr_append(&peer->allowed, &peer->n_allowed, &all6, "::/0") < 0)
			return fail_memory(r);
	}
	return n < 0 ? n : 0;
}

static int read_inline(struct reader *r)
{
	struct profile *p = r->p;
	struct tunnel *t = &p->tunnel;
	uint64_t mtu = 0;
	int n = read_peer(r);

	if (n < 0)
		return n;
	n = read_path(r, "private_key_file", &p->private_key_file);
	if (n == 0)
		return json_doc_fail(&r->doc, r->e, "private_key_file", "is missing");
	if (n < 0 || read_path(r, "preshared_key_file", &p->preshared_key_file) < 0 ||
	    read_ipaddrs(r, "addresses", true, &t->addresses, &t->n_addresses) < 0 ||
	    json_doc_uint(&r->doc, "mtu", 576, 65535, &mtu, r->e) < 0)
		return -EINVAL;
	if (!t->n_addresses)
		return json_doc_fail(&r->doc, r->e, "addresses",
				     "has none: programs would have no address to send from");
	t->mtu = (uint16_t)mtu;
	return 0;
}

static int read_tunnel(struct reader *r)
{
	int n = read_path(r, "config", &r->p->config);
	size_t i;

	if (n < 0)
		return n;
	for (i = 0; n && i < ARRAY_SIZE(inline_keys); i++)
		if (json_doc_has(&r->doc, inline_keys[i]))
			return json_doc_fail(&r->doc, r->e, inline_keys[i],
					     "cannot stand beside \"config\", whose file says it");
	if (!n && read_inline(r) < 0)
		return -EINVAL;
	if (read_ipaddrs(r, "dns", false, &r->p->tunnel.dns, &r->p->tunnel.n_dns) < 0 ||
	    read_other_dns(r) < 0)
		return -EINVAL;
	return read_search(r);
}

static int read_all(struct reader *r)
{
	uint64_t id = 0, limit = 0;
	int n = read_name(r);

	if (n < 0)
		return n;
	n = json_doc_check_keys(&r->doc, NULL, known_keys, r->e);
	if (n < 0)
		return err_hint(r->e, n,
				json_doc_has(&r->doc, "private_key")
					? "keep it in a root-only file: private_key_file"
					: "vpnrun.json(5) lists them");
	n = json_doc_uint(&r->doc, "id", 1, 99, &id, r->e);
	if (n == 0)
		return json_doc_fail(&r->doc, r->e, "id", "is missing: a number from 1 to 99");
	if (n < 0)
		return n;
	r->p->id = (int)id;
	if (json_doc_uint(&r->doc, "limit", 1, 1023, &limit, r->e) < 0)
		return -EINVAL;
	r->p->limit = (uint32_t)limit;
	if (read_layout(r) < 0 || read_via(r) < 0 || read_bridge(r) < 0 || read_subnet(r) < 0 ||
	    read_allow(r) < 0 || read_allow_default(r) < 0 || read_bridge_layout(r) < 0 ||
	    profile_read_inbound(&r->doc, r->p, r->e) < 0)
		return -EINVAL;
	return read_tunnel(r);
}

int profile_parse(const char *path, const char *text, size_t len, struct profile *p, struct err *e)
{
	struct profile fresh = {0};
	struct reader r = {.p = &fresh, .e = e};
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
