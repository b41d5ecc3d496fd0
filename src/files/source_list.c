/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See source_list.h. What is too much is refused here, wherever it came from.
 */
#include "files/source_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "conf/model.h"

static int fail_memory(const char *path, struct err *e)
{
	return err_sys(e, -ENOMEM, "cannot read %s", path);
}

void sources_free(struct sources *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		util_wipe(s->at[i].text, s->at[i].len);
		free(s->at[i].text);
		free(s->at[i].path);
	}
	free(s->at);
	for (i = 0; i < s->n_notes; i++)
		free(s->notes[i]);
	free(s->notes);
	memset(s, 0, sizeof(*s));
}

bool source_is_wanted(const char *name)
{
	static const char *const ends[] = {".conf", ".ovpn", ".netdev", ".nmconnection",
					   ".mobileconfig"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && !strcasecmp(name + len - n, ends[i]))
			return true;
	}
	return false;
}

/* --- the list -------------------------------------------------------------------------------- */

static int check_bounds(const struct sources *s, size_t len, struct err *e)
{
	if (s->n >= SOURCES_MAX)
		return err_set(e, -EFBIG, "these are more than %u files: give fewer at once",
			       SOURCES_MAX);
	if (len > SOURCES_BYTES_MAX - s->bytes)
		return err_set(e, -EFBIG,
			       "these files are larger than %u MiB together: give "
			       "fewer at once",
			       SOURCES_BYTES_MAX >> 20);
	return 0;
}

int sources_add(struct sources *s, const char *dir, const char *name, const struct source *what,
		struct err *e)
{
	const char *between = !dir || str_ends(dir, "/") ? "" : "/";
	struct source *place = NULL;
	char *path = NULL;
	int r = check_bounds(s, what->len, e);

	if (r == 0 && asprintf(&path, "%s%s%s", dir ? dir : "", between, name) < 0) {
		path = NULL;
		r = fail_memory(name, e);
	}
	if (r == 0) {
		place = model_grow(&s->at, s->n, sizeof(*place));
		r = place ? 0 : fail_memory(name, e);
	}
	if (r < 0) {
		util_wipe(what->text, what->len);
		free(what->text);
		free(path);
		return r;
	}
	*place = *what;
	place->path = path;
	place->name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	s->n++;
	s->bytes += what->len;
	return 0;
}

void left_out_add(struct left_out *l, const char *name)
{
	if (!l->n++)
		str_fmt(l->first, sizeof(l->first), "%s", name);
}

int sources_end_place(struct sources *s, const char *place, size_t n, const struct left_out *l,
		      struct err *e)
{
	char *text = NULL, **note;

	if (!n)
		return err_set(e, -ENOENT, "%s: holds no WireGuard file (NAME.conf)%s%s", place,
			       l->n ? ", but " : "", l->n ? l->first : "");
	if (!l->n)
		return 0;
	if (asprintf(&text,
		     l->n > 1 ? "%s: %s and %zu more are left out: they are not called "
				"NAME.conf"
			      : "%s: %s is left out: it is not called NAME.conf",
		     place, l->first, l->n - 1) < 0)
		return fail_memory(place, e);
	note = model_grow(&s->notes, s->n_notes, sizeof(*note));
	if (!note) {
		free(text);
		return fail_memory(place, e);
	}
	*note = text;
	s->n_notes++;
	return 0;
}
