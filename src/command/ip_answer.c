/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the answers of the services that people use: a bare address, or JSON in which providers
 * also say whether the address is one of theirs. A stranger's text: nothing of it is printed but
 * the address, in our own writing. Called by `vpnctl ip`.
 */
#include "command/ip_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "conf/value.h"

/* Mullvad and most others; IVPN; ip-api.com; httpbin. */
static const char *const address_keys[] = {"ip", "ip_address", "query", "origin"};
/* Mullvad, IVPN, AirVPN, NordVPN. */
static const char *const verdict_keys[] = {"mullvad_exit_ip", "isIvpnServer", "airvpn",
					   "protected"};

static int take_address(const char *text, struct ip_answer *a)
{
	char one[INET6_ADDRSTRLEN];
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n,");
	if (!len || len >= sizeof(one))
		return -EPROTO;
	memcpy(one, text, len);
	one[len] = '\0';
	if (strchr(one, '/') || ipaddr_parse(one, &a->ip) < 0)
		return -EPROTO;
	inet_ntop(a->ip.family,
		  a->ip.family == AF_INET ? (const void *)&a->ip.v4 : (const void *)&a->ip.v6,
		  a->text, sizeof(a->text));
	return 0;
}

static int take_object(json_t *root, struct ip_answer *a)
{
	int r = -EPROTO;

	for (size_t i = 0; i < ARRAY_SIZE(address_keys) && r < 0; i++) {
		const char *text = json_string_value(json_object_get(root, address_keys[i]));

		if (text)
			r = take_address(text, a);
	}
	for (size_t i = 0; i < ARRAY_SIZE(verdict_keys) && !a->verdict_key; i++) {
		const json_t *v = json_object_get(root, verdict_keys[i]);

		if (!json_is_boolean(v))
			continue;
		a->verdict_key = verdict_keys[i];
		a->verdict = json_is_true(v);
	}
	return r;
}

int ip_answer_parse(const char *text, struct ip_answer *ret, struct err *e)
{
	struct ip_answer a = {0};
	json_t *root;
	int r;

	text += strspn(text, " \t\r\n");
	if (text[0] != '{') {
		r = take_address(text, &a);
	} else {
		root = json_loads(text, 0, NULL);
		r = root ? take_object(root, &a) : -EPROTO;
		json_decref(root);
	}
	if (r < 0)
		return err_set(e, r, "the answer has no address in it");
	*ret = a;
	return 0;
}
