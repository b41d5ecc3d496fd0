/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question: networks and containers as podman describes them. Pure. Options are refused if we
 * do not know them, and so is what a VPN's lease cannot give: an own address.
 */
#include "netavark/netavark.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"

static int bad(struct err *e, const char *key, const char *what)
{
	return err_set(e, -EINVAL, "%s: %s", key, what);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && *s ? s : NULL;
}

static bool is_given(const json_t *v)
{
	return v && !json_is_null(v) && !json_is_false(v) &&
	       (!json_is_array(v) || json_array_size(v)) &&
	       (!json_is_string(v) || json_string_length(v));
}

static int load(const char *text, size_t len, json_t **ret, struct err *e)
{
	struct json_doc doc;
	int r = json_doc_parse(&doc, "input", text, len, e);

	if (r == 0)
		*ret = doc.root;
	return r;
}

static bool is_word(const char *s)
{
	return s && (!strcmp(s, "true") || !strcmp(s, "false"));
}

static int read_options(const json_t *network, struct wire *w, struct err *e)
{
	json_t *options = json_object_get(network, "options"), *value;
	const char *key;

	if (options && !json_is_object(options) && !json_is_null(options))
		return bad(e, "options", "must be an object");
	json_object_foreach(options, key, value)
	{
		const char *s = json_string_value(value);

		if (!strcmp(key, "exclusive") && is_word(s))
			w->shared = !strcmp(s, "false");
		else if (!strcmp(key, "lan") && is_word(s))
			w->lan = !strcmp(s, "true");
		else if (strcmp(key, "vpn") != 0 || !s)
			return bad(e, "options",
				   "there are --opt vpn=NAME, --opt exclusive=true|false and "
				   "--opt lan=true|false, no others");
	}
	w->vpn = text_of(options, "vpn");
	if (!w->vpn)
		w->vpn = text_of(network, "name");
	if (!w->vpn || !str_is_vpn_name(w->vpn))
		return bad(e, "options", "which VPN? say --opt vpn=NAME, as in `vpnctl status`");
	return 0;
}

static int read_servers(const json_t *network, struct wire *w, json_t **ret, struct err *e)
{
	json_t *list = json_object_get(network, "network_dns_servers");
	unsigned char addr[16];
	const json_t *v;
	size_t i;

	if (!is_given(list))
		return 0;
	if (!json_is_array(list))
		return bad(e, "network_dns_servers", "must be a list");
	json_array_foreach(list, i, v)
	{
		const char *s = json_string_value(v);

		if (!s || (inet_pton(AF_INET, s, addr) != 1 && inet_pton(AF_INET6, s, addr) != 1))
			return bad(e, "network_dns_servers", "must hold addresses");
		wire_add_dns(w, "--dns", s);
	}
	*ret = list;
	return 0;
}

/* --- create ---------------------------------------------------------------------------------- */

static int check_network(const json_t *network, struct err *e)
{
	struct wire w = {0};
	json_t *servers;
	int r;

	if (!text_of(network, "name") || !text_of(network, "id") || !text_of(network, "driver"))
		return bad(e, "network", "name, id and driver are needed");
	if (is_given(json_object_get(network, "subnets")))
		return bad(e, "subnets", "the VPN has its own: leave --subnet out");
	if (is_given(json_object_get(network, "internal")))
		return bad(e, "internal", "a VPN leads out: leave --internal out");
	if (is_given(json_object_get(network, "network_interface")))
		return bad(e, "network_interface",
			   "the bridge is the VPN's own: leave --interface-name out");
	r = read_options(network, &w, e);
	return r < 0 ? r : read_servers(network, &w, &servers, e);
}

int nv_create(const char *text, size_t len, char **ret, struct err *e)
{
	json_t *network = NULL;
	char *answer;
	int r = load(text, len, &network, e);

	if (r == 0)
		r = check_network(network, e);
	if (r < 0) {
		json_decref(network);
		return r;
	}
	/* podman's own resolver listens on a bridge's address that it does not have here. */
	json_object_set_new(network, "dns_enabled", json_false());
	json_object_set_new(network, "ipam_options", json_pack("{s:s}", "driver", "none"));
	answer = json_dumps(network, JSON_COMPACT);
	json_decref(network);
	if (!answer)
		return err_sys(e, -ENOMEM, "cannot write the answer");
	*ret = answer;
	return 0;
}

/* --- setup and teardown ---------------------------------------------------------------------- */

static int refuse_wishes(const json_t *options, struct err *e)
{
	if (is_given(json_object_get(options, "static_ips")))
		return bad(e, "static_ips", "in a VPN the lease decides: leave --ip out");
	if (is_given(json_object_get(options, "static_mac")))
		return bad(e, "static_mac", "in a VPN the lease decides: leave --mac-address out");
	return 0;
}

static const struct publish_keys keys = {"host_ip", "host_port", "container_port", "protocol",
					 "range"};

static int read_request(struct nv_request *q, bool teardown, struct err *e)
{
	const json_t *network = json_object_get(q->root, "network");
	const json_t *options = json_object_get(q->root, "network_options");
	const char *container = text_of(q->root, "container_id"), *id = text_of(network, "id");
	int r;

	if (!container || strchr(container, '/'))
		return bad(e, "container_id", "must be a container's id");
	if (!id || strchr(id, '/'))
		return bad(e, "network.id", "must be a network's id");
	q->wire.ifname = text_of(options, "interface_name");
	if (!q->wire.ifname || !str_is_device_name(q->wire.ifname))
		return bad(e, "network_options.interface_name", "must be an interface's name");
	r = read_options(network, &q->wire, e);
	if (r == 0)
		r = read_servers(network, &q->wire, &q->servers, e);
	if (r == 0 && !teardown)
		r = refuse_wishes(options, e);
	if (r == 0 && !teardown)
		r = publish_read(json_object_get(q->root, "port_mappings"), &keys, &q->ports, e);
	if (r < 0)
		return r;
	return wire_tag(q->wire.tag,
			&(struct wire_owner){"netavark", id, container, q->wire.ifname}, e);
}

int nv_request_parse(const char *text, size_t len, const struct nv_call *call,
		     struct nv_request *ret, struct err *e)
{
	struct nv_request q = {.wire.netns = call->netns};
	int r = load(text, len, &q.root, e);

	if (r == 0)
		r = read_request(&q, call->teardown, e);
	if (r < 0)
		nv_request_free(&q);
	else
		*ret = q;
	return r;
}

void nv_request_free(struct nv_request *q)
{
	json_decref(q->root);
	memset(q, 0, sizeof(*q));
}
