/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One list takes the place of another: what is switched on, off, over or repaired is all the same.
 *
 * Theory. The ledger is written before anything is made and names both lists, the new one first, so
 * that whoever finds it after a kill knows all that may be there; what is in it twice over is taken
 * away once. All of the new list is made before anything of the old one goes: as each closes what
 * it opens, there is no moment in which neither of them does. What stands in the same place in both
 * (a table of one name, the rules of one number, the file of names) is made as the new list has it,
 * and does not go. The rest goes in the reverse of its order, as it would alone. Called by
 * default/default and up/steps.
 */
#include "ensure/ensure.h"

#include "ensure/made.h"

static int write_ledger(const struct ensure_change *c, const struct want_list *wanted,
			const struct want_list *rest, struct err *e)
{
	AUTO_WANT_LIST struct want_list all = {0};
	int r;

	want_list_append(&all, wanted);
	want_list_append(&all, rest);
	r = want_list_check(&all, e);
	if (r < 0)
		return r;
	return all.n ? made_write(c->ledger, c->record, &all, e) : made_remove(c->ledger, e);
}

int ensure_replace(const struct ensure_change *c, const struct want_list *had,
		   struct want_list *wanted, bool *ret_done, struct err *e)
{
	AUTO_WANT_LIST struct want_list rest = {0};
	int r;

	if (ret_done)
		*ret_done = false;
	want_list_minus(had, wanted, &rest);
	r = write_ledger(c, wanted, &rest, e);
	if (r == 0)
		r = ensure_make(wanted, c->ns_fd, &c->by, e);
	if (r == 0)
		r = ensure_seal(wanted, c->ns_fd, e);
	if (r == 0)
		r = write_ledger(c, wanted, &rest, e);
	if (r == 0 && c->commit)
		r = c->commit(c->by.arg, e);
	if (r < 0)
		return r;
	if (ret_done)
		*ret_done = true;
	if (!rest.n)
		return 0;
	r = ensure_remove(&rest, c->ns_fd, &c->by, e);
	rest.n = 0;
	return r < 0 ? r : write_ledger(c, wanted, &rest, e);
}
