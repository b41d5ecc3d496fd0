/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See carry.h. The record comes first and goes last: whatever is there is in it.
 */
#include "wrap/carry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "wrap/aside.h"

static bool is_planned(const struct wrap_job *j, const char *path)
{
	for (size_t i = 0; i < j->n_files; i++)
		if (!strcmp(j->files[i].path, path))
			return true;
	return false;
}

/* Takes back what the record has and the plan, if there is to be one, has not. */
static int take_back(const struct wrap_job *j, const struct wrap_record *r, bool all, struct err *e)
{
	int n = 0, one = 0;

	for (size_t i = r->files.n; i-- > 0 && one >= 0;) {
		if (!all && is_planned(j, r->files.at[i]))
			continue;
		one = wrap_take_back(r->files.at[i], j->cover.mark, e);
		n += one > 0;
	}
	return one < 0 ? one : n;
}

static void remove_dirs(const struct wrap_record *r)
{
	for (size_t i = r->dirs.n; i-- > 0;)
		rmdir(r->dirs.at[i]);
}

static int put_all(const struct wrap_job *j, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->n_files; i++) {
		const struct wrap_file *f = &j->files[i];
		char dir[PATH_MAX];

		if (str_copy(dir, sizeof(dir), f->path) == 0) {
			*strrchr(dir, '/') = '\0';
			r = dir_make(dir, 0755, e);
		}
		r = r ?: wrap_put(f->path, f->text, f->mode, j->cover.mark, e);
	}
	return r;
}

/* Everything that there was, will be, or is made on the way. */
static int note_all(struct wrap_job *j, const struct wrap_record *old, struct wrap_record *r,
		    struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < old->files.n; i++)
		res = wrap_paths_add(&r->files, old->files.at[i], e);
	for (size_t i = 0; res == 0 && i < old->dirs.n; i++)
		res = wrap_paths_add(&r->dirs, old->dirs.at[i], e);
	for (size_t i = 0; res == 0 && i < j->n_files; i++) {
		res = wrap_record_missing(r, j->files[i].path, e);
		res = res ?: wrap_paths_add(&r->files, j->files[i].path, e);
	}
	return res ?: wrap_record_write(j, r, e);
}

static int replace(struct wrap_job *j, const struct wrap_record *old, struct wrap_record *r,
		   struct err *e)
{
	int n, res = note_all(j, old, r, e);

	res = res ?: put_all(j, e);
	if (res < 0)
		return res;
	/* Now that the new is there, the old may go. */
	n = take_back(j, r, false, e);
	if (n < 0)
		return n;
	for (size_t i = r->files.n; i-- > 0;)
		if (!is_planned(j, r->files.at[i])) {
			free(r->files.at[i]);
			memmove(r->files.at + i, r->files.at + i + 1,
				(--r->files.n - i) * sizeof(r->files.at[0]));
		}
	return wrap_record_write(j, r, e);
}

int wrap_carry_out(struct wrap_job *j, struct wrap_record *record, struct err *e)
{
	struct wrap_record old;
	int res = wrap_record_read(j, &old, e);
	bool is_new = res == 0 && !old.is_there;

	if (res < 0) {
		wrap_record_free(record);
		return res;
	}
	for (size_t i = 0; i < old.files.n && is_new; i++) {
		enum wrap_whose whose;

		if (wrap_whose_is(old.files.at[i], j->cover.mark, &whose, NULL) == 0)
			is_new = whose == WRAP_NOBODYS || whose == WRAP_OTHERS;
	}
	res = replace(j, &old, record, e);
	if (res < 0 && is_new) {
		take_back(j, record, true, NULL);
		wrap_record_remove(j, NULL);
		remove_dirs(record);
	}
	wrap_record_free(&old);
	wrap_record_free(record);
	return res;
}

int wrap_carry_back(const struct wrap_job *j, struct err *e)
{
	struct wrap_record r;
	int n = wrap_record_read(j, &r, e), res;

	if (n < 0)
		return n;
	n = take_back(j, &r, true, e);
	res = n < 0 ? n : wrap_record_remove(j, e);
	if (res == 0)
		remove_dirs(&r);
	wrap_record_free(&r);
	return res < 0 ? res : n;
}
