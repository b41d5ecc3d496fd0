/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cluster's words: which of several VPNs a pod asks for, and what it may reach beside it. Pure.
 * What a pod asks for and is not understood is refused, because it would have the cluster's network
 * alone instead.
 */
#include "cni/cni.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define CLUSTER_IFNAME "eth0" /* what every CRI runtime asks the cluster's network for */
#define OWN_IFNAME     "vpn0"
#define PREFIX_MIN     8

static int bad(struct err *e, const char *key, const char *what)
{
	return err_set(e, CNI_ERR(CNI_BAD_CONFIG), "%s: %s", key, what);
}

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-"

/* A pod's words are anybody's: they stand in a sentence if they are plain. */
static const char *shown(const char *s)
{
	return s && strlen(s) < 64 && s[strspn(s, PLAIN)] == '\0' ? s : "?";
}

/* --- which VPN ------------------------------------------------------------------------------- */

static int check_vpns(const json_t *vpns, struct err *e)
{
	const json_t *v;
	size_t i;

	if (!json_is_array(vpns) || json_array_size(vpns) == 0)
		return bad(e, "vpns", "must be a list of VPNs that a pod may choose from");
	json_array_foreach(vpns, i, v)
	{
		if (!json_is_string(v) || !str_is_vpn_name(json_string_value(v)))
			return bad(e, "vpns", "must hold names of VPNs");
	}
	return 0;
}

/* The same words as in an annotation for the hook, or a slip: the pod means to be in a VPN. */
static int refuse_strays(json_t *annotations, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach(annotations, key, v)
	{
		if (str_starts(key, "vpnrun"))
			return err_set(e, CNI_ERR(CNI_BAD_CONFIG),
				       "the pod has an annotation %s: the one that chooses a VPN "
				       "is " CNI_CHOICE,
				       shown(key));
	}
	return 0;
}

static int take_choice(struct cni_request *q, const char *asked, struct err *e)
{
	const json_t *v;
	size_t i;

	json_array_foreach(q->vpns, i, v)
	{
		if (!asked || strcmp(json_string_value(v), asked) != 0)
			continue;
		q->wire.vpn = json_string_value(v);
		return 0;
	}
	return err_set(e, CNI_ERR(CNI_BAD_CONFIG),
		       "the pod's annotation " CNI_CHOICE " asks for '%s', which is not among the "
		       "\"vpns\" of this network",
		       shown(asked));
}

/* A runtime that does not say what annotations there are would put every pod into the clear. */
static int read_choice(struct cni_request *q, struct err *e)
{
	const json_t *config = json_object_get(q->root, "runtimeConfig");
	json_t *annotations = json_object_get(config, CNI_ANNOTATIONS);
	const json_t *choice = json_object_get(annotations, CNI_CHOICE);

	if (!annotations)
		return err_set(e, CNI_ERR(CNI_BAD_CONFIG),
			       "vpns: the runtime does not hand on the annotations of pods; the "
			       "plugin needs \"capabilities\": {\"" CNI_ANNOTATIONS "\": true}");
	if (choice)
		return take_choice(q, json_string_value(choice), e);
	if (refuse_strays(annotations, e) < 0)
		return e->code;
	if (!q->prev)
		return err_set(e, CNI_ERR(CNI_BAD_CONFIG),
			       "the pod has no annotation " CNI_CHOICE
			       "=NAME, and this network is nothing but VPNs");
	q->passes = true;
	return 0;
}

static int check_vpn(struct cni_request *q, struct err *e)
{
	const char *vpn = json_string_value(json_object_get(q->root, "vpn"));
	int r;

	q->vpns = json_object_get(q->root, "vpns");
	if (q->vpns && json_object_get(q->root, "vpn"))
		return bad(e, "vpns", "is there beside vpn: a network has one of the two");
	if (!q->vpns) {
		if (!vpn || !str_is_vpn_name(vpn))
			return bad(e, "vpn", "must be the name of a VPN, as in `vpnctl status`");
		q->wire.vpn = vpn;
		return 0;
	}
	r = check_vpns(q->vpns, e);
	if (r == 0 && (q->command == CNI_ADD || q->command == CNI_CHECK))
		r = read_choice(q, e);
	return r;
}

const char *cni_request_vpn(const struct cni_request *q, size_t i)
{
	if (!q->vpns)
		return i == 0 ? q->wire.vpn : NULL;
	return json_string_value(json_array_get(q->vpns, i));
}

/* --- beside it ------------------------------------------------------------------------------- */

/* The words are networks, or addresses alone. */
struct direct_key {
	const char *key;
	bool addresses;
	size_t max;
};

static int read_words(const struct cni_request *q, const struct direct_key *w,
		      struct net_prefix *ret, size_t *ret_n, struct err *e)
{
	const json_t *list = json_object_get(q->root, w->key), *v;
	size_t i;

	if (list && !json_is_array(list))
		return bad(e, w->key, "must be a list");
	if (json_array_size(list) > w->max)
		return err_set(e, CNI_ERR(CNI_BAD_CONFIG), "%s: has more than %zu entries", w->key,
			       w->max);
	json_array_foreach(list, i, v)
	{
		const char *text = json_string_value(v);

		if (!text || prefix_parse(text, &ret[i]) < 0 || ret[i].len < PREFIX_MIN ||
		    (w->addresses && strchr(text, '/')))
			return bad(e, w->key,
				   w->addresses ? "must hold addresses"
						: "must hold networks of at least a /8, each given "
						  "by its own address, as 10.96.0.0/12");
		for (size_t k = 0; k < i; k++)
			if (prefix_equal(&ret[k], &ret[i]))
				return bad(e, w->key, "has an entry twice");
	}
	*ret_n = json_array_size(list);
	return 0;
}

static int check_direct(struct cni_request *q, struct err *e)
{
	static const struct direct_key nets = {"direct", false, BESIDE_NETS_MAX};
	static const struct direct_key dns = {"direct_dns", true, BESIDE_DNS_MAX};
	int r = read_words(q, &nets, q->beside.nets, &q->beside.n_nets, e);

	r = r ?: read_words(q, &dns, q->beside.dns, &q->beside.n_dns, e);
	if (r < 0)
		return r;
	if (!json_object_get(q->root, "direct"))
		return q->beside.n_dns ? bad(e, "direct_dns", "needs \"direct\": [...] beside it")
				       : 0;
	if (q->wire.shared)
		return bad(e, "direct", "and \"exclusive\": false are two ways, not one");
	q->beside.dev = CLUSTER_IFNAME;
	return 0;
}

int cni_choice_check(struct cni_request *q, struct err *e)
{
	int r = check_vpn(q, e);

	return r ?: check_direct(q, e);
}

const char *cni_choice_ifname(const struct cni_request *q, const char *asked)
{
	return q->beside.dev && strcmp(asked, CLUSTER_IFNAME) == 0 ? OWN_IFNAME : asked;
}
