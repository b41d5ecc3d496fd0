/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads as much of TOML as one list of texts needs. podman takes the list of the last file that has
 * one, and since 5.0 adds to the former where {append=true} stands in it. What cannot be understood
 * is refused: the list that we write must hold what was there. Called by engine/oci.c.
 */
#include "engine/oci_conf.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define CONF_MAX 65536

bool oci_dirs_have(const struct oci_dirs *d, const char *dir)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->at[i], dir))
			return true;
	return false;
}

int oci_dirs_add(struct oci_dirs *d, const char *dir, struct err *e)
{
	if (oci_dirs_have(d, dir))
		return 0;
	if (d->n == OCI_DIRS_MAX || str_copy(d->at[d->n], sizeof(d->at[0]), dir) < 0)
		return err_set(e, -E2BIG, "hooks_dir has too many directories, or too long ones");
	d->n++;
	return 0;
}

static const char *skip_blank(const char *s)
{
	for (;; s++) {
		s += strspn(s, " \t\r\n,");
		if (*s != '#')
			return s;
		s += strcspn(s, "\n");
		if (!*s)
			return s;
	}
}

/* {append=true}, of those attributes that there are. */
static const char *skip_attribute(const char *s, bool *append)
{
	const char *end = strchr(s, '}');

	if (end && !fnmatch("{*append*true*}*", s, 0) && memmem(s, (size_t)(end - s), "true", 4))
		*append = true;
	return end ? end + 1 : NULL;
}

/* Reads from behind the '[' on. NULL: not understood. */
static const char *read_list(const char *s, struct oci_dirs *into, bool *append, struct err *e)
{
	char dir[256];

	for (s = skip_blank(s); *s != ']'; s = skip_blank(s)) {
		const char quote = *s, *end;

		if (quote == '{') {
			s = skip_attribute(s, append);
			if (!s)
				return NULL;
			continue;
		}
		end = quote == '"' || quote == '\'' ? strchr(s + 1, quote) : NULL;
		if (!end || memchr(s, '\\', (size_t)(end - s)) ||
		    str_fmt(dir, sizeof(dir), "%.*s", (int)(end - s - 1), s + 1) < 0 ||
		    oci_dirs_add(into, dir, e) < 0)
			return NULL;
		s = end + 1;
	}
	return s + 1;
}

static bool is_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(line, key, n) && line[n + strspn(line + n, " \t")] == '=';
}

static int read_text(const char *path, const char *text, struct oci_dirs *d, struct err *e)
{
	bool engine = false;

	for (const char *l = text; l && *l; l = strchr(l, '\n'), l = l ? l + 1 : NULL) {
		struct oci_dirs own = {.n = 0};
		bool append = false;

		l += strspn(l, " \t");
		if (*l == '[')
			engine = str_starts(l, "[engine]");
		if (!engine || !is_key(l, "hooks_dir"))
			continue;
		l = strchr(l, '=') + 1;
		l += strspn(l, " \t");
		l = *l == '[' ? read_list(l + 1, &own, &append, e) : NULL;
		if (!l)
			return err_set(e, -EINVAL, "%s: cannot read hooks_dir", path);
		if (!append)
			d->n = 0;
		for (size_t i = 0; i < own.n; i++)
			if (oci_dirs_add(d, own.at[i], e) < 0)
				return e->code;
		str_copy(d->from, sizeof(d->from), path);
	}
	return 0;
}

static int read_file(const char *path, const char *except, struct oci_dirs *d, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r;

	if (except && !strcmp(path, except))
		return 0;
	r = file_read(path, CONF_MAX, &text, NULL, e);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? r : read_text(path, text, d, e);
}

/* DIR/containers.conf, then DIR/containers.conf.d in the order of the names. */
static int read_files(const char *dir, const char *except, struct oci_dirs *d, struct err *e)
{
	char path[PATH_MAX];
	glob_t found;
	int r = str_fmt(path, sizeof(path), "%s/containers.conf", dir);

	r = r < 0 ? 0 : read_file(path, except, d, e);
	if (r < 0 || str_fmt(path, sizeof(path), "%s/containers.conf.d/*.conf", dir) < 0)
		return r;
	if (glob(path, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		r = read_file(found.gl_pathv[i], except, d, e);
	globfree(&found);
	return r;
}

int oci_conf_read(const char *home, const char *except, struct oci_dirs *ret, struct err *e)
{
	static const char *const dirs[] = {"/usr/share/containers", "/etc/containers"};
	char own[PATH_MAX];
	int r = 0;

	ret->n = 0;
	ret->from[0] = '\0';
	oci_dirs_add(ret, OCI_SHARED_DIR, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		r = read_files(dirs[i], except, ret, e);
	if (r == 0 && home && str_fmt(own, sizeof(own), "%s/.config/containers", home) > 0)
		r = read_files(own, except, ret, e);
	return r;
}
