/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what an engine says: the annotation and the JSON around it. Every byte may be a stranger's:
 * a key that is not known is refused, because to pass over it would start a container with less
 * around it than was asked for. Called by main and by the stages.
 */
#include "oci/hook.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/policyfile.h"

/* podman before 5 splits --annotation at commas itself. */
#define SEPARATORS ",;"

int hook_exit_code = HOOK_FAILED;

int hook_fail(int code, int r)
{
	hook_exit_code = code;
	return r;
}

void hook_err_clean(struct err *e)
{
	for (char *c = e->msg; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
}

static int add_dns(struct hook_want *w, const char *value, struct err *e)
{
	struct names_dns *d = &w->dns[w->n_dns];

	if (w->n_dns >= NAMES_DNS_MAX)
		return err_set(e, -EINVAL, "annotation vpnrun: more than %d dns=", NAMES_DNS_MAX);
	if (inet_pton(AF_INET, value, d->addr) == 1)
		d->family = AF_INET;
	else if (inet_pton(AF_INET6, value, d->addr) == 1)
		d->family = AF_INET6;
	else
		return err_set(e, -EINVAL, "annotation vpnrun: dns=%.60s is not an address", value);
	w->n_dns++;
	return 0;
}

static int set_policy(struct hook_want *w, const char *value, struct err *e)
{
	if (w->policy_is_said)
		return err_set(e, -EINVAL, "annotation vpnrun: policy= is there twice");
	if (strcmp(value, "none") != 0 && !policy_name_ok(value))
		return err_set(e, -EINVAL, "annotation vpnrun: policy=%.60s is not a policy's name",
			       value);
	w->policy_is_said = true;
	return str_copy(w->policy, sizeof(w->policy), value);
}

static int set_ifname(struct hook_want *w, const char *value, struct err *e)
{
	if (w->ifname[0] || !str_is_device_name(value))
		return err_set(e, -EINVAL,
			       "annotation vpnrun: ifname=%.60s is not a name for a device, or the "
			       "second",
			       value);
	return str_copy(w->ifname, sizeof(w->ifname), value);
}

static int add_publish(struct hook_want *w, const char *value, struct err *e)
{
	if (hook_peer_is(value))
		return hook_peer_publish(w, value, e);
	return relay_spec_add(&w->publish, "annotation vpnrun: publish=", value, e);
}

static int add_reach(struct hook_want *w, const char *value, struct err *e)
{
	if (hook_peer_is(value))
		return hook_peer_reach(w, value, e);
	return relay_reach_add(&w->reach, "annotation vpnrun: reach=", value, e);
}

static int add_expose(struct hook_want *w, const char *value, struct err *e)
{
	return inbound_parse(&w->expose, "annotation vpnrun: expose=", value, e);
}

static int set_lan(struct hook_want *w, const char *value, struct err *e)
{
	w->lan = !strcmp(value, "true");
	if (!w->lan && strcmp(value, "false") != 0)
		return err_set(e, -EINVAL, "annotation vpnrun: lan=%.60s is neither true nor false",
			       value);
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct hook_want *w, const char *value, struct err *e);
} keys[] = {
	{"policy", set_policy},	  {"dns", add_dns},	{"ifname", set_ifname}, {"lan", set_lan},
	{"publish", add_publish}, {"reach", add_reach}, {"expose", add_expose},
};

static int set_key(struct hook_want *w, const char *item, struct err *e)
{
	const char *value = strchr(item, '=');

	for (size_t i = 0; value && i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == (size_t)(value - item) && str_starts(item, keys[i].key))
			return keys[i].set(w, value + 1, e);
	return err_set(e, -EINVAL,
		       "annotation vpnrun: '%.60s' is unknown; there are policy=NAME, dns=ADDRESS, "
		       "ifname=DEVICE, lan=true, publish=[ADDRESS:]PORT:PORT, publish=NAME:PORT, "
		       "reach=[ADDRESS:]PORT, reach=NAME:PORT and expose=PORT, after the VPN's "
		       "name and separated by semicolons",
		       item);
}

int hook_want_parse(const char *text, struct hook_want *ret, struct err *e)
{
	struct hook_want w = {.policy = "default"};
	char copy[2048], *rest = copy;
	const char *item;
	int r = str_copy(copy, sizeof(copy), text);

	if (r < 0)
		return err_set(e, -EINVAL, "annotation vpnrun is longer than %zu characters",
			       sizeof(copy) - 1);
	item = strsep(&rest, SEPARATORS);
	if (!str_is_vpn_name(item))
		return err_set(e, -EINVAL,
			       "annotation vpnrun: '%.60s' is not a VPN's name; write "
			       "vpnrun=NAME[;KEY=VALUE]...",
			       item);
	str_copy(w.vpn, sizeof(w.vpn), item);
	while ((item = strsep(&rest, SEPARATORS))) {
		r = set_key(&w, item, e);
		if (r < 0)
			return r;
	}
	*ret = w;
	return 0;
}

int hook_input_read(json_t **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	json_error_t je;
	size_t len;
	int r = file_read_fd(STDIN_FILENO, HOOK_INPUT_MAX, &text, &len);

	if (r < 0)
		return err_sys(e, r, "cannot read what the engine says");
	*ret = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!*ret)
		return err_set(e, -EINVAL, "what the engine says is not JSON: line %d: %.160s",
			       je.line, je.text);
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return err_set(e, -EINVAL, "what the engine says is not a JSON object");
}

json_t *hook_get(const json_t *root, const char *path)
{
	char key[64];
	json_t *v = NULL;

	for (const json_t *at = root; at; at = v) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		v = json_object_get(at, key);
		if (!path[n])
			return v;
		path += n + 1;
	}
	return NULL;
}

const char *hook_get_string(const json_t *root, const char *path)
{
	return json_string_value(hook_get(root, path));
}

/* What podman cuts off at a comma becomes an annotation of its own: to pass over it would start the
 * container without what it asks for. */
static int check_strays(const json_t *annotations, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_object_get(annotations, keys[i].key))
			return err_set(e, -EINVAL,
				       "the annotation %s= stands alone: the engine has cut it off "
				       "vpnrun= at a comma; separate by semicolons instead",
				       keys[i].key);
	return 0;
}

int hook_want_read(const json_t *root, struct hook_want *ret, struct err *e)
{
	const char *text = hook_get_string(root, "annotations." HOOK_ANNOTATION);
	int r;

	if (!text)
		return err_set(e, -EINVAL,
			       "the container has no annotation vpnrun=NAME that says which VPN");
	r = check_strays(json_object_get(root, "annotations"), e);
	return r < 0 ? r : hook_want_parse(text, ret, e);
}

/* podman's own resolv.conf is there only where podman means to make a network: with a namespace
 * that it does not name it will do so after us, with a default route past the VPN. */
static bool has_engines_names(const json_t *config)
{
	const char tail[] = "/userdata/resolv.conf";
	const json_t *m;
	size_t i;

	json_array_foreach(json_object_get(config, "mounts"), i, m)
	{
		const char *dst = json_string_value(json_object_get(m, "destination"));
		const char *src = json_string_value(json_object_get(m, "source"));
		size_t n = src ? strlen(src) : 0;

		if (dst && !strcmp(dst, "/etc/resolv.conf") && n >= sizeof(tail) - 1 &&
		    !strcmp(src + n - (sizeof(tail) - 1), tail))
			return true;
	}
	return false;
}

int hook_config_check(const json_t *config, bool *ret_given, struct err *e)
{
	const json_t *list = hook_get(config, "linux.namespaces"), *ns;
	bool own = false, given = false;
	size_t i;

	json_array_foreach(list, i, ns)
	{
		const char *type = json_string_value(json_object_get(ns, "type"));
		const json_t *path = json_object_get(ns, "path");

		if (!type || strcmp(type, "network") != 0)
			continue;
		own = true;
		given = path && !(json_is_string(path) && !*json_string_value(path));
	}
	if (!own)
		return err_set(e, -EPERM,
			       "the container is in the host's own network: start it with "
			       "--network none");
	if (json_object_size(hook_get(config, "linux.netDevices")) > 0)
		return err_set(e, -EPERM,
			       "the configuration moves network devices of the host into the "
			       "container (linux.netDevices)");
	if (!given && has_engines_names(config))
		return err_set(e, -EPERM,
			       "the engine would add a network of its own after the VPN: start the "
			       "container with --network none");
	*ret_given = given;
	return 0;
}

int hook_find(const char *vpn, struct record *ret, struct err *e)
{
	int r = record_read_settled(vpn, ret, e);

	if (r == -ENOENT)
		r = record_fail_down(vpn, e);
	else if (r == 0)
		r = record_check_open(ret, e);
	return r == -ENETDOWN ? record_hint_hold(vpn, e) : r;
}
