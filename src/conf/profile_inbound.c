/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of /etc/vpnrun/NAME.json about what may come in from the VPN's side. Pure.
 */
#include "conf/profile_inbound.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"

static bool parse_range(const char *text, struct port_range *ret)
{
	const char *dash = strchr(text, '-');
	char low[8];
	uint64_t a, b;

	if (str_fmt(low, sizeof(low), "%.*s", dash ? (int)(dash - text) : 7, text) < 0 ||
	    str_uint(low, 1, 65535, &a) < 0 || str_uint(dash ? dash + 1 : text, a, 65535, &b) < 0)
		return false;
	*ret = (struct port_range){.low = (uint16_t)a, .high = (uint16_t)b};
	return true;
}

/* Without the key, it is what any user may bind to on any machine. */
int inbound_read_ranges(struct profile_reader *r, const struct profile_key *k)
{
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = k->max};
	struct profile *p = r->p;
	int found = json_doc_strv(&r->doc, k->name, &got, r->e);

	if (found < 0)
		return found;
	list = got.at;
	for (size_t i = 0; i < (found ? got.n : 1); i++) {
		struct port_range *range = model_grow(&p->may_expose, i, sizeof(*range));
		char buf[VALUE_SHOW_MAX];

		if (!range)
			return profile_fail_memory(r);
		if (!parse_range(found ? list[i] : "1024-65535", range))
			return json_doc_fail(&r->doc, r->e, k->name,
					     "%s is not a port or range like \"1024-65535\"",
					     value_show(list[i], buf));
		p->n_may_expose++;
	}
	return 0;
}

void inbound_write_ranges(struct json_out *out, const struct profile_key *k,
			  const struct profile *p)
{
	char text[16];

	json_out_array(out, k->name);
	for (size_t i = 0; i < p->n_may_expose; i++) {
		const struct port_range *range = &p->may_expose[i];

		str_fmt(text, sizeof(text), range->low == range->high ? "%u" : "%u-%u", range->low,
			range->high);
		json_out_str(out, NULL, text);
	}
	json_out_end(out);
}

/* --- the provider's port --------------------------------------------------------------------- */

int inbound_read_forward(struct profile_reader *r, const struct profile_key *k)
{
	const char *text = NULL;

	if (json_doc_str(&r->doc, k->name, &text, r->e) < 0)
		return -EINVAL;
	if (text && strcmp(text, "natpmp") != 0)
		return json_doc_fail(&r->doc, r->e, k->name, "must be \"natpmp\"");
	r->p->natpmp = text != NULL;
	return 0;
}

void inbound_write_forward(struct json_out *out, const struct profile_key *k,
			   const struct profile *p)
{
	json_out_str(out, k->name, p->natpmp ? "natpmp" : NULL);
}

static int need_forward(struct profile_reader *r, const struct profile_key *k)
{
	if (r->p->natpmp || !json_doc_has(&r->doc, k->name))
		return 0;
	return json_doc_fail(&r->doc, r->e, k->name,
			     "is of no use without \"port_forward\": \"natpmp\"");
}

int inbound_read_gateway(struct profile_reader *r, const struct profile_key *k)
{
	struct ipaddr *ret = &r->p->natpmp_gateway;
	const char *text = NULL;

	if (need_forward(r, k) < 0 || json_doc_str(&r->doc, k->name, &text, r->e) < 0)
		return -EINVAL;
	if (text && (ipaddr_parse(text, ret) < 0 || strchr(text, '/') || ret->family != AF_INET ||
		     !ret->v4.s_addr))
		return json_doc_fail(&r->doc, r->e, k->name,
				     "must be an IPv4 address like \"10.2.0.1\"");
	return 0;
}

void inbound_write_gateway(struct json_out *out, const struct profile_key *k,
			   const struct profile *p)
{
	char text[INET_ADDRSTRLEN];

	json_out_str(out, k->name,
		     p->natpmp_gateway.family
			     ? inet_ntop(AF_INET, &p->natpmp_gateway.v4, text, sizeof(text))
			     : NULL);
}

int inbound_read_hook(struct profile_reader *r, const struct profile_key *k)
{
	static const char *const keys[] = {"user", "command", NULL};
	const char *user = NULL, *command = NULL;
	const struct json_doc *doc = &r->doc;
	struct profile *p = r->p;
	struct err *e = r->e;
	int n = need_forward(r, k);

	if (n == 0)
		n = json_doc_object(doc, k->name, e);
	if (n <= 0)
		return n;
	if (json_doc_check_keys(doc, "port_forward_hook", keys, e) < 0 ||
	    json_doc_str(doc, "port_forward_hook.user", &user, e) < 0 ||
	    json_doc_str(doc, "port_forward_hook.command", &command, e) < 0)
		return -EINVAL;
	if (!user || !*user || strlen(user) >= PROFILE_ACCOUNT_LEN)
		return json_doc_fail(doc, e, "port_forward_hook",
				     "needs \"user\": who runs the command");
	if (!strcmp(user, "root") || !strcmp(user, "0"))
		return json_doc_fail(doc, e, "port_forward_hook.user",
				     "must not be root: name an ordinary user");
	if (!command || command[0] != '/' || strlen(command) >= PROFILE_HOOK_LEN)
		return json_doc_fail(doc, e, "port_forward_hook",
				     "needs \"command\": an absolute path, which gets the port as "
				     "its argument");
	p->hook_user = strdup(user);
	p->hook_command = strdup(command);
	return p->hook_user && p->hook_command ? 0 : profile_fail_memory(r);
}

void inbound_write_hook(struct json_out *out, const struct profile_key *k, const struct profile *p)
{
	if (!p->hook_user) {
		json_out_null(out, k->name);
		return;
	}
	json_out_object(out, k->name);
	json_out_str(out, "user", p->hook_user);
	json_out_str(out, "command", p->hook_command);
	json_out_end(out);
}

const char *profile_check_forward(struct profile *p)
{
	const struct tunnel *t = &p->tunnel;

	if (!p->natpmp)
		return NULL;
	if (!tunnel_has_address(t, AF_INET))
		return "needs a tunnel with an IPv4 address";
	for (size_t i = 0; !p->natpmp_gateway.family && i < t->n_dns; i++)
		if (t->dns[i].family == AF_INET) {
			p->natpmp_gateway = t->dns[i];
			p->natpmp_gateway.text = NULL;
		}
	return p->natpmp_gateway.family
		       ? NULL
		       : "knows no gateway to ask: the tunnel has no IPv4 DNS server; give "
			 "\"port_forward_gateway\"";
}
