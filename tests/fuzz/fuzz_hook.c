/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as a container's state or configuration, to the annotation's parser, to what
 * is refused and to the edit. What is refused has a sentence; what is edited is JSON, has
 * no_new_privs, no capability and no system call that the policy denies, and none of crun's own
 * annotations. The program has to lie in build/libexec/vpnrun: it finds the policies from there.
 */
#include <stdlib.h>
#include <string.h>

#include "oci/hook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_sentence(struct err *e)
{
	hook_err_clean(e);
	if (!e->code || !strchr(e->msg, ' '))
		abort();
	for (size_t i = 0; e->msg[i]; i++)
		if ((unsigned char)e->msg[i] < ' ')
			abort();
}

static bool has(const json_t *list, const char *s)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (json_is_string(v) && !strcmp(json_string_value(v), s))
			return true;
	}
	return false;
}

static void check_seccomp(const json_t *config)
{
	const json_t *rule, *section = hook_get(config, "linux.seccomp");
	const char *fallback = hook_get_string(config, "linux.seccomp.defaultAction");
	bool denied = false;
	size_t i;

	json_array_foreach(json_object_get(section, "syscalls"), i, rule)
	{
		const char *action = json_string_value(json_object_get(rule, "action"));

		if (!has(json_object_get(rule, "names"), "setns"))
			continue;
		if (!action || !strcmp(action, "SCMP_ACT_ALLOW") || !strcmp(action, "SCMP_ACT_LOG"))
			abort();
		denied = true;
	}
	if (!denied && fallback &&
	    (!strcmp(fallback, "SCMP_ACT_ALLOW") || !strcmp(fallback, "SCMP_ACT_LOG")))
		abort();
}

static void check_edited(const json_t *config)
{
	static const char *const sets[] = {"bounding", "effective", "permitted", "inheritable",
					   "ambient"};
	const json_t *caps = hook_get(config, "process.capabilities");
	char *text = json_dumps(config, JSON_COMPACT);
	const char *k;
	json_t *v;

	if (!text || !json_is_true(hook_get(config, "process.noNewPrivileges")))
		abort();
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (has(json_object_get(caps, sets[i]), "CAP_SYS_ADMIN"))
			abort();
	json_object_foreach(json_object_get(config, "annotations"), k, v)
	{
		if (str_starts(k, "run.oci."))
			abort();
	}
	check_seccomp(config);
}

static void fuzz_config(json_t *config)
{
	struct err e = ERR_INIT;
	struct hook_want w;
	bool given;

	if (hook_want_read(config, &w, &e) < 0) {
		must_be_sentence(&e);
		return;
	}
	if (!str_is_vpn_name(w.vpn) || w.n_dns > NAMES_DNS_MAX)
		abort();
	if (hook_config_check(config, &given, &e) < 0)
		must_be_sentence(&e);
	memset(&e, 0, sizeof(e));
	if (hook_config_edit(config, ".", &w, &e) < 0)
		must_be_sentence(&e);
	else if (strcmp(w.policy, "none") != 0)
		check_edited(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct err e = ERR_INIT;
	struct hook_want w;
	char text[600];

	if (json_is_object(root))
		fuzz_config(root);
	json_decref(root);
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (hook_want_parse(text, &w, &e) < 0)
		must_be_sentence(&e);
	return 0;
}
