/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine closed until a VPN is its default. Two means, each enough alone: a table of the
 * firewall, and rules in front of all that lead to the main table, since what loads a firewall at
 * the machine's start often flushes all tables, and systemd-networkd takes rules. Neither knows
 * anything of the VPN, so that no mistake in its files leaves the machine open. Both stand until
 * the default does, and go only then. Called by vpnctl default, and by `up`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "default/default.h"
#include "default/default_part.h"
#include "ensure/ensure.h"
#include "wall/firewall_load.h"

static const char policy_boot[] =
#include "default-boot.nft.h"
	;

static void put_device(FILE *f, const char *name)
{
	fprintf(f, ", \"%s\"", name);
}

static int put_known(const struct record *r, void *arg)
{
	if (r->layout == LAYOUT_BRIDGE) {
		put_device(arg, r->device);
		put_device(arg, r->bridge);
	}
	return 0;
}

int default_boot_text(const struct profile *p, const struct want_marks *marks, char **ret,
		      struct err *e)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return err_sys(e, -errno, "cannot write the firewall of the closed machine");
	fputs("define known = { \"lo\"", f);
	record_for_each(put_known, f, NULL); /* what is not listed stays closed */
	if (p && p->layout == LAYOUT_BRIDGE) {
		put_device(f, p->name);
		put_device(f, p->bridge);
	}
	fprintf(f, " }\ndefine marks = { 0x%x-0x%x", MARK_NET, MARK_NET | ~MARK_MASK);
	for (size_t i = 0; i < marks->n; i++)
		fprintf(f, ", 0x%x", marks->at[i]);
	fprintf(f, " }\n%s", policy_boot);
	if (fclose(f) != 0) {
		free(text);
		return err_set(e, -ENOMEM,
			       "cannot write the firewall of the closed machine: no memory");
	}
	*ret = text;
	return 0;
}

struct boot_wall {
	const struct profile *p;
	struct want_marks marks;
};

static int make_table(const struct want *w, void *arg, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const struct boot_wall *b = arg;
	AUTO_FREE char *text = NULL;
	int r;

	(void)w;
	if (here < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	r = default_boot_text(b->p, &b->marks, &text, e);
	return r < 0 ? r : firewall_run("the closed machine", text, here, e);
}

/* While nothing but the LAN has a way, no answer to a tunnel's packet finds one back, strictly
 * looked for or not, unless its mark counts in it. */
static int count_marks(struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct boot b;
	int r = boot_read(BOOT_WAIT_PATH, &b, e);

	if (r == -ENOENT || r == -EPROTO || (r == 0 && !default_is_filtered("12")))
		return 0;
	r = r ?: file_read(VALID_MARK, 16, &text, NULL, e);
	if (r < 0 || text[0] != '0')
		return r;
	b.valid_mark = true;
	return boot_write(BOOT_WAIT_PATH, &b, e) ?: file_write_existing(VALID_MARK, "1", e);
}

/* Where one of the two cannot be made, the other still is. */
int default_boot_wall(const struct profile *p, struct err *e)
{
	AUTO_WANT_LIST struct want_list rules = {0}, tables = {0};
	struct boot_wall b = {.p = p};
	const struct ensure_by by = {make_table, NULL, &b};
	uint32_t mark = p && p->tunnel.has_fwmark ? p->tunnel.fwmark : 0;
	int by_rules, by_table;

	default_marks(&b.marks, NULL); /* whatever cannot be read, the machine is closed */
	if (mark && (mark & MARK_MASK) != MARK_NET && b.marks.n < ARRAY_SIZE(b.marks.at))
		b.marks.at[b.marks.n++] = mark;
	want_boot_rules(&rules, &b.marks);
	want_boot_firewall(&tables);
	by_rules = want_list_check(&rules, e) ?: ensure_make(&rules, -1, &by, e);
	by_table = want_list_check(&tables, e) ?: ensure_make(&tables, -1, &by, e);
	if (by_rules < 0 || by_table < 0)
		return by_rules < 0 ? by_rules : by_table;
	return count_marks(e);
}

/* A default that needs it has taken the sysctl over. */
static int set_back(const struct boot *b, bool for_good, struct err *e)
{
	struct default_note n;
	int r;

	if (!b->valid_mark)
		return 0;
	r = for_good ? -ENOENT : default_note_read(&n, e);
	if (r < 0 && r != -ENOENT && r != -EPROTO)
		return r;
	return r == 0 && n.valid_mark == 0 ? 0 : file_write_existing(VALID_MARK, "0", e);
}

int default_boot_open(bool for_good, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	const struct want_marks none = {.n = 0};
	struct boot b;
	int r = default_awaited(e);

	if (r <= 0)
		return r;
	/* It alone says what is to be set back. */
	r = boot_read(BOOT_WAIT_PATH, &b, e);
	if (r < 0 && r != -ENOENT && r != -EPROTO)
		return r;
	want_boot_rules(&l, &none);
	want_boot_firewall(&l);
	r = want_list_check(&l, e);
	r = r ?: ensure_remove(&l, -1, NULL, e);
	r = r ?: set_back(&b, for_good, e);
	return r < 0 ? r : file_remove(BOOT_WAIT_PATH, e);
}

/* Taken for closed, it would be closed by whoever comes next, and nobody would open it again; taken
 * for open, it would stay closed. */
int default_awaited(struct err *e)
{
	int r = file_is_there(BOOT_WAIT_PATH, e);

	return r < 0 ? err_wrap(e, r,
				"cannot tell whether this machine is closed as at its start, and "
				"what depends on it was not done; try again")
		     : r;
}
