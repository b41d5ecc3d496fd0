/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See record.h. Lines of a word and a value. Believed only in where to look: what a file is, its
 * mark says, and a directory is removed only while it is empty.
 */
#include "wrap/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/same.h"
#include "base/util.h"
#include "wrap/aside.h"

int wrap_paths_add(struct wrap_paths *p, const char *path, struct err *e)
{
	char **at;

	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->at[i], path))
			return 0;
	if (p->n == WRAP_PATHS_MAX)
		return err_set(e, -E2BIG, "there are too many files to note");
	at = reallocarray(p->at, p->n + 1, sizeof(*at));
	if (at)
		p->at = at;
	if (!at || !(at[p->n] = strdup(path)))
		return err_sys(e, -ENOMEM, "cannot note %s", path);
	p->n++;
	return 0;
}

static void free_paths(struct wrap_paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i]);
	free(p->at);
	p->at = NULL;
	p->n = 0;
}

void wrap_record_free(struct wrap_record *r)
{
	free_paths(&r->files);
	free_paths(&r->dirs);
}

static int record_path(const struct wrap_job *j, char ret[PATH_MAX], struct err *e)
{
	return str_fmt(ret, PATH_MAX, "%s/vpnrun/wrapped/%s", j->data, j->target.program) < 0
		       ? err_set(e, -ENAMETOOLONG, "the path of the home directory is too long")
		       : 0;
}

static int read_line(struct wrap_record *r, const char *line, struct err *e)
{
	if (str_starts(line, "vpn "))
		return str_copy(r->vpn, sizeof(r->vpn), line + 4);
	if (str_starts(line, "policy "))
		return str_copy(r->policy, sizeof(r->policy), line + 7);
	if (!strcmp(line, "profile"))
		r->profile = true;
	if (str_starts(line, "file /"))
		return wrap_paths_add(&r->files, line + 5, e);
	if (str_starts(line, "dir /"))
		return wrap_paths_add(&r->dirs, line + 4, e);
	return 0;
}

/* Releases before this one kept no record; they made a script and entries of menus. */
static int find_old(const struct wrap_job *j, struct wrap_record *r, struct err *e)
{
	char dir[PATH_MAX], path[PATH_MAX];
	const struct dirent *de;
	enum wrap_whose whose;
	DIR *d = NULL;
	int res = 0;

	if (str_fmt(dir, sizeof(dir), "%s/applications", j->data) > 0)
		d = opendir(dir);
	if (!d && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, -errno, "cannot list %s", dir);
	while (d && res == 0 && (de = readdir(d)))
		if (str_ends(de->d_name, ".desktop") &&
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) > 0 &&
		    (res = wrap_whose_is(path, j->cover.mark, &whose, e)) == 0 &&
		    whose == WRAP_OURS)
			res = wrap_paths_add(&r->files, path, e);
	if (d)
		closedir(d);
	return res;
}

int wrap_record_read(const struct wrap_job *j, struct wrap_record *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX], *save = NULL;
	int r = record_path(j, path, e);

	memset(ret, 0, sizeof(*ret));
	if (r == 0)
		r = wrap_read(path, &text, e);
	if (r == 0)
		r = find_old(j, ret, e);
	r = r < 0 ? r : 0;
	ret->is_there = text != NULL;
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		r = read_line(ret, line, e);
	if (r == 0 && str_fmt(path, sizeof(path), "%s/%s", j->bin, j->target.program) > 0)
		r = wrap_paths_add(&ret->files, path, e);
	if (r < 0)
		wrap_record_free(ret);
	return r;
}

int wrap_record_missing(struct wrap_record *r, const char *path, struct err *e)
{
	char dir[PATH_MAX];
	int res = str_copy(dir, sizeof(dir), path);

	for (char *at = dir + 1; res == 0 && (at = strchr(at, '/')); at++) {
		struct stat st;

		*at = '\0';
		if (lstat(dir, &st) < 0 && errno == ENOENT)
			res = wrap_paths_add(&r->dirs, dir, e);
		*at = '/';
	}
	return res;
}

static int write_text(const struct wrap_record *r, char **ret, struct err *e)
{
	size_t size = 0;
	FILE *f = open_memstream(ret, &size);

	if (!f)
		return err_sys(e, -ENOMEM, "cannot note what is wrapped");
	fprintf(f, "vpn %s\n", r->vpn);
	if (r->policy[0])
		fprintf(f, "policy %s\n", r->policy);
	if (r->profile)
		fputs("profile\n", f);
	for (size_t i = 0; i < r->files.n; i++)
		fprintf(f, "file %s\n", r->files.at[i]);
	for (size_t i = 0; i < r->dirs.n; i++)
		fprintf(f, "dir %s\n", r->dirs.at[i]);
	return fclose(f) == 0 ? 0 : err_sys(e, -ENOMEM, "cannot note what is wrapped");
}

int wrap_record_write(const struct wrap_job *j, struct wrap_record *r, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX], dir[PATH_MAX];
	int res = record_path(j, path, e);

	/* Its own two directories go without being noted. */
	if (res == 0)
		res = str_fmt(dir, sizeof(dir), "%s/vpnrun", j->data);
	res = res < 0 ? res : wrap_record_missing(r, dir, e);
	if (res == 0 && str_fmt(dir, sizeof(dir), "%s/vpnrun/wrapped", j->data) > 0)
		res = dir_make(dir, 0700, e);
	res = res ?: write_text(r, &text, e);
	return res ?: file_replace(path, text, strlen(text), 0600, e);
}

int wrap_record_remove(const struct wrap_job *j, struct err *e)
{
	char path[PATH_MAX];
	int r = record_path(j, path, e);

	r = r ?: file_remove(path, e);
	/* A wrap that was killed may have made these and nothing in them. */
	for (int i = 0; r == 0 && i < 2; i++) {
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
	return r;
}

/* --- one at a time -----------------------------------------------------------------------------
 */

static int wait_turn(int fd, const char *path, struct err *e)
{
	int r = flock(fd, LOCK_EX | LOCK_NB);

	if (r < 0 && errno == EWOULDBLOCK) {
		log_info("another vpnctl wrap or unwrap of yours is at work: waiting for its end");
		do
			r = flock(fd, LOCK_EX);
		while (r < 0 && errno == EINTR);
	}
	return r < 0 ? err_sys(e, -errno, "cannot lock %s", path) : 0;
}

/* 1: it is held. 0: its holder before us has taken the file away, or there is none to wait for. */
static int take_once(struct wrap_lock *l, bool is_look, struct err *e)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (is_look ? 0 : O_CREAT);
	AUTO_CLOSE int fd = open(l->path, flags, 0600);
	int r;

	if (fd < 0 && errno == ENOENT && is_look)
		return 0;
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the lock %s", l->path);
	r = wait_turn(fd, l->path, e);
	if (r < 0 || !same_fd_path(fd, l->path))
		return r;
	l->fd = take_fd(&fd);
	return 1;
}

int wrap_lock_take(const struct wrap_job *j, bool is_look, struct wrap_lock *ret, struct err *e)
{
	int r;

	ret->fd = -1;
	if (str_fmt(ret->path, sizeof(ret->path), "%s/.vpnrun-wrap.lock", j->home) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	do
		r = take_once(ret, is_look, e);
	while (r == 0 && !is_look);
	return r < 0 ? r : 0;
}

void wrap_lock_release(struct wrap_lock *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	/* While it is held: who waits for it sees then that it is not the file any more. */
	if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		unlink(l->path);
	util_close(&l->fd);
}
