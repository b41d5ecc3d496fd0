/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what a unit says about itself, so that our drop-in adds to its hardening and never takes
 * from it: systemd merges lists, and a list of ours could allow what the unit forbids. Called by
 * confine/confine.c. Must never write.
 */
#include "confine/confine.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define UNIT_TEXT_MAX (1u << 20)

/* Whether an absent line, a list that allows, or one that denies stands first. */
enum { MODE_NONE, MODE_ALLOW, MODE_DENY };

const char *const confine_families[CONFINE_N_FAMILIES] = {"AF_UNIX", "AF_INET", "AF_INET6",
							  "AF_NETLINK"};

static const char *const unit_dirs[] = {CONFINE_UNIT_DIR,
					"/run/systemd/system",
					"/run/systemd/generator",
					"/usr/local/lib/systemd/system",
					"/usr/lib/systemd/system",
					"/lib/systemd/system",
					"/run/systemd/generator.late"};

static int template_of(const char *unit, char *ret, size_t size)
{
	const char *at = strchr(unit, '@');

	if (!at || !strcmp(at, "@.service"))
		return -ENOENT;
	return str_fmt(ret, size, "%.*s@.service", (int)(at - unit), unit) < 0 ? -E2BIG : 0;
}

static bool find_in(const char *dir, const char *unit, char *ret, size_t size)
{
	return str_fmt(ret, size, "%s/%s", dir, unit) >= 0 && access(ret, F_OK) == 0;
}

int confine_find_unit(const char *unit, char *ret, size_t size)
{
	char template[CONFINE_UNIT_MAX + 16];
	bool is_instance = template_of(unit, template, sizeof(template)) == 0;

	for (int pass = 0; pass < (is_instance ? 2 : 1); pass++)
		for (size_t i = 0; i < ARRAY_SIZE(unit_dirs); i++)
			if (find_in(unit_dirs[i], pass ? template : unit, ret, size))
				return 0;
	return -ENOENT;
}

/* The value of the line that text begins with, if it is KEY=; NULL otherwise. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, n) != 0)
		return NULL;
	line += n + strspn(line + n, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

bool confine_text_says(const char *text, const char *key, const char *value)
{
	for (const char *l = text; l; l = strchr(l, '\n')) {
		const char *v;

		l += *l == '\n';
		v = value_of(l, key);
		if (v && (!value || str_starts(v, value)))
			return true;
	}
	return false;
}

void confine_add_families(struct confine_unit *u, int *mode, const char *value)
{
	bool deny = *value == '~';
	const char *at = value + deny;

	if (!*value || *value == '\n') {
		*mode = MODE_NONE;
		u->has_families = false;
		return;
	}
	if (*mode == MODE_NONE) {
		*mode = deny ? MODE_DENY : MODE_ALLOW;
		u->families = deny ? (1u << CONFINE_N_FAMILIES) - 1 : 0;
		u->has_families = true;
	}
	while (*at && *at != '\n') {
		size_t len = strcspn(at, " \t\n");

		for (unsigned int i = 0; i < CONFINE_N_FAMILIES; i++) {
			if (strlen(confine_families[i]) != len ||
			    strncmp(confine_families[i], at, len) != 0)
				continue;
			/* A list without '~' adds to one that allows, and takes from one that
			 * denies: either way the family is allowed then. */
			if (deny)
				u->families &= ~(1u << i);
			else
				u->families |= 1u << i;
		}
		at += len;
		at += strspn(at, " \t");
	}
}

static int read_text(const char *path, struct confine_unit *u, int *mode, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read(path, UNIT_TEXT_MAX, &text, NULL, e);

	if (r < 0)
		return r;
	u->has_root |= confine_text_says(text, "RootDirectory", "/") ||
		       confine_text_says(text, "RootImage", "/");
	u->is_etc_read_only |= confine_text_says(text, "ProtectSystem", "full") ||
			       confine_text_says(text, "ProtectSystem", "strict") ||
			       confine_text_says(text, "DynamicUser", "yes") ||
			       confine_text_says(text, "DynamicUser", "true") ||
			       confine_text_says(text, "DynamicUser", "1");
	for (const char *l = text; l; l = strchr(l, '\n')) {
		const char *v;

		l += *l == '\n';
		v = value_of(l, "RestrictAddressFamilies");
		if (v)
			confine_add_families(u, mode, v);
	}
	return 0;
}

static int is_conf(const struct dirent *de)
{
	size_t len = strlen(de->d_name);

	return len > 5 && !strcmp(de->d_name + len - 5, ".conf") &&
	       strcmp(de->d_name, CONFINE_DROPIN) != 0;
}

static int read_dropins(const char *dir, const char *unit, struct confine_unit *u, int *mode,
			struct err *e)
{
	char path[CONFINE_PATH_LEN], file[CONFINE_PATH_LEN + 256];
	struct dirent **list = NULL;
	int n, r = 0;

	if (str_fmt(path, sizeof(path), "%s/%s.d", dir, unit) < 0)
		return 0;
	n = scandir(path, &list, is_conf, alphasort);
	/* What a drop-in that cannot be read says would be missed. */
	if (n < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, -errno, "cannot list %s", path);
	for (int i = 0; i < n; i++) {
		if (r == 0 && str_fmt(file, sizeof(file), "%s/%s", path, list[i]->d_name) > 0)
			r = read_text(file, u, mode, e);
		free(list[i]);
	}
	free(list);
	return r;
}

int confine_unit_read(const struct confine *c, struct confine_unit *ret, struct err *e)
{
	char template[CONFINE_UNIT_MAX + 16];
	int mode = MODE_NONE, r;

	*ret = (struct confine_unit){0};
	r = read_text(c->file, ret, &mode, e);
	/* They go from the least to the most important, as systemd does where one name is in
	 * several. */
	for (size_t i = ARRAY_SIZE(unit_dirs); r == 0 && i-- > 0;) {
		if (template_of(c->unit, template, sizeof(template)) == 0)
			r = read_dropins(unit_dirs[i], template, ret, &mode, e);
		if (r == 0)
			r = read_dropins(unit_dirs[i], c->unit, ret, &mode, e);
	}
	return r;
}
