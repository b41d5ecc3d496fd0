/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See layers.h. A plan is the same before and after it was carried out: where a file of wrap's is
 * in the user's own directory, what it hides is looked at.
 */
#include "wrap/layers.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "wrap/aside.h"

#define SEEN_MAX  20000
#define DEPTH_MAX 3

struct walk {
	struct wrap_job *job;
	const struct wrap_layers *layers;
	int (*fn)(struct wrap_job *j, const struct wrap_found *f, struct err *e);
	bool own; /* in the user's own directory */
	char **seen;
	size_t n_seen;
};

static const char *dirs(const char *variable, const char *usual)
{
	const char *v = getenv(variable);

	return v && v[0] ? v : usual;
}

const char *wrap_data_dirs(void)
{
	return dirs("XDG_DATA_DIRS", "/usr/local/share:/usr/share");
}

const char *wrap_config_dirs(void)
{
	return dirs("XDG_CONFIG_DIRS", "/etc/xdg");
}

/* The value of the key in the text, or the name. */
static char *identity_of(const char *text, const char *key, const char *id)
{
	size_t n = key ? strlen(key) : 0;

	for (const char *line = text; key && line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n) && line[n] == '=')
			return strndup(line + n + 1, strcspn(line + n + 1, "\r\n"));
	}
	return strdup(id);
}

/* 1: new. Takes name. */
static int note_seen(struct walk *w, char *name)
{
	char **at;

	for (size_t i = 0; name && i < w->n_seen; i++)
		if (!strcmp(w->seen[i], name)) {
			free(name);
			return 0;
		}
	at = name && w->n_seen < SEEN_MAX ? reallocarray(w->seen, w->n_seen + 1, sizeof(*at))
					  : NULL;
	if (!at) {
		free(name);
		return -ENOMEM;
	}
	w->seen = at;
	w->seen[w->n_seen++] = name;
	return 1;
}

/* Finds the file whose text counts. 0: the one at path hides nothing and says nothing of its own.
 */
static int find_original(const struct walk *w, char path[PATH_MAX], struct err *e)
{
	enum wrap_whose whose;
	char aside[PATH_MAX];
	int r = w->own ? wrap_whose_is(path, w->job->cover.mark, &whose, e) : 0;

	if (r < 0)
		return r;
	if (!w->own || (whose != WRAP_OURS && whose != WRAP_EDITED))
		return 1;
	r = wrap_find_aside(path, aside, sizeof(aside), e);
	if (r > 0)
		str_copy(path, PATH_MAX, aside);
	return r;
}

static int visit(struct walk *w, const char *dir, const char *name, const char *id, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct wrap_found f = {.id = id, .dir = w->layers->own};
	char path[PATH_MAX];
	int r;

	r = str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0 ? 0 : find_original(w, path, e);
	if (r <= 0)
		return r;
	r = wrap_read(path, &text, e);
	if (r < 0)
		return r;
	/* People mask a service by a link to /dev/null: it hides what comes later. */
	r = note_seen(w, r ? identity_of(text, w->layers->identity, id) : strdup(id));
	if (r < 0)
		return err_sys(e, r, "cannot look at %s", path);
	if (r == 0 || !text)
		return 0;
	f.path = path;
	f.text = text;
	return w->fn(w->job, &f, e);
}

static int walk(struct walk *w, const char *dir, const char *before, unsigned int depth,
		struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	int r = 0;

	if (!d && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		return err_sys(e, -errno, "cannot list %s", dir);
	while (d && r == 0 && (errno = 0, de = readdir(d))) {
		char id[NAME_MAX + 1], below[PATH_MAX];

		if (de->d_name[0] == '.' || str_fmt(id, sizeof(id), "%s%s", before, de->d_name) < 0)
			continue;
		if (de->d_type != DT_DIR) {
			if (str_ends(id, w->layers->suffix))
				r = visit(w, dir, de->d_name, id, e);
		} else if (w->layers->deep && depth < DEPTH_MAX &&
			   str_fmt(id, sizeof(id), "%s%s-", before, de->d_name) > 0 &&
			   str_fmt(below, sizeof(below), "%s/%s", dir, de->d_name) > 0) {
			r = walk(w, below, id, depth + 1, e);
		}
	}
	if (d && r == 0 && errno)
		r = err_sys(e, -errno, "cannot list %s", dir);
	if (d)
		closedir(d);
	return r;
}

int wrap_layers_each(struct wrap_job *j, const struct wrap_layers *l,
		     int (*fn)(struct wrap_job *j, const struct wrap_found *f, struct err *e),
		     struct err *e)
{
	struct walk w = {.job = j, .layers = l, .fn = fn, .own = true};
	int r = walk(&w, l->own, "", 0, e);

	w.own = false;
	for (const char *at = l->list; r == 0 && *at;) {
		size_t len = strcspn(at, ":"), n = len;
		char dir[PATH_MAX];

		/* Xfce's session says "/usr/share/", and the path is shown. */
		while (n > 1 && at[n - 1] == '/')
			n--;
		if (at[0] == '/' && str_fmt(dir, sizeof(dir), "%.*s%s", (int)n, at, l->below) > 0)
			r = walk(&w, dir, "", 0, e);
		at += len + (at[len] == ':');
	}
	for (size_t i = 0; i < w.n_seen; i++)
		free(w.seen[i]);
	free(w.seen);
	return r;
}
