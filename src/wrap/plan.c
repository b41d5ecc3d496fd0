/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See plan.h. Called by what knows the kinds, and by the commands.
 */
#include "wrap/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "wrap/aside.h"

#define FILES_MAX 1000

char *wrap_text(const char *fmt, ...)
{
	va_list ap;
	char *out;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : out;
}

/* A program or a script of the user's own may be what is to be started: it is not put aside. */
static int check_path(const struct wrap_job *j, const struct wrap_file *f, struct err *e)
{
	enum wrap_whose whose;
	int r = wrap_whose_is(f->path, j->cover.mark, &whose, e);

	if (r < 0)
		return r;
	if (f->kind == WRAP_COMMAND && whose == WRAP_OTHERS)
		return err_set(e, -EEXIST,
			       "%s exists and was not made by vpnctl wrap: move it away first",
			       f->path);
	return wrap_can_put(f->path, e);
}

int wrap_plan_add(struct wrap_job *j, const struct wrap_file *f, struct err *e)
{
	AUTO_FREE char *text = f->text;
	struct wrap_file *at, copy = *f;
	int r;

	if (!text || j->n_files == FILES_MAX)
		return err_sys(e, text ? -E2BIG : -ENOMEM, "cannot write %s", f->path);
	for (size_t i = 0; i < j->n_files; i++)
		if (!strcmp(j->files[i].path, f->path))
			return 0;
	r = check_path(j, f, e);
	if (r < 0)
		return r;
	at = reallocarray(j->files, j->n_files + 1, sizeof(*at));
	if (at)
		j->files = at;
	copy.path = at ? strdup(f->path) : NULL;
	copy.from = copy.path ? strdup(f->from) : NULL;
	if (!copy.from) {
		free(copy.path);
		return err_sys(e, -ENOMEM, "cannot write %s", f->path);
	}
	wrap_seal(text, j->cover.mark);
	text = NULL;
	j->files[j->n_files++] = copy;
	return 0;
}

int wrap_plan_tell(struct wrap_job *j, char *what, char *instead, struct err *e)
{
	struct wrap_around *at = NULL;

	if (what && instead)
		at = reallocarray(j->around, j->n_around + 1, sizeof(*at));
	if (!at) {
		free(what);
		free(instead);
		return err_sys(e, -ENOMEM, "cannot say what starts %s", j->target.program);
	}
	j->around = at;
	j->around[j->n_around++] = (struct wrap_around){what, instead};
	return 0;
}

void wrap_plan_free(struct wrap_job *j)
{
	for (size_t i = 0; i < j->n_files; i++) {
		free(j->files[i].path);
		free(j->files[i].text);
		free(j->files[i].from);
	}
	for (size_t i = 0; i < j->n_around; i++) {
		free(j->around[i].what);
		free(j->around[i].instead);
	}
	free(j->files);
	free(j->around);
	j->files = NULL;
	j->around = NULL;
	j->n_files = j->n_around = 0;
}
