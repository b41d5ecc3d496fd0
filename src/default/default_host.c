/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A default depends on two things of its host: the marks of the tunnels that are up, and how it
 * looks for the reverse path of a packet. Reads only.
 */
#include <net/if.h>
#include <string.h>

#include "base/util.h"
#include "default/default_part.h"

#define RP_FILTER_DIR "/proc/sys/net/ipv4/conf"

static int add_mark(const struct record *r, void *arg)
{
	struct want_marks *m = arg;

	if (r->mark && (r->mark & MARK_MASK) != MARK_NET && m->n < ARRAY_SIZE(m->at))
		m->at[m->n++] = r->mark;
	return 0;
}

int default_marks(struct want_marks *ret, struct err *e)
{
	ret->n = 0;
	return record_for_each(add_mark, ret, e);
}

static bool is_filtered(const char *dev, const char *how)
{
	AUTO_FREE char *text = NULL;
	char path[96];

	return str_fmt(path, sizeof(path), RP_FILTER_DIR "/%s/rp_filter", dev) > 0 &&
	       file_read(path, 16, &text, NULL, NULL) == 0 && strchr(how, text[0]);
}

bool default_is_filtered(const char *how)
{
	struct if_nameindex *all = if_nameindex();
	bool found = is_filtered("all", how) || is_filtered("default", how);

	for (struct if_nameindex *i = all; i && i->if_index; i++)
		found = found || (strcmp(i->if_name, "lo") != 0 && is_filtered(i->if_name, how));
	if (all)
		if_freenameindex(all);
	return found;
}
