/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See units.h. A unit counts with all its drop-ins, which are read in the order of their names, one
 * of a name; ours has a name that comes last. Called by ways.c and by what looks around.
 */
#include "wrap/units.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "running/command.h"
#include "wrap/aside.h"
#include "wrap/layers.h"
#include "wrap/unit.h"

#define DROPIN	   "zz-vpnrun-wrap.conf"
#define DROPIN_MAX 128

struct dropins {
	char *name[DROPIN_MAX], *path[DROPIN_MAX];
	size_t n;
};

/* In the order of names; the first directory's of a name counts. */
static int add_dropin(struct dropins *d, const char *dir, const char *name)
{
	size_t at = 0;
	char *copy, *path;

	while (at < d->n && strcmp(d->name[at], name) < 0)
		at++;
	if (d->n == DROPIN_MAX || (at < d->n && !strcmp(d->name[at], name)))
		return 0;
	copy = strdup(name);
	path = copy ? wrap_text("%s/%s", dir, name) : NULL;
	if (!path) {
		free(copy);
		return -ENOMEM;
	}
	memmove(d->name + at + 1, d->name + at, (d->n - at) * sizeof(d->name[0]));
	memmove(d->path + at + 1, d->path + at, (d->n - at) * sizeof(d->path[0]));
	d->name[at] = copy;
	d->path[at] = path;
	d->n++;
	return 0;
}

static int list_dropins(struct dropins *d, const char *dirs, const char *unit)
{
	int r = 0;

	for (size_t len; r == 0 && *dirs; dirs += len + (dirs[len] == ':')) {
		char dir[PATH_MAX];
		const struct dirent *de;
		DIR *at;

		len = strcspn(dirs, ":");
		if (str_fmt(dir, sizeof(dir), "%.*s/%s.d", (int)len, dirs, unit) < 0)
			continue;
		at = opendir(dir);
		if (!at && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return -errno;
		while (at && r == 0 && (de = readdir(at)))
			if (str_ends(de->d_name, ".conf") && strcmp(de->d_name, DROPIN) != 0)
				r = add_dropin(d, dir, de->d_name);
		if (at)
			closedir(at);
	}
	return r;
}

int wrap_unit_text(const char *dirs, const struct wrap_found *u, char **ret, struct err *e)
{
	struct dropins d = {.n = 0};
	int r = list_dropins(&d, dirs, u->id);
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (r < 0)
		err_sys(e, r, "cannot read the drop-ins of %s", u->path);

	if (f)
		fprintf(f, "%s\n", u->text);
	for (size_t i = 0; i < d.n; i++) {
		AUTO_FREE char *more = NULL;

		if (r == 0)
			r = wrap_read(d.path[i], &more, e);
		if (f && r > 0)
			fprintf(f, "%s\n", more);
		r = r < 0 ? r : 0;
		free(d.name[i]);
		free(d.path[i]);
	}
	if ((!f || fclose(f) != 0) && r == 0)
		r = err_sys(e, -ENOMEM, "cannot read %s", u->path);
	if (r < 0)
		free(out);
	else
		*ret = out;
	return r;
}

/* Lists where the user's systemd looks, in its order. */
static int find_dirs(const struct wrap_job *j, char *ret, size_t size)
{
	char data[4096] = "";
	const char *list = wrap_data_dirs();

	for (size_t len, n = 0; *list; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		if (len &&
		    str_fmt(data + n, sizeof(data) - n, "%.*s/systemd/user:", (int)len, list) < 0)
			return -ENAMETOOLONG;
		n = strlen(data);
	}
	return str_fmt(ret, size,
		       "%s/systemd/user:/etc/systemd/user:%s%s/run/systemd/user:%s/systemd/user:%s"
		       "/usr/local/lib/systemd/user:/usr/lib/systemd/user:/lib/systemd/user",
		       j->config, j->run, j->run[0] ? "/systemd/user:" : "", j->data, data);
}

/* A link to a unit of another name gives that a second name, and drop-ins count for both. */
bool wrap_is_unit_alias(const char *path)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to) - 1);

	if (n <= 0)
		return false;
	to[n] = '\0';
	return strcmp(running_base(to), running_base(path)) != 0;
}

static int plan_unit(struct wrap_job *j, const struct wrap_found *found, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char dirs[16384], path[PATH_MAX], from[PATH_MAX];
	struct wrap_file f = {WRAP_UNIT, 0644, path, NULL, from};
	enum wrap_how how;
	const char *first;
	int r;

	if (wrap_is_unit_alias(found->path))
		return 0;
	if (find_dirs(j, dirs, sizeof(dirs)) < 0 ||
	    str_fmt(path, sizeof(path), "%s/%s.d/" DROPIN, found->dir, found->id) < 0 ||
	    str_copy(from, sizeof(from), found->path) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	r = wrap_unit_text(dirs, found, &text, e);
	if (r < 0)
		return r;
	how = unit_judge(text, &j->target);
	if (how == WRAP_OTHER)
		return 0;
	if (how == WRAP_SCRIPT)
		return wrap_plan_tell(
			j,
			wrap_text("%s starts a script that leads to %s", found->path,
				  j->target.program),
			wrap_text("let that script say %s/%s", j->bin, j->target.program), e);
	first = unit_forbids(text);
	if (first)
		return err_set(e, -EPERM,
			       "%s forbids its program what vpnrun needs to start: give it a "
			       "drop-in with %s first",
			       found->path, first);
	f.text = unit_wrap(text, &j->cover);
	return wrap_plan_add(j, &f, e);
}

int wrap_plan_units(struct wrap_job *j, struct err *e)
{
	char dirs[16384], own[PATH_MAX];
	const struct wrap_layers l = {.own = own,
				      .list = dirs + strlen(j->config) + strlen("/systemd/user:"),
				      .below = "",
				      .suffix = ".service"};

	if (find_dirs(j, dirs, sizeof(dirs)) < 0 ||
	    str_fmt(own, sizeof(own), "%s/systemd/user", j->config) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	return wrap_layers_each(j, &l, plan_unit, e);
}
