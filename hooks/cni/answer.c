/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer: result, error and version as JSON. In a chain, what earlier plugins said stays as it
 * is and ours comes behind it, but for their name servers: a container in a VPN asks the VPN's.
 */
#include "cni/cni.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/link.h"
#include "plug/cable.h"

#define IP6_PLEN 64

int cni_code(int err)
{
	if (err <= CNI_ERR(0))
		return -(err - CNI_ERR(0));
	switch (-err) {
	case ENOENT:
	case ENAMETOOLONG:
		return CNI_BAD_CONFIG;
	case ENETDOWN:
	case ESTALE:
	case ENOSPC:
		return CNI_TRY_LATER;
	case ESRCH:
		return CNI_NO_CONTAINER;
	case EBADF:
		return CNI_BAD_ENV;
	case EFBIG:
	case EIO:
		return CNI_IO;
	case EXDEV:
		return CNI_NOT_A_CONTAINER;
	case EBUSY:
		return CNI_ANOTHER_WAY;
	case EADDRINUSE:
	case EACCES:
		return CNI_BAD_CONFIG;
	case EEXIST:
		return CNI_EXISTS;
	case ENOLINK:
		return CNI_NOT_AS_ADDED;
	default:
		return CNI_FAILED;
	}
}

static int finish(json_t *root, char **ret, struct err *e)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return err_sys(e, -ENOMEM, "cannot write the answer");
	*ret = text;
	return 0;
}

/* --- the result ------------------------------------------------------------------------------ */

static json_t *list_of(const struct cni_request *q, const char *key)
{
	json_t *prev = json_object_get(q->prev, key);

	return json_is_array(prev) ? json_copy(prev) : json_array();
}

static json_t *interface(const struct cni_request *q, const struct rtnl_link *l,
			 const char *sandbox)
{
	json_t *o = json_object();
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", l->mac[0], l->mac[1], l->mac[2],
		 l->mac[3], l->mac[4], l->mac[5]);
	json_object_set_new(o, "name", json_string(l->name));
	json_object_set_new(o, "mac", json_string(mac));
	if (q->version >= CNI_1_1_0)
		json_object_set_new(o, "mtu", json_integer((json_int_t)l->mtu));
	if (sandbox)
		json_object_set_new(o, "sandbox", json_string(sandbox));
	return o;
}

struct family {
	int family;
	const void *own, *gateway;
	uint8_t plen;
};

static void put_family(const struct cni_request *q, const struct family *x, size_t index,
		       json_t *ips, json_t *routes)
{
	int family = x->family;

	char addr[INET6_ADDRSTRLEN + 4] = "", gw[INET6_ADDRSTRLEN] = "";
	json_t *ip = json_object(), *route = json_object();

	inet_ntop(family, x->own, addr, INET6_ADDRSTRLEN);
	inet_ntop(family, x->gateway, gw, sizeof(gw));
	snprintf(addr + strlen(addr), 5, "/%u", x->plen);
	if (q->version < CNI_1_0_0)
		json_object_set_new(ip, "version", json_string(family == AF_INET ? "4" : "6"));
	json_object_set_new(ip, "address", json_string(addr));
	json_object_set_new(ip, "gateway", json_string(gw));
	json_object_set_new(ip, "interface", json_integer((json_int_t)index));
	json_array_append_new(ips, ip);
	json_object_set_new(route, "dst", json_string(family == AF_INET ? "0.0.0.0/0" : "::/0"));
	json_object_set_new(route, "gw", json_string(gw));
	json_array_append_new(routes, route);
}

/* Servers of a family that the tunnel does not carry only cost the program time. */
static json_t *dns_of(const struct record *r)
{
	json_t *dns = json_object(), *servers = json_array(), *search = json_array();
	const char *s = r->search;
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++) {
		uint32_t flag = r->dns[i].family == AF_INET ? RECORD_HAS_IP4 : RECORD_HAS_IP6;

		if ((r->flags & flag) &&
		    inet_ntop(r->dns[i].family, r->dns[i].addr, text, sizeof(text)))
			json_array_append_new(servers, json_string(text));
	}
	while (*s) {
		size_t len = strcspn(s, " ");

		if (len)
			json_array_append_new(search, json_stringn(s, len));
		s += len + (s[len] == ' ');
	}
	json_object_set_new(dns, "nameservers", servers);
	if (json_array_size(search))
		json_object_set(dns, "search", search);
	json_decref(search);
	return dns;
}

/* Beside a cluster's own interface the addresses are left out: a runtime reports all that it finds
 * as the pod's, where others would look for it, and a cluster takes one of each family. */
int cni_answer_result(const struct cni_request *q, const struct wire_ends *w, char **ret,
		      struct err *e)
{
	struct lease_pool pool = record_pool(&w->record);
	struct in_addr own4 = lease_ip4(&pool, w->host), gw4 = lease_ip4(&pool, 1);
	struct in6_addr own6 = lease_ip6(&pool, w->host), gw6 = lease_ip6(&pool, 1);
	json_t *interfaces = list_of(q, "interfaces"), *ips = list_of(q, "ips");
	json_t *routes = list_of(q, "routes"), *root = json_object();
	size_t index;

	if (!q->chained)
		json_array_append_new(interfaces, interface(q, &w->port, NULL));
	index = json_array_size(interfaces);
	json_array_append_new(interfaces, interface(q, &w->end, q->wire.netns));
	if (!q->chained && (w->record.flags & RECORD_HAS_IP4))
		put_family(q, &(struct family){AF_INET, &own4, &gw4, pool.plen}, index, ips,
			   routes);
	if (!q->chained && cable_has_ip6(&w->record))
		put_family(q, &(struct family){AF_INET6, &own6, &gw6, IP6_PLEN}, index, ips,
			   routes);
	json_object_set_new(root, "cniVersion", json_string(q->version_text));
	json_object_set_new(root, "interfaces", interfaces);
	json_object_set_new(root, "ips", ips);
	json_object_set_new(root, "routes", routes);
	json_object_set_new(root, "dns", q->dns ? json_incref(q->dns) : dns_of(&w->record));
	return finish(root, ret, e);
}

/* --- what prevResult says -------------------------------------------------------------------- */

static bool has_text(const json_t *list, const char *key, const char *value, const char *key2,
		     const char *value2)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *a = json_string_value(json_object_get(v, key));
		const char *b = key2 ? json_string_value(json_object_get(v, key2)) : NULL;

		if (a && !strcmp(a, value) && (!key2 || (b && !strcmp(b, value2))))
			return true;
	}
	return false;
}

int cni_request_check_prev(const struct cni_request *q, const struct wire_ends *w, struct err *e)
{
	struct lease_pool pool = record_pool(&w->record);
	struct in_addr own4 = lease_ip4(&pool, w->host);
	char text[INET_ADDRSTRLEN + 4] = "";

	if (!has_text(json_object_get(q->prev, "interfaces"), "name", w->end.name, "sandbox",
		      q->wire.netns))
		return err_set(e, -ENOLINK, "prevResult does not tell of %s in %s", w->end.name,
			       q->wire.netns);
	inet_ntop(AF_INET, &own4, text, INET_ADDRSTRLEN);
	snprintf(text + strlen(text), 5, "/%u", pool.plen);
	if (!q->chained && (w->record.flags & RECORD_HAS_IP4) &&
	    !has_text(json_object_get(q->prev, "ips"), "address", text, NULL, NULL))
		return err_set(e, -ENOLINK, "prevResult gives %s another address than %s",
			       w->end.name, text);
	return 0;
}

int cni_answer_passed(const struct cni_request *q, char **ret, struct err *e)
{
	json_t *root = json_copy(q->prev);

	json_object_set_new(root, "cniVersion", json_string(q->version_text));
	return finish(root, ret, e);
}

/* --- version and error ----------------------------------------------------------------------- */

int cni_answer_version(const struct cni_request *q, char **ret, struct err *e)
{
	return finish(json_pack("{s:s, s:[s,s,s,s,s]}", "cniVersion", q->version_text,
				"supportedVersions", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"),
		      ret, e);
}

/* Text that is no UTF-8 (a path, a name) is no JSON text. */
static json_t *any_text(const char *s)
{
	json_t *v = json_string(s);
	char ascii[ERR_MSG_MAX];
	size_t i;

	if (v)
		return v;
	for (i = 0; s[i] && i + 1 < sizeof(ascii); i++)
		ascii[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
	ascii[i] = '\0';
	return json_string(ascii);
}

int cni_answer_error(const struct cni_request *q, const struct err *error, char **ret,
		     struct err *e)
{
	char details[64];

	if (error->code <= CNI_ERR(0))
		snprintf(details, sizeof(details), "vpnrun " VPNRUN_VERSION);
	else
		snprintf(details, sizeof(details), "vpnrun " VPNRUN_VERSION ": %s",
			 strerror(-error->code));
	return finish(json_pack("{s:s, s:i, s:o, s:s}", "cniVersion", q->version_text, "code",
				cni_code(error->code), "msg", any_text(error->msg), "details",
				details),
		      ret, e);
}
