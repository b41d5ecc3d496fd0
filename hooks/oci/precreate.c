/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * precreate: the container's configuration as the policy wants it. Must only ever take away: a
 * capability, a system call, an annotation that would undo the rest. What makes the container
 * unfit is left in place for createRuntime to refuse, where the user sees the sentence.
 */
#include "oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const cap_sets[] = {"bounding", "effective", "permitted", "inheritable",
				       "ambient"};

int hook_policy_load(const char *kind, const char *name, json_t **ret, struct err *e)
{
	char dir[PATH_MAX + 128];
	json_error_t je;
	ssize_t n;

	snprintf(dir, sizeof(dir), "/etc/vpnrun/policy/oci/%s/%s.json", kind, name);
	*ret = json_load_file(dir, JSON_REJECT_DUPLICATES, &je);
	if (!*ret && access(dir, F_OK) == 0)
		return err_set(e, -EINVAL, "%s:%d: %.100s", dir, je.line, je.text);
	/* PREFIX/libexec/vpnrun/vpnrun-hook: the policies are in PREFIX/lib/vpnrun/policy. */
	n = *ret ? -1 : readlink("/proc/self/exe", dir, PATH_MAX);
	for (int up = 0; n > 0 && up < 3; up++)
		while (n > 0 && dir[--n] != '/')
			;
	if (n >= 0) {
		snprintf(dir + n, sizeof(dir) - (size_t)n, "/lib/vpnrun/policy/oci/%s/%s.json",
			 kind, name);
		*ret = json_load_file(dir, JSON_REJECT_DUPLICATES, &je);
	}
	if (json_is_object(*ret))
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return err_set(e, -ENOENT, "there is no policy '%s' (%s)", name, kind);
}

static bool has_string(const json_t *list, const char *s)
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

static int edit_caps(json_t *process, const char *policy, struct err *e)
{
	json_t *sets = json_object_get(process, "capabilities"), *keep = NULL;
	int r = hook_policy_load("capabilities", policy, &keep, e);

	if (r < 0)
		return r;
	for (size_t i = 0; sets && i < ARRAY_SIZE(cap_sets); i++) {
		json_t *set = json_object_get(sets, cap_sets[i]);

		for (size_t k = json_array_size(set); k-- > 0;) {
			const char *cap = json_string_value(json_array_get(set, k));

			if (!cap || !has_string(json_object_get(keep, "bounding"), cap))
				json_array_remove(set, k);
		}
	}
	json_decref(keep);
	return 0;
}

static int edit_seccomp(json_t *config, const char *policy, struct err *e)
{
	json_t *linux_ = json_object_get(config, "linux"), *theirs = NULL, *merged;
	int r = hook_policy_load("seccomp", policy, &theirs, e);

	if (r < 0)
		return r;
	merged = hook_seccomp_merge(json_object_get(linux_, "seccomp"), theirs);
	json_decref(theirs);
	if (!merged || json_object_set_new(linux_, "seccomp", merged) < 0)
		return err_set(e, -ENOMEM, "cannot write the container's seccomp section");
	return 0;
}

/* crun's own annotations can put another filter in the place of the configured one. */
static void drop_annotations(json_t *config)
{
	json_t *all = json_object_get(config, "annotations"), *v;
	const char *k;
	void *next;

	json_object_foreach_safe(all, next, k, v)
	{
		if (str_starts(k, "run.oci."))
			json_object_del(all, k);
	}
}

static int add_mount(json_t *mounts, const char *dst, const char *src, struct err *e)
{
	const json_t *m;
	json_t *new;
	size_t i;

	json_array_foreach(mounts, i, m)
	{
		const char *d = json_string_value(json_object_get(m, "destination"));

		if (d && !strcmp(d, dst))
			return 0;
	}
	/* A VPN that is not up has none: createRuntime will say so. */
	if (access(src, R_OK) < 0)
		return 0;
	new = json_pack("{s:s,s:s,s:s,s:[s,s,s,s,s,s]}", "destination", dst, "type", "bind",
			"source", src, "options", "bind", "ro", "rprivate", "nosuid", "nodev",
			"noexec");
	if (!new || json_array_append_new(mounts, new) < 0)
		return err_set(e, -ENOMEM, "cannot add a mount to the configuration");
	return 0;
}

static int edit_mounts(json_t *config, const char *bundle, const char *vpn, struct err *e)
{
	json_t *mounts = json_object_get(config, "mounts");
	char src[128], own[HOOK_PLACE_MAX];
	int r;

	if (!mounts) {
		mounts = json_array();
		if (json_object_set_new(config, "mounts", mounts) < 0)
			return err_set(e, -ENOMEM, "cannot add mounts to the configuration");
	}
	/* They come last: what a volume covers /etc with must not cover them. */
	str_fmt(src, sizeof(src), HOOK_NETNS_FMT, vpn, "resolv.conf");
	r = add_mount(mounts, "/etc/resolv.conf", src, e);
	if (r < 0)
		return r;
	r = hook_nsswitch(config, bundle, own);
	if (r == 0)
		return 0;
	/* If it cannot be had, all of the host's lines are better than a daemon that is asked. */
	str_fmt(src, sizeof(src), HOOK_NETNS_FMT, vpn, "nsswitch.conf");
	return add_mount(mounts, "/etc/nsswitch.conf", r > 0 ? own : src, e);
}

bool hook_has_names(const json_t *config, const struct hook_want *w)
{
	const json_t *m;
	char src[128];
	size_t i;

	str_fmt(src, sizeof(src), HOOK_NETNS_FMT, w->vpn, "resolv.conf");
	json_array_foreach(json_object_get(config, "mounts"), i, m)
	{
		const char *d = hook_get_string(m, "destination"),
			   *s = hook_get_string(m, "source");

		if (d && s && !strcmp(d, "/etc/resolv.conf"))
			return w->n_dns == 0 && !strcmp(s, src);
	}
	return false;
}

void hook_stage_drop(json_t *config, const char *stage)
{
	static const char tail[] = "/vpnrun-hook";
	json_t *list = json_object_get(json_object_get(config, "hooks"), stage);

	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *path = hook_get_string(json_array_get(list, i), "path");
		size_t len = path ? strlen(path) : 0;

		if (len >= sizeof(tail) - 1 && !strcmp(path + len - (sizeof(tail) - 1), tail))
			json_array_remove(list, i);
	}
}

int hook_process_edit(json_t *process, const struct hook_want *w, struct err *e)
{
	int r;

	if (!strcmp(w->policy, "none"))
		return 0;
	if (json_object_set_new(process, "noNewPrivileges", json_true()) < 0)
		return err_set(e, -ENOMEM, "cannot set noNewPrivileges");
	r = edit_caps(process, w->policy, e);
	return r < 0 ? hook_fail(HOOK_NO_POLICY, r) : 0;
}

int hook_config_edit(json_t *config, const char *bundle, const struct hook_want *w, struct err *e)
{
	json_t *process = json_object_get(config, "process");
	int r;

	if (!json_is_object(process) || !json_is_object(json_object_get(config, "linux")))
		return hook_fail(
			HOOK_INPUT,
			err_set(e, -EINVAL,
				"the configuration is none of a Linux container: it has no "
				"\"process\" or no \"linux\""));
	drop_annotations(config);
	r = hook_upcalls_cover(config, e);
	if (r == 0)
		r = edit_mounts(config, bundle, w->vpn, e);
	r = r ?: hook_ports_tell(config, w, e);
	r = r ?: hook_peers_tell(config, w, e);
	/* One program less to start; and crun before 1.27 cannot start any in a container whose
	 * user may not search the bundle's directory. */
	if (r == 0 && hook_has_names(config, w))
		hook_stage_drop(config, "createContainer");
	if (r == 0)
		r = hook_process_edit(process, w, e);
	if (r < 0 || !strcmp(w->policy, "none"))
		return r;
	r = edit_seccomp(config, w->policy, e);
	return r < 0 ? hook_fail(HOOK_NO_POLICY, r) : 0;
}
