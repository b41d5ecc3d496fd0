/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question: the environment and the JSON of stdin. Pure; touches nothing of the system. What
 * the administrator wrote is refused if we do not know it, because a typo that is ignored is a
 * container with another network than was asked for; what runtimes add by themselves is let through
 * unread unless it asks for something that a VPN's lease cannot give.
 */
#include "cni/cni.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"

static const char *const commands[] = {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"};
static const char *const versions[] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};

_Static_assert(ARRAY_SIZE(commands) == CNI_VERSION + 1, "a word for each command");
_Static_assert(ARRAY_SIZE(versions) == CNI_1_1_0 + 1, "a number for each version");

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* --- the environment ------------------------------------------------------------------------- */

/* The specification's alphabet for the names of networks and containers. */
static bool is_name(const char *s)
{
	return *s && strchr(ALNUM, *s) && s[strspn(s, ALNUM "_.-")] == '\0';
}

static int missing(const char *name, struct err *e)
{
	return err_set(e, CNI_ERR(CNI_BAD_ENV), "%s is missing in the environment", name);
}

int cni_env_command(const struct cni_env *env, enum cni_command *ret, struct err *e)
{
	if (!env->command)
		return missing("CNI_COMMAND", e);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(env->command, commands[i])) {
			*ret = (enum cni_command)i;
			return 0;
		}
	return err_set(e, CNI_ERR(CNI_BAD_ENV),
		       "CNI_COMMAND is none of ADD, DEL, CHECK, GC, STATUS, VERSION");
}

/* KEY=VALUE;KEY=VALUE. What asks for an address must not be ignored. */
static int check_args(const char *args, struct err *e)
{
	while (args && *args) {
		size_t len = strcspn(args, ";"), key = strcspn(args, "=");

		if (key == 0 || key >= len)
			return err_set(e, CNI_ERR(CNI_BAD_ENV),
				       "CNI_ARGS is not of the form KEY=VALUE;KEY=VALUE");
		if ((key == 2 && !strncmp(args, "IP", key)) ||
		    (key == 3 && !strncmp(args, "MAC", key)))
			return err_set(e, CNI_ERR(CNI_BAD_ENV),
				       "CNI_ARGS asks for an own %.*s: in a VPN the lease decides",
				       (int)key, args);
		args += len + (args[len] == ';');
	}
	return 0;
}

static int check_env(const struct cni_env *env, enum cni_command command, struct err *e)
{
	if (!env->container)
		return missing("CNI_CONTAINERID", e);
	if (!is_name(env->container))
		return err_set(e, CNI_ERR(CNI_BAD_ENV), "CNI_CONTAINERID is not a container's id");
	if (!env->ifname)
		return missing("CNI_IFNAME", e);
	if (!str_is_device_name(env->ifname))
		return err_set(e, CNI_ERR(CNI_BAD_ENV),
			       "CNI_IFNAME is not a possible name of an interface");
	if (command != CNI_DEL && (!env->netns || !env->netns[0]))
		return missing("CNI_NETNS", e);
	if (env->netns && env->netns[0] && env->netns[0] != '/')
		return err_set(e, CNI_ERR(CNI_BAD_ENV), "CNI_NETNS is not an absolute path");
	return command == CNI_ADD ? check_args(env->args, e) : 0;
}

/* --- the configuration ----------------------------------------------------------------------- */

static int bad(struct err *e, const char *key, const char *what)
{
	return err_set(e, CNI_ERR(CNI_BAD_CONFIG), "%s: %s", key, what);
}

static int check_version(struct cni_request *q, struct err *e)
{
	const json_t *v = json_object_get(q->root, "cniVersion");
	const char *text = json_string_value(v);

	if (v && !text)
		return bad(e, "cniVersion", "must be a text");
	for (size_t i = 0; text && i < ARRAY_SIZE(versions); i++)
		if (!strcmp(text, versions[i])) {
			q->version = (enum cni_version)i;
			q->version_text = text;
			if ((q->command == CNI_CHECK && q->version < CNI_0_4_0) ||
			    ((q->command == CNI_GC || q->command == CNI_STATUS) &&
			     q->version < CNI_1_1_0))
				break;
			return 0;
		}
	if (q->command == CNI_VERSION)
		return 0;
	return err_set(e, CNI_ERR(CNI_BAD_VERSION),
		       "cniVersion: %s does not go with that version; the plugin speaks 0.3.0, "
		       "0.3.1, 0.4.0, 1.0.0 and 1.1.0",
		       commands[q->command]);
}

static bool is_known(const char *key)
{
	static const char *const known[] = {
		"cniVersion",	"name",		 "type",   "vpn",	 "exclusive",
		"dns",		"vpns",		 "direct", "direct_dns", "lan", /* ours */
		"capabilities", "runtimeConfig", "args",   "prevResult", "disableCheck",
		"disableGC",	"cniVersions",	 "ipMasq", "ipam",	 NULL};

	for (size_t i = 0; known[i]; i++)
		if (!strcmp(key, known[i]))
			return true;
	return str_starts(key, "cni.dev/");
}

static int check_keys(const struct cni_request *q, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach(q->root, key, value)
	{
		if (is_known(key))
			continue;
		if (strlen(key) < 40 && key[strspn(key, ALNUM "_.-")] == '\0')
			return bad(e, key, "there is no such key");
		return bad(e, "config", "has an unknown key");
	}
	value = json_object_get(q->root, "ipam");
	if (value && !(json_is_object(value) && json_object_size(value) == 0))
		return err_set(e, CNI_ERR(CNI_UNSUPPORTED_FIELD),
			       "ipam: a VPN gives its addresses itself; leave it out");
	if (json_is_true(json_object_get(q->root, "ipMasq")))
		return err_set(e, CNI_ERR(CNI_UNSUPPORTED_FIELD),
			       "ipMasq: true is not supported: the VPN has its own translation");
	return 0;
}

static bool is_given(const json_t *v)
{
	return json_array_size(v) > 0 || json_object_size(v) > 0 || json_string_length(v) > 0;
}

static const struct publish_keys keys = {"hostIP", "hostPort", "containerPort", "protocol", NULL};

/* Only what the configuration's own "capabilities" ask for is put there by runtimes. */
static int check_runtime_config(struct cni_request *q, struct err *e)
{
	static const char *const refused[] = {"ips", "mac", "ipRanges", NULL};
	const json_t *v = json_object_get(q->root, "runtimeConfig");

	if (v && !json_is_object(v) && !json_is_null(v))
		return bad(e, "runtimeConfig", "must be an object");
	for (size_t i = 0; q->command == CNI_ADD && refused[i]; i++)
		if (is_given(json_object_get(v, refused[i])))
			return err_set(e, CNI_ERR(CNI_UNSUPPORTED_FIELD),
				       "runtimeConfig: %s is not supported: in a VPN the lease "
				       "decides",
				       refused[i]);
	if (q->command != CNI_ADD ||
	    publish_read(json_object_get(v, "portMappings"), &keys, &q->ports, e) == 0)
		return 0;
	return e->code = CNI_ERR(CNI_BAD_CONFIG);
}

static int check_texts(const json_t *list, const char *key, bool addresses, struct err *e)
{
	unsigned char addr[16];
	const json_t *v;
	size_t i;

	if (list && !json_is_array(list))
		return bad(e, key, "must be a list of texts");
	json_array_foreach(list, i, v)
	{
		const char *s = json_string_value(v);

		if (!s || !*s)
			return bad(e, key, "must hold texts that are not empty");
		if (addresses && inet_pton(AF_INET, s, addr) != 1 &&
		    inet_pton(AF_INET6, s, addr) != 1)
			return bad(e, key, "must hold addresses");
	}
	return 0;
}

static int check_servers(struct cni_request *q, const json_t *list, struct err *e)
{
	int r = check_texts(list, "dns.nameservers", true, e);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		wire_add_dns(&q->wire,
			     "dns.nameservers:", json_string_value(json_array_get(list, i)));
	return r;
}

static int check_dns(struct cni_request *q, struct err *e)
{
	const json_t *domain;
	const char *key;
	json_t *dns = json_object_get(q->root, "dns"), *v;
	int r;

	if (!dns || json_is_null(dns))
		return 0;
	if (!json_is_object(dns))
		return bad(e, "dns", "must be an object");
	json_object_foreach(dns, key, v)
	{
		if (strcmp(key, "nameservers") != 0 && strcmp(key, "search") != 0 &&
		    strcmp(key, "options") != 0 && strcmp(key, "domain") != 0)
			return bad(e, "dns",
				   "knows nameservers, domain, search and options, no other key");
	}
	domain = json_object_get(dns, "domain");
	if (domain && !json_is_string(domain))
		return bad(e, "dns.domain", "must be a text");
	r = check_servers(q, json_object_get(dns, "nameservers"), e);
	if (r == 0)
		r = check_texts(json_object_get(dns, "search"), "dns.search", false, e);
	if (r == 0)
		r = check_texts(json_object_get(dns, "options"), "dns.options", false, e);
	q->dns = dns;
	return r;
}

static int check_prev(struct cni_request *q, struct err *e)
{
	static const char *const lists[] = {"interfaces", "ips", "routes", NULL};
	json_t *prev = json_object_get(q->root, "prevResult");

	if (json_is_null(prev))
		prev = NULL;
	if (prev && !json_is_object(prev))
		return bad(e, "prevResult", "must be an object");
	for (size_t i = 0; prev && lists[i]; i++) {
		json_t *list = json_object_get(prev, lists[i]), *v;
		size_t n;

		if (list && !json_is_array(list) && !json_is_null(list))
			return bad(e, "prevResult",
				   "must hold lists of interfaces, ips and routes");
		json_array_foreach(list, n, v)
		{
			if (!json_is_object(v))
				return bad(e, "prevResult", "must hold lists of objects");
		}
	}
	if (q->command == CNI_CHECK && !prev)
		return bad(e, "prevResult", "is needed for a CHECK");
	q->prev = prev;
	return 0;
}

static int check_valid(struct cni_request *q, struct err *e)
{
	const char *key = "cni.dev/valid-attachments";
	json_t *list = json_object_get(q->root, key), *v;
	size_t i;

	if (q->command != CNI_GC)
		return 0;
	/* Missing must not mean that none is valid. A runtime without attachments writes null. */
	if (!list || !(json_is_array(list) || json_is_null(list)))
		return bad(e, key, "must be a list");
	json_array_foreach(list, i, v)
	{
		if (!json_is_string(json_object_get(v, "containerID")) ||
		    !json_is_string(json_object_get(v, "ifname")))
			return bad(e, key, "must hold objects with containerID and ifname");
	}
	q->valid = list;
	return 0;
}

static int check_config(struct cni_request *q, struct err *e)
{
	const json_t *exclusive = json_object_get(q->root, "exclusive");
	const json_t *lan = json_object_get(q->root, "lan");
	int r = check_version(q, e);

	if (r < 0 || q->command == CNI_VERSION)
		return r;
	r = check_keys(q, e);
	if (r < 0)
		return r;
	q->network = json_string_value(json_object_get(q->root, "name"));
	if (!q->network || !is_name(q->network))
		return bad(e, "name", "must be the network's name");
	if (exclusive && !json_is_boolean(exclusive))
		return bad(e, "exclusive", "must be true or false");
	q->wire.shared = json_is_false(exclusive);
	if (lan && !json_is_boolean(lan))
		return bad(e, "lan", "must be true or false");
	q->wire.lan = json_is_true(lan);
	r = check_runtime_config(q, e);
	if (r == 0)
		r = check_dns(q, e);
	if (r == 0)
		r = check_prev(q, e);
	if (r == 0)
		r = cni_choice_check(q, e);
	return r < 0 ? r : check_valid(q, e);
}

/* A config that is no JSON has another code than one that is wrong. */
static int load(struct cni_request *q, const char *text, size_t len, struct err *e)
{
	struct json_doc doc;

	if (q->command == CNI_VERSION && len == strspn(text, " \t\r\n"))
		return 0;
	if (json_doc_parse(&doc, "config", text, len, e) < 0)
		return e->code = CNI_ERR(CNI_NO_JSON);
	q->root = doc.root;
	return 0;
}

int cni_request_parse(const struct cni_env *env, const char *text, size_t len,
		      struct cni_request *ret, struct err *e)
{
	struct cni_request q = {.version = CNI_1_1_0, .version_text = CNI_NEWEST};
	int r = cni_env_command(env, &q.command, e);

	r = r ?: load(&q, text, len, e);
	r = r ?: check_config(&q, e);
	if (r == 0 && q.command <= CNI_CHECK) {
		const struct wire_owner owner = {"cni", q.network, env->container, env->ifname};

		r = check_env(env, q.command, e);
		q.container = env->container;
		q.wire.netns = env->netns && env->netns[0] ? env->netns : NULL;
		if (r == 0)
			q.wire.ifname = cni_choice_ifname(&q, env->ifname);
		q.chained = r == 0 && q.wire.ifname != env->ifname;
		r = r ?: wire_tag(q.wire.tag, &owner, e);
	}
	if (r < 0) {
		q.version_text = versions[q.version];
		cni_request_free(&q);
	}
	*ret = q;
	ret->wire.beside = ret->beside.dev ? &ret->beside : NULL;
	return r;
}

void cni_request_free(struct cni_request *q)
{
	json_decref(q->root);
	q->root = q->dns = q->prev = q->valid = q->vpns = NULL;
	q->network = q->wire.vpn = NULL;
	q->version_text = versions[q->version];
}

bool cni_request_is_valid(const struct cni_request *q, const char *tag)
{
	char mine[WIRE_TAG_LEN];
	const json_t *v;
	size_t i;

	json_array_foreach(q->valid, i, v)
	{
		const char *container = json_string_value(json_object_get(v, "containerID"));
		const char *ifname = json_string_value(json_object_get(v, "ifname"));

		if (wire_tag(mine, &(struct wire_owner){"cni", q->network, container, ifname},
			     NULL) == 0 &&
		    !strcmp(mine, tag))
			return true;
	}
	return false;
}
