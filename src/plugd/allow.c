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

#define PASSWD_FILE "/etc/passwd"
#define GROUP_FILE  "/etc/group"
#define SUBUID_FILE "/etc/subuid"

int allow_check_up(const struct record *r, struct err *e)
{
	return r->state == RECORD_UP ? 0 : record_fail_down(r->name, e);
}

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
	uint64_t num;
	uid_t uid;

	if (accounts_user_by_name(a, entry, &uid, NULL))
		return uid == p->uid;
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
	bool in_file = accounts_group_by_name(a, entry, &gid);

	if (!in_file) {
		if (str_uint(entry, 0, UINT32_MAX - 1, &num) < 0)
			return false;
		gid = (gid_t)num;
		in_file = accounts_group_has_gid(a, gid);
	}
	if (in_file && accounts_user_by_uid(a, p->uid, NULL))
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

/* "Everyone" is everyone once: who has 65536 uids by subuid(5) must not have as many shares of the
 * broker's children and as many limits. */
static bool is_spare_uid(const struct record *r, const struct accounts *a, uid_t uid)
{
	AUTO_FREE char *text = NULL;

	return (r->flags & RECORD_EVERYONE) && !accounts_user_by_uid(a, uid, NULL) &&
	       accounts_read(SUBUID_FILE, &text, NULL) == 0 && accounts_is_subordinate(text, uid);
}

int allow_load(struct accounts *ret, struct err *e)
{
	return accounts_load(PASSWD_FILE, GROUP_FILE, ret, e);
}

int allow_user(const struct record *r, const struct accounts *a, const struct peer *p,
	       struct err *e)
{
	char name[ACCOUNTS_NAME_MAX];
	bool named;

	/* Root attaches by itself. A root that asks is one that was talked into asking. */
	if (p->uid == 0)
		return err_set(e, -EPERM,
			       "the broker serves ordinary users only: root needs no broker to use "
			       "VPN '%s'",
			       r->name);
	if (is_spare_uid(r, a, p->uid))
		return err_set(e, -EACCES,
			       "uid %u may not use VPN '%s': it is a subordinate uid of somebody's "
			       "(/etc/subuid), not a user",
			       p->uid, r->name);
	if (allow_is_allowed(r, a, p))
		return 0;
	named = accounts_user_by_uid(a, p->uid, name);
	err_set(e, -EACCES, "user %s (uid %u) may not use VPN '%s'", named ? name : "unknown",
		p->uid, r->name);
	/* The advice is given only where it is true. */
	if (named && r->allow_groups[0][0])
		return err_hint(e, -EACCES,
				"let them in with `sudo usermod -aG %.*s %s`, which counts at once",
				RECORD_ALLOW_LEN, r->allow_groups[0], name);
	return err_hint(e, -EACCES, "\"allow\" in /etc/vpnrun/%s.json says who may", r->name);
}
