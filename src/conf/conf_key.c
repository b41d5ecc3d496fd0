/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the keys that WireGuard and wg-quick have, and a setter for each. What wg-quick(8)
 * hands on to wg(8) loses all its blanks there, so "Private Key" and "1.2.3.4 : 51820" are good
 * form; values are another matter, see value.c. Called by conf.c, one line at a time. Must never
 * repeat a value that may be a key.
 */
#include "conf/conf_key.h"
#include "conf/conf_foreign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const conf_section_names[] = {"no section", "[Interface]", "[Peer]"};
_Static_assert(ARRAY_SIZE(conf_section_names) == SECTION_PEER + 1, "one name per section");

int conf_fail(struct conf_parse *p, int line, const char *key, const char *fmt, ...)
{
	char what[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(p->e, -EINVAL, "%s:%d: %s: %s", p->file, line, key, what);
}

int conf_fail_memory(struct conf_parse *p)
{
	return err_set(p->e, -ENOMEM, "%s:%d: line: cannot be kept: out of memory", p->file,
		       p->line);
}

int conf_warn(struct conf_parse *p, const char *key, const char *what)
{
	if (tunnel_warn(p->t, "%s:%d: %s: %s", p->file, p->line, key, what) < 0)
		return conf_fail_memory(p);
	return 0;
}

struct tunnel_peer *conf_peer(struct conf_parse *p)
{
	return &p->t->peers[p->t->n_peers - 1];
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *conf_trim(char *s)
{
	size_t len;

	while (is_blank(*s))
		s++;
	len = strlen(s);
	while (len && is_blank(s[len - 1]))
		s[--len] = '\0';
	return s;
}

char *conf_squeeze(char *s)
{
	char *from, *to = s;

	for (from = s; *from; from++)
		if (!is_blank(*from))
			*to++ = *from;
	*to = '\0';
	return s;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int add_ipaddr(struct conf_parse *p, struct ipaddr **list, size_t *n, const struct ipaddr *a,
		      const char *text)
{
	return ipaddr_append(list, n, a, text) < 0 ? conf_fail_memory(p) : 0;
}

/* Calls add for each element; commas and blanks both part them, as often as they like. */
static int for_each_token(struct conf_parse *p, const struct conf_key *k, char *value,
			  int (*add)(struct conf_parse *p, const struct conf_key *k,
				     const char *token))
{
	char *save = NULL, *token;
	int r, n = 0;

	for (token = strtok_r(value, ", \t\v\f\r", &save); token;
	     token = strtok_r(NULL, ", \t\v\f\r", &save), n++) {
		r = add(p, k, token);
		if (r < 0)
			return r;
	}
	return n ? 0 : conf_warn(p, k->name, "is empty");
}

static int fail_address(struct conf_parse *p, const struct conf_key *k, const char *token)
{
	char buf[VALUE_SHOW_MAX];

	return conf_fail(p, p->line, k->name, "%s is not an IP address with an optional /LENGTH",
			 value_show(token, buf));
}

/* "10.9.8.7/255.255.255.0", as ip(8) takes it under wg-quick(8), to "10.9.8.7/24". */
static bool read_netmask(const char *token, char ret[INET_ADDRSTRLEN + 4])
{
	const char *slash = strchr(token, '/');
	struct in_addr mask;
	uint32_t bits;

	if (!slash || inet_pton(AF_INET, slash + 1, &mask) != 1)
		return false;
	bits = ntohl(mask.s_addr);
	/* The ones come first, and there is one at least. */
	if (!bits || (~bits & (~bits + 1)))
		return false;
	return str_fmt(ret, INET_ADDRSTRLEN + 4, "%.*s/%d", (int)(slash - token), token,
		       __builtin_popcount(bits)) > 0;
}

static int add_address(struct conf_parse *p, const struct conf_key *k, const char *token)
{
	char plain[INET_ADDRSTRLEN + 4];
	struct ipaddr a;

	if (read_netmask(token, plain))
		token = plain;
	if (ipaddr_parse(token, &a) < 0)
		return fail_address(p, k, token);
	return add_ipaddr(p, &p->t->addresses, &p->t->n_addresses, &a, token);
}

static int set_address(struct conf_parse *p, const struct conf_key *k, char *value)
{
	return for_each_token(p, k, value, add_address);
}

/* "10.0.0.1:53", "[fd00::1]:53", "10.0.0.1#name" is none of it: '#' begins a comment. */
static bool has_port(const char *token)
{
	const char *colon = strrchr(token, ':');

	return colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")] &&
	       (strchr(token, ':') == colon || colon[-1] == ']');
}

static int add_dns(struct conf_parse *p, const struct conf_key *k, const char *token)
{
	char buf[VALUE_SHOW_MAX];
	struct ipaddr a;
	char **place;

	if (!strchr(token, '/') && ipaddr_parse(token, &a) == 0)
		return add_ipaddr(p, &p->t->dns, &p->t->n_dns, &a, token);
	if (strstr(token, "://"))
		return conf_fail(p, p->line, k->name,
				 "%s is a web address: give the IP address of a server that is "
				 "asked through the tunnel",
				 value_show(token, buf));
	if (has_port(token))
		return conf_fail(p, p->line, k->name,
				 "%s has a port: leave it out, since name servers are asked at "
				 "port 53",
				 value_show(token, buf));
	if (*token == '~' && token[1]) {
		if (conf_warn(p, k->name, "~ is systemd-resolved's; read as a search domain") < 0)
			return -ENOMEM;
		token++;
	}
	/* wg-quick takes these two for addresses, whatever else they are. */
	if (strchr(token, ':') || token[strspn(token, "0123456789.")] == '\0')
		return conf_fail(p, p->line, k->name, "%s is not an IP address",
				 value_show(token, buf));
	if (!domain_is_valid(token))
		return conf_fail(p, p->line, k->name,
				 "%s is neither an IP address nor a search domain",
				 value_show(token, buf));
	place = model_grow(&p->t->search, p->t->n_search, sizeof(*place));
	if (!place)
		return conf_fail_memory(p);
	*place = strdup(token);
	if (!*place)
		return conf_fail_memory(p);
	p->t->n_search++;
	return 0;
}

static int set_dns(struct conf_parse *p, const struct conf_key *k, char *value)
{
	return for_each_token(p, k, value, add_dns);
}

static int add_allowed(struct conf_parse *p, const struct conf_key *k, const char *token)
{
	struct tunnel_peer *peer = conf_peer(p);
	struct ipaddr a;

	if (token[0] == '+' || token[0] == '-')
		return conf_fail(
			p, p->line, k->name,
			"a change to a running tunnel (+ or - before an address) has no place "
			"in a file; write the address alone");
	if (ipaddr_parse(token, &a) < 0)
		return fail_address(p, k, token);
	if (ipaddr_has_host_bits(&a) &&
	    conf_warn(p, k->name, "has bits set behind its prefix length; they do not count") < 0)
		return -ENOMEM;
	return add_ipaddr(p, &peer->allowed, &peer->n_allowed, &a, token);
}

/* wg(8) parts at commas only and drops blanks: "10.0.0.0 / 8" is one prefix to it. */
static void join_slashes(char *s)
{
	char *from, *to = s;

	for (from = s; *from; from++) {
		const char *next = from + strspn(from, " \t");

		if (next != from && (*next == '/' || (to > s && to[-1] == '/')))
			continue;
		*to++ = *from;
	}
	*to = '\0';
}

static int set_allowed(struct conf_parse *p, const struct conf_key *k, char *value)
{
	join_slashes(value);
	return for_each_token(p, k, value, add_allowed);
}

/* --- single values --------------------------------------------------------------------------- */

static int set_key(struct conf_parse *p, const struct conf_key *k, char *value)
{
	uint8_t *place = p->t->private_key;

	if (p->section == SECTION_PEER)
		place = k->name[1] == 'u' ? conf_peer(p)->public_key : conf_peer(p)->psk;
	else if (p->has_private_key && p->key_line != p->section_line)
		return conf_fail(p, p->line, k->name,
				 "is there in another [Interface] already: these are two "
				 "configurations, so make two files of them");
	else
		p->key_line = p->section_line;
	if (conf_is_placeholder(value) && strlen(value) != 44)
		return conf_fail(p, p->line, k->name,
				 "is a placeholder: write the key in its place, which the "
				 "provider shows when it is made");
	if (wgkey_parse(conf_squeeze(value), place) < 0)
		return conf_fail(p, p->line, k->name,
				 "is not a WireGuard key: 32 bytes, not all zero, in base64 (44 "
				 "characters, the last one '=') are needed");
	if (p->section == SECTION_INTERFACE)
		p->has_private_key = true;
	else if (place == conf_peer(p)->psk)
		conf_peer(p)->has_psk = true;
	else
		p->peer_has_key = true;
	return 0;
}

static int set_mtu(struct conf_parse *p, const struct conf_key *k, char *value)
{
	uint64_t v;

	if (str_uint(value, 576, 65535, &v) < 0)
		return conf_fail(p, p->line, k->name, "must be a number from 576 to 65535");
	p->t->mtu = (uint16_t)v;
	return 0;
}

static int set_table(struct conf_parse *p, const struct conf_key *k, char *value)
{
	size_t i;
	char *copy;

	for (i = 0; value[i]; i++)
		if (value[i] <= ' ' || value[i] > '~' || i >= 31)
			return conf_fail(p, p->line, k->name,
					 "must be 'auto', 'off' or a routing table");
	copy = strdup(value);
	if (!copy)
		return conf_fail_memory(p);
	free(p->t->table);
	p->t->table = copy;
	if (!strcasecmp(value, "auto"))
		return 0;
	return conf_warn(
		p, k->name,
		"not used: the VPN's own namespace always gets the routes of AllowedIPs in its "
		"main table, and the host's tables are left alone");
}

static int set_save(struct conf_parse *p, const struct conf_key *k, char *value)
{
	if (strcasecmp(value, "true") && strcasecmp(value, "false"))
		return conf_fail(p, p->line, k->name, "must be 'true' or 'false'");
	p->t->save_config = !strcasecmp(value, "true");
	if (!p->t->save_config)
		return 0;
	return conf_warn(p, k->name, "not used: vpnrun never writes to this file");
}

static int set_fwmark(struct conf_parse *p, const struct conf_key *k, char *value)
{
	unsigned long long v = 0;
	uint64_t dec = 0;
	char *end = value;

	conf_squeeze(value);
	if (!strncasecmp(value, "0x", 2) && value[2]) {
		if (strlen(value) <= 18 &&
		    value[2 + strspn(value + 2, "0123456789abcdefABCDEF")] == 0)
			v = strtoull(value + 2, &end, 16);
	} else if (!strcasecmp(value, "off")) {
		end += strlen(value);
	} else if (str_uint(value, 0, UINT32_MAX, &dec) == 0) {
		end += strlen(value);
		v = dec;
	}
	if (end == value || v > UINT32_MAX)
		return conf_fail(p, p->line, k->name,
				 "must be 'off' or a number from 0 to 0xffffffff");
	p->t->has_fwmark = true;
	p->t->fwmark = (uint32_t)v;
	return 0;
}

/* 0 is the kernel's way to say "any free port". */
static int set_listen_port(struct conf_parse *p, const struct conf_key *k, char *value)
{
	uint64_t v;

	if (str_uint(conf_squeeze(value), 0, 65535, &v) < 0)
		return conf_fail(p, p->line, k->name, "must be a number from 0 (any) to 65535");
	p->t->has_listen_port = true;
	p->t->listen_port = (uint16_t)v;
	return 0;
}

static int set_endpoint(struct conf_parse *p, const struct conf_key *k, char *value)
{
	char buf[VALUE_SHOW_MAX];
	const char *why;

	conf_squeeze(value);
	if (strstr(value, "://"))
		return conf_fail(p, p->line, k->name,
				 "%s is a web address: HOST:PORT alone is needed",
				 value_show(value, buf));
	if (*value == ':')
		return conf_fail(p, p->line, k->name, "%s has no host before its port",
				 value_show(value, buf));
	if (endpoint_parse(value, conf_peer(p), &why) < 0)
		return conf_fail(p, p->line, k->name, "%s %s", value_show(value, buf), why);
	return why ? conf_warn(p, k->name, why) : 0;
}

static int set_keepalive(struct conf_parse *p, const struct conf_key *k, char *value)
{
	struct tunnel_peer *peer = conf_peer(p);
	uint64_t v = 0;

	if (strcasecmp(conf_squeeze(value), "off") && str_uint(value, 0, 65535, &v) < 0)
		return conf_fail(
			p, p->line, k->name,
			"must be 'off' or a number of seconds from 0 to 65535, without a unit");
	peer->has_keepalive = true;
	peer->keepalive = (uint16_t)v;
	return 0;
}

/* --- hooks ----------------------------------------------------------------------------------- */

/* What providers write as a kill switch: iptables alone, and nothing but refusing what does not
 * leave by the tunnel or carry its mark. */
static bool is_kill_switch(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "&;|");
		char part[256];

		text += strspn(text, " \t");
		len = strcspn(text, "&;|");
		if (len >= sizeof(part))
			return false;
		memcpy(part, text, len);
		part[len] = '\0';
		if (!str_starts(part, "iptables ") && !str_starts(part, "ip6tables "))
			return false;
		if (!strstr(part, "! -o %i") || !strstr(part, "mark") ||
		    !(strstr(part, "REJECT") || strstr(part, "DROP")))
			return false;
		text += len;
		text += strspn(text, "&; \t");
		if (*text == '|')
			return false;
	}
	return true;
}

/* A hook is for reading only; a key in it (`wg set %i private-key <(echo ...)`) must not be read
 * on a screen either, and neither may it move the cursor. */
static void hook_mask(char *text)
{
	size_t i, run = 0, hex = 0;

	for (i = 0; text[i]; i++) {
		char c = text[i];
		bool is_hex =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		bool is_b64 = is_hex || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') ||
			      c == '+' || c == '/';

		if (c < 0x20 || c > 0x7e)
			text[i] = '?';
		hex = is_hex ? hex + 1 : 0;
		if (hex >= 64)
			memset(text + i - 63, '*', 64);
		if (c == '=' && run >= 43)
			memset(text + i - 43, '*', 44);
		run = is_b64 ? run + 1 : 0;
	}
}

static int set_hook(struct conf_parse *p, const struct conf_key *k, char *value)
{
	struct tunnel_hook *hook;

	hook = model_grow(&p->t->hooks, p->t->n_hooks, sizeof(*hook));
	if (!hook)
		return conf_fail_memory(p);
	p->t->n_hooks++;
	hook->line = p->line;
	hook->key = strdup(k->name);
	hook->text = strdup(value);
	if (!hook->key || !hook->text)
		return conf_fail_memory(p);
	if (is_kill_switch(hook->text)) {
		hook_mask(hook->text);
		return conf_warn(
			p, k->name,
			"the provider's kill switch: not run, and not needed, since a program "
			"under vpnrun has no other way out than the tunnel");
	}
	hook_mask(hook->text);
	if (tunnel_warn(p->t, "%s:%d: %s: not run, as vpnrun runs no commands of a file: %s",
			p->file, p->line, k->name, hook->text) < 0)
		return conf_fail_memory(p);
	return 0;
}

const struct conf_key conf_keys[] = {
	{"PrivateKey", SECTION_INTERFACE, false, false, true, set_key},
	{"ListenPort", SECTION_INTERFACE, false, false, true, set_listen_port},
	{"FwMark", SECTION_INTERFACE, false, false, true, set_fwmark},
	{"Address", SECTION_INTERFACE, false, true, false, set_address},
	{"DNS", SECTION_INTERFACE, false, true, false, set_dns},
	{"MTU", SECTION_INTERFACE, false, false, false, set_mtu},
	{"Table", SECTION_INTERFACE, false, false, false, set_table},
	{"SaveConfig", SECTION_INTERFACE, false, false, false, set_save},
	{"PreUp", SECTION_INTERFACE, true, true, false, set_hook},
	{"PostUp", SECTION_INTERFACE, true, true, false, set_hook},
	{"PreDown", SECTION_INTERFACE, true, true, false, set_hook},
	{"PostDown", SECTION_INTERFACE, true, true, false, set_hook},
	{"PublicKey", SECTION_PEER, false, false, true, set_key},
	{"PresharedKey", SECTION_PEER, false, false, false, set_key},
	{"AllowedIPs", SECTION_PEER, false, true, false, set_allowed},
	{"Endpoint", SECTION_PEER, false, false, true, set_endpoint},
	{"PersistentKeepalive", SECTION_PEER, false, false, true, set_keepalive},
};
_Static_assert(ARRAY_SIZE(conf_keys) <= CONF_KEYS_MAX, "conf_parse.seen has a bit for each");
const size_t conf_keys_n = ARRAY_SIZE(conf_keys);
