/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of /etc/vpnrun/NAME.json about what may come in from the VPN's side. Part of
 * conf/profile.c, and as pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "conf/profile.h"
#include "conf/value.h"

static int fail_memory(const struct json_doc *doc, struct err *e)
{
	return err_sys(e, -ENOMEM, "cannot read %s", doc->file);
}

/* "53/udp", "8080/tcp" */
int profile_read_services(const struct json_doc *doc, const char *key, size_t max,
			  struct host_port **ret, size_t *ret_n, struct err *e)
{
	AUTO_FREE const char **list = NULL;
	struct host_port *hp;
	size_t n = 0;

	if (json_doc_strv(doc, key, max, &list, &n, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char *slash = strchr(list[i], '/');
		char number[8] = "", buf[VALUE_SHOW_MAX];
		uint64_t port;

		if (!slash || (strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0) ||
		    str_fmt(number, sizeof(number), "%.*s", (int)(slash - list[i]), list[i]) < 0 ||
		    str_uint(number, 1, 65535, &port) < 0)
			return json_doc_fail(doc, e, key,
					     "%s is no port like \"53/udp\" or \"8080/tcp\"",
					     value_show(list[i], buf));
		hp = model_grow(ret, *ret_n, sizeof(*hp));
		if (!hp)
			return fail_memory(doc, e);
		*hp = (struct host_port){.port = (uint16_t)port, .udp = slash[1] == 'u'};
		++*ret_n;
	}
	return 0;
}

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

/* Without the key, what any user may bind to on any machine. */
static int read_ranges(const struct json_doc *doc, struct profile *p, struct err *e)
{
	AUTO_FREE const char **list = NULL;
	size_t n = 0;
	int found = json_doc_strv(doc, "allow_expose", PROFILE_RANGE_MAX, &list, &n, e);

	if (found < 0)
		return found;
	for (size_t i = 0; i < (found ? n : 1); i++) {
		struct port_range *range = model_grow(&p->may_expose, i, sizeof(*range));
		char buf[VALUE_SHOW_MAX];

		if (!range)
			return fail_memory(doc, e);
		if (!parse_range(found ? list[i] : "1024-65535", range))
			return json_doc_fail(doc, e, "allow_expose",
					     "%s is no port or range like \"1024-65535\"",
					     value_show(list[i], buf));
		p->n_may_expose++;
	}
	return 0;
}

/* --- the provider's port --------------------------------------------------------------------- */

static int read_hook(const struct json_doc *doc, struct profile *p, struct err *e)
{
	static const char *const keys[] = {"user", "command", NULL};
	const char *user = NULL, *command = NULL;
	int n = json_doc_object(doc, "port_forward_hook", e);

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
	return p->hook_user && p->hook_command ? 0 : fail_memory(doc, e);
}

static int read_forward(const struct json_doc *doc, struct profile *p, struct err *e)
{
	static const char *const need[] = {"port_forward_gateway", "port_forward_hook"};
	const char *text = NULL, *gateway = NULL;

	if (json_doc_str(doc, "port_forward", &text, e) < 0 ||
	    json_doc_str(doc, "port_forward_gateway", &gateway, e) < 0)
		return -EINVAL;
	if (text && strcmp(text, "natpmp") != 0)
		return json_doc_fail(doc, e, "port_forward", "must be \"natpmp\"");
	for (size_t i = 0; !text && i < ARRAY_SIZE(need); i++)
		if (json_doc_has(doc, need[i]))
			return json_doc_fail(doc, e, need[i],
					     "is of no use without \"port_forward\": \"natpmp\"");
	p->natpmp = text != NULL;
	if (gateway && (ipaddr_parse(gateway, &p->natpmp_gateway) < 0 || strchr(gateway, '/') ||
			p->natpmp_gateway.family != AF_INET || !p->natpmp_gateway.v4.s_addr))
		return json_doc_fail(doc, e, "port_forward_gateway",
				     "must be an IPv4 address like \"10.2.0.1\"");
	return read_hook(doc, p, e);
}

int profile_read_inbound(const struct json_doc *doc, struct profile *p, struct err *e)
{
	if (profile_read_services(doc, "expose", PROFILE_EXPOSE_MAX, &p->expose, &p->n_expose, e) <
		    0 ||
	    read_ranges(doc, p, e) < 0)
		return -EINVAL;
	return read_forward(doc, p, e);
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
