/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes the note of the machine's default. Readers believe it as far as they believe
 * root, who alone can write RUN_DIR, and still check that it is whole and of this version.
 */
#include "state/note.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAGIC 0x44505652u /* "RVPD" */

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static bool is_way(const struct default_way *w)
{
	for (size_t i = 0; i < DEFAULT_UNITS_MAX; i++)
		if (!is_text(w->units[i], sizeof(w->units[i])))
			return false;
	return w->n_ports <= DEFAULT_PORTS_MAX && w->n_users <= DEFAULT_USERS_MAX &&
	       w->n_units <= DEFAULT_UNITS_MAX && is_text(w->name, sizeof(w->name)) &&
	       is_text(w->dev, sizeof(w->dev)) && is_text(w->search, sizeof(w->search)) &&
	       w->id <= 99 && (w->id == 0 || str_is_vpn_name(w->name));
}

int default_note_read(struct default_note *ret, struct err *e)
{
	AUTO_CLOSE int fd = open(DEFAULT_NOTE_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct default_note n;

	if (fd < 0)
		return err_sys(e, -errno, "cannot open " DEFAULT_NOTE_PATH);
	if (read(fd, &n, sizeof(n)) != (ssize_t)sizeof(n) || n.magic != NOTE_MAGIC ||
	    n.size != sizeof(n) || !is_way(&n.now) || !is_way(&n.old) || n.now.id == 0)
		return err_set(
			e, -EPROTO,
			DEFAULT_NOTE_PATH
			" was written by another version of vpnrun: take the default away with that "
			"one, or restart the machine");
	*ret = n;
	return 0;
}

int default_note_write(const struct default_note *n, struct err *e)
{
	struct default_note out = *n;

	out.magic = NOTE_MAGIC;
	out.size = sizeof(out);
	return file_replace(DEFAULT_NOTE_PATH, &out, sizeof(out), 0644, e);
}

bool default_is_way_of(const struct default_way *w, const char *name)
{
	return w->id && !strcmp(w->name, name);
}

bool default_has(const struct default_note *n, const char *name)
{
	return default_is_way_of(&n->now, name) || default_is_way_of(&n->old, name);
}
