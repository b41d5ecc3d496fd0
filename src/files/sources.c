/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sources.h. What stands in a directory or an archive was chosen by somebody else than who
 * typed the command: there, no link is followed, nothing but a file is opened, and every number is
 * bounded. What is named on the command line is taken as it is, a link or a pipe included.
 */
#include "files/sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/conf.h"
#include "files/archive.h"
#include "files/zip.h"

static int fail_memory(const char *path, struct err *e)
{
	return err_sys(e, -ENOMEM, "cannot read %s", path);
}

/* --- directories ----------------------------------------------------------------------------- */

struct names {
	char **at;
	size_t n;
};

static void names_free(struct names *l)
{
	while (l->n)
		free(l->at[--l->n]);
	free(l->at);
}

static int name_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int list_names(int fd, const char *path, struct names *ret, struct err *e)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = err_sys(e, -errno, "cannot read %s", path);
		util_close(&again);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		char **place;

		if (entry->d_name[0] == '.')
			continue;
		if (ret->n == SOURCES_MAX) {
			r = err_set(e, -EFBIG,
				    "%s: holds more than %u files: give those that you "
				    "need",
				    path, SOURCES_MAX);
			break;
		}
		place = model_grow(&ret->at, ret->n, sizeof(*place));
		if (place)
			*place = strdup(entry->d_name);
		if (!place || !*place)
			r = fail_memory(path, e);
		else
			ret->n++;
	}
	closedir(dir);
	if (r == 0 && ret->n)
		qsort(ret->at, ret->n, sizeof(*ret->at), name_compare);
	return r;
}

static int read_member(int dir, const char *path, const char *name, struct sources *s,
		       struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct source what = {.len = 0};
	struct stat st;
	int r;

	/* Looked at first, since to open a device may do something already. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, -errno, "cannot look at %s/%s", path, name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL,
			       "%s/%s is %s: give the files that you mean by their "
			       "names",
			       path, name, S_ISLNK(st.st_mode) ? "a link" : "not an ordinary file");
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open %s/%s", path, name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s/%s is not an ordinary file", path, name);
	r = file_read_fd(fd, CONF_SIZE_MAX, &what.text, &what.len);
	if (r == -EFBIG)
		return err_set(e, r, "%s/%s:1: file: is larger than 1 MiB", path, name);
	if (r < 0)
		return err_sys(e, r, "cannot read %s/%s", path, name);
	what.mode = st.st_mode;
	return sources_add(s, path, name, &what, e);
}

static int read_dir(const char *path, struct sources *s, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct left_out left = {.n = 0};
	struct names names = {.n = 0};
	size_t from = s->n;
	int r;

	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	r = list_names(fd, path, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (source_is_wanted(names.at[i]))
			r = read_member(fd, path, names.at[i], s, e);
		else
			left_out_add(&left, names.at[i]);
	}
	names_free(&names);
	return r ?: sources_end_place(s, path, s->n - from, &left, e);
}

/* --- what is named on the command line ------------------------------------------------------- */

static int read_archive(const char *path, const struct source *what, struct sources *s,
			struct err *e)
{
	const struct archive a = {path, what->text, what->len};
	const char *kind = archive_kind(what->text, what->len);
	int r;

	if (kind)
		r = err_set(e, -EINVAL, "%s: is %s: unpack it, and give the directory", path, kind);
	else
		r = archive_read(&a, s, e);
	util_wipe(what->text, what->len);
	free(what->text);
	return r;
}

static int read_file(const char *path, struct sources *s, struct err *e)
{
	AUTO_CLOSE int fd = file_open_named(path, e);
	struct source what = {.len = 0};
	struct stat st = {0};
	int r = fd < 0 ? fd : 0;

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", path);
	what.mode = S_ISREG(st.st_mode) ? st.st_mode : 0;
	r = file_read_fd(fd, SOURCES_BYTES_MAX, &what.text, &what.len);
	if (r == -EFBIG)
		return err_set(e, r, "%s:1: file: is larger than %u MiB", path,
			       SOURCES_BYTES_MAX >> 20);
	if (r < 0)
		return err_sys(e, r, "cannot read %s", path);
	if (zip_is(what.text, what.len) || archive_kind(what.text, what.len))
		return read_archive(path, &what, s, e);
	return sources_add(s, NULL, path, &what, e);
}

static int source_compare(const void *a, const void *b)
{
	const struct source *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Which of the two is meant cannot be known, and a VPN is called after its file. */
static int check_twins(const struct sources *s, struct err *e)
{
	AUTO_FREE const struct source **sorted = calloc(s->n + 1, sizeof(*sorted));
	size_t i;

	if (!sorted)
		return fail_memory("the files", e);
	for (i = 0; i < s->n; i++)
		sorted[i] = &s->at[i];
	qsort(sorted, s->n, sizeof(*sorted), source_compare);
	for (i = 1; i < s->n; i++)
		if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
			return err_set(e, -EEXIST, "%s and %s have one name: rename one of them",
				       sorted[i - 1]->path, sorted[i]->path);
	return 0;
}

int sources_read(char *const *paths, size_t n, struct sources *ret, struct err *e)
{
	struct sources s = {.n = 0};
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct stat st;

		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode))
			r = read_dir(paths[i], &s, e);
		else
			r = read_file(paths[i], &s, e);
	}
	r = r ?: check_twins(&s, e);
	if (r < 0)
		sources_free(&s);
	else
		*ret = s;
	return r;
}

int source_parse(const struct source *s, struct tunnel *t, struct err *e)
{
	int r = conf_parse(s->path, s->text, s->len, t, e);

	return r ?: conf_warn_mode(s->path, s->mode, t, e);
}
