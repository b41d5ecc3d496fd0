/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer: netavark's status block, information and error as JSON.
 */
#include "netavark/netavark.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "plug/cable.h"

#define IP6_PLEN 64

static int finish(json_t *root, char **ret, struct err *e)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return err_sys(e, -ENOMEM, "cannot write the answer");
	*ret = text;
	return 0;
}

static json_t *subnet(int family, const void *own, uint8_t plen, const void *gateway)
{
	char addr[INET6_ADDRSTRLEN + 4] = "", gw[INET6_ADDRSTRLEN] = "";

	inet_ntop(family, own, addr, INET6_ADDRSTRLEN);
	inet_ntop(family, gateway, gw, sizeof(gw));
	snprintf(addr + strlen(addr), 5, "/%u", plen);
	return json_pack("{s:s, s:s}", "ipnet", addr, "gateway", gw);
}

static json_t *subnets(const struct wire_ends *w)
{
	struct lease_pool pool = record_pool(&w->record);
	struct in_addr own4 = lease_ip4(&pool, w->host), gw4 = lease_ip4(&pool, 1);
	struct in6_addr own6 = lease_ip6(&pool, w->host), gw6 = lease_ip6(&pool, 1);
	json_t *list = json_array();

	if (w->record.flags & RECORD_HAS_IP4)
		json_array_append_new(list, subnet(AF_INET, &own4, pool.plen, &gw4));
	if (cable_has_ip6(&w->record))
		json_array_append_new(list, subnet(AF_INET6, &own6, IP6_PLEN, &gw6));
	return list;
}

static json_t *servers(const struct nv_request *q, const struct record *r)
{
	json_t *list = json_array();
	char text[INET6_ADDRSTRLEN];

	if (q->servers) {
		json_decref(list);
		return json_incref(q->servers);
	}
	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++) {
		uint32_t flag = r->dns[i].family == AF_INET ? RECORD_HAS_IP4 : RECORD_HAS_IP6;

		if ((r->flags & flag) &&
		    inet_ntop(r->dns[i].family, r->dns[i].addr, text, sizeof(text)))
			json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *search(const struct record *r)
{
	json_t *list = json_array();

	for (const char *s = r->search; *s;) {
		size_t len = strcspn(s, " ");

		if (len)
			json_array_append_new(list, json_stringn(s, len));
		s += len + (s[len] == ' ');
	}
	return list;
}

int nv_answer_setup(const struct nv_request *q, const struct wire_ends *w, char **ret,
		    struct err *e)
{
	const uint8_t *m = w->end.mac;
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	return finish(json_pack("{s:o, s:o, s:{s:{s:s, s:o}}}", "dns_search_domains",
				search(&w->record), "dns_server_ips", servers(q, &w->record),
				"interfaces", q->wire.ifname, "mac_address", mac, "subnets",
				subnets(w)),
		      ret, e);
}

int nv_answer_info(char **ret, struct err *e)
{
	return finish(json_pack("{s:s, s:s}", "version", VPNRUN_VERSION, "api_version", "1.0.0"),
		      ret, e);
}

int nv_answer_error(const struct err *error, char **ret, struct err *e)
{
	char ascii[ERR_MSG_MAX];
	json_t *text = json_string(error->msg);

	/* A path that is no UTF-8 is no JSON text. */
	for (size_t i = 0; !text && i < sizeof(ascii); i++)
		ascii[i] = (unsigned char)error->msg[i] < 0x80 ? error->msg[i] : '?';
	return finish(json_pack("{s:o}", "error", text ? text : json_string(ascii)), ret, e);
}
