/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A volume of the host's with an automounter's or AFS mount in it: a lookup there is carried out by
 * a daemon in the host's network, for whoever looks in the container. Each gets an empty file
 * system over it. Must never look up anything there itself. Called by precreate and the wrapper
 * runtime; createRuntime refuses what neither has covered.
 */
#include "oci/hook.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ns/upcall.h"

struct upcall_search {
	const json_t *mounts;
	json_t *covers; /* NULL: only look for one that is not covered */
	char bare[PATH_MAX];
	int code;
};

static bool is_bind(const json_t *mount)
{
	const char *type = hook_get_string(mount, "type");
	const json_t *options = json_object_get(mount, "options"), *o;
	size_t i;

	if (type && !strcmp(type, "bind"))
		return true;
	json_array_foreach(options, i, o)
	{
		const char *s = json_string_value(o);

		if (s && (!strcmp(s, "bind") || !strcmp(s, "rbind")))
			return true;
	}
	return false;
}

/* What of path is below root: "" for itself; NULL: it is not. */
static const char *below(const char *path, const char *root)
{
	size_t len = strlen(root);

	while (len > 0 && root[len - 1] == '/')
		len--;
	if (strncmp(path, root, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

static bool is_covered(const struct upcall_search *s, const char *dst)
{
	const json_t *m;
	size_t i;

	json_array_foreach(s->mounts, i, m)
	{
		const char *d = hook_get_string(m, "destination");
		const char *type = hook_get_string(m, "type");

		if (d && type && !strcmp(d, dst) && !strcmp(type, "tmpfs"))
			return true;
	}
	return false;
}

static int found_in(struct upcall_search *s, const char *dst)
{
	json_t *cover;

	if (is_covered(s, dst))
		return 0;
	str_copy(s->bare, sizeof(s->bare), dst);
	if (!s->covers)
		return 0;
	cover = json_pack("{s:s,s:s,s:s,s:[s,s,s,s,s,s]}", "destination", dst, "type", "tmpfs",
			  "source", "tmpfs", "options", "ro", "nosuid", "nodev", "noexec",
			  "mode=0755", "size=4k");
	return cover && json_array_append_new(s->covers, cover) == 0 ? 0 : -ENOMEM;
}

static void found(const char *path, bool has_below, void *arg)
{
	struct upcall_search *s = arg;
	char dst[PATH_MAX];
	const json_t *m;
	size_t i;

	(void)has_below;
	json_array_foreach(s->mounts, i, m)
	{
		const char *src = hook_get_string(m, "source");
		const char *to = hook_get_string(m, "destination");
		const char *rest =
			src && to && src[0] == '/' && is_bind(m) ? below(path, src) : NULL;

		if (!rest)
			continue;
		if (str_fmt(dst, sizeof(dst), "%s%s", strcmp(to, "/") ? to : "", rest) < 0)
			s->code = -ENAMETOOLONG;
		else if (found_in(s, dst) < 0)
			s->code = -ENOMEM;
	}
}

int hook_upcalls_cover(json_t *config, struct err *e)
{
	json_t *mounts = json_object_get(config, "mounts");
	struct upcall_search s = {.mounts = mounts, .covers = json_array()};
	int r = ns_upcall_for_each(true, found, &s, e);

	if (r == 0)
		r = s.code;
	if (r == 0 && json_array_size(s.covers) > 0 && json_array_extend(mounts, s.covers) < 0)
		r = -ENOMEM;
	json_decref(s.covers);
	return r < 0 ? err_set(e, r, "cannot cover the automounter's directories of a volume") : 0;
}

int hook_upcalls_check(const json_t *config, struct err *e)
{
	struct upcall_search s = {.mounts = json_object_get(config, "mounts")};
	int r = ns_upcall_for_each(true, found, &s, e);

	if (r < 0 || !s.bare[0])
		return r;
	return err_set(e, -EPERM,
		       "%.100s of the container is an automounter's directory of the host, which "
		       "resolves and connects past the VPN: leave the volume out",
		       s.bare);
}
