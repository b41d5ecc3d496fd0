/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a VPN's record and the files of this moment let a user in. Must never change anything,
 * cache anything, or take a number from a message for an identity that the kernel or a file can
 * tell. Called by the plugger (plugd/serve.c), and before it by the broker's workers.
 */
#include "plugd/allow.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

static bool peer_has_gid(const struct peer *p, gid_t gid)
{
	if (p->gid == gid)
		return true;
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

static bool user_entry_matches(const char *entry, const struct accounts *a, const struct peer *p)
{
	uint32_t ids[2];
	uint64_t num;

	if (accounts_find_user(a, entry, ids))
		return ids[0] == p->uid;
	return str_uint(entry, 0, UINT32_MAX - 1, &num) == 0 && num == p->uid;
}

/*
 * A process keeps the groups it was born with, so its own list says what was true at login. Where
 * the files know both the user and the group, they alone decide: being taken out of the group
 * counts at once. The process's list is believed only for what the files do not know: users and
 * groups of a directory service.
 */
static bool group_entry_matches(const char *entry, const struct accounts *a, const struct peer *p)
{
	uint64_t num;
	gid_t gid;
	bool in_file = accounts_find_group(a, entry, &gid);

	if (!in_file) {
		if (str_uint(entry, 0, UINT32_MAX - 1, &num) < 0)
			return false;
		gid = (gid_t)num;
		in_file = accounts_has_group(a, gid);
	}
	if (in_file && accounts_has_user(a, p->uid))
		return accounts_is_member(a, p->uid, gid);
	return peer_has_gid(p, gid);
}

bool allow_is_allowed(const struct record *r, const struct accounts *a, const struct peer *p)
{
	char entry[RECORD_ALLOW_LEN + 1] = "";

	if (r->flags & RECORD_EVERYONE)
		return true;
	for (int i = 0; i < RECORD_ALLOW_MAX && r->allow_users[i][0]; i++) {
		memcpy(entry, r->allow_users[i], RECORD_ALLOW_LEN);
		if (user_entry_matches(entry, a, p))
			return true;
	}
	for (int i = 0; i < RECORD_ALLOW_MAX && r->allow_groups[i][0]; i++) {
		memcpy(entry, r->allow_groups[i], RECORD_ALLOW_LEN);
		if (group_entry_matches(entry, a, p))
			return true;
	}
	return false;
}

int allow_user(const struct record *r, const struct accounts *a, struct peer *p, struct err *e)
{
	bool is_spare = accounts_is_spare(a, p->uid, &p->owner);

	/* Root attaches by itself. A root that asks is one that was talked into asking. */
	if (p->uid == 0)
		return err_set(e, -EPERM,
			       "the broker serves ordinary users only: root needs no broker to use "
			       "VPN '%s'",
			       r->name);
	/* "Everyone" is everyone once: who has 65536 uids by subuid(5) must not have as many shares
	 * of the broker's children and as many limits. */
	if ((r->flags & RECORD_EVERYONE) && is_spare)
		return err_set(e, -EPERM,
			       "uid %u may not use VPN '%s': it is a subordinate uid of somebody's "
			       "(/etc/subuid), not a user",
			       p->uid, r->name);
	if (allow_is_allowed(r, a, p))
		return 0;
	return err_set(e, ALLOW_NOT_LISTED, "uid %u may not use VPN '%s'", p->uid, r->name);
}
