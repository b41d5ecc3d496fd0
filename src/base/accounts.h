/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/passwd and /etc/group as they are at this moment: no cache, no NSS (which would run
 * anybody's plugin, and sockets to daemons, inside the broker).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define ACCOUNTS_NAME_MAX 64
#define ACCOUNTS_FILE_MAX (4u * 1024 * 1024)

struct accounts {
	char *passwd; /* whole files; NULL: absent */
	char *group;
};

/* The whole file, which is the caller's to free; absent: 0, and *ret stays as it is. */
int accounts_read(const char *path, char **ret, struct err *e);

/* Reads both; a file that does not exist is an empty one. */
int accounts_load(const char *passwd_path, const char *group_path, struct accounts *ret,
		  struct err *e);
void accounts_free(struct accounts *a);
#define AUTO_ACCOUNTS __attribute__((cleanup(accounts_free)))

/* The first entry counts, as for getpwnam(3). Outputs may be NULL. */
bool accounts_user_by_name(const struct accounts *a, const char *name, uid_t *ret_uid,
			   gid_t *ret_gid);
bool accounts_user_by_uid(const struct accounts *a, uid_t uid, char ret_name[ACCOUNTS_NAME_MAX]);
bool accounts_group_by_name(const struct accounts *a, const char *name, gid_t *ret_gid);
bool accounts_group_has_gid(const struct accounts *a, gid_t gid);

/* Whether the files put any of the uid's names into that group, as a member or as the primary
 * group. */
bool accounts_is_member(const struct accounts *a, uid_t uid, gid_t gid);

/* Whether the text of /etc/subuid gives that uid to somebody as one of their many. */
bool accounts_is_subordinate(const char *subuid, uid_t uid);

/* The user behind that uid: itself, where the files know it as a user's or know it not at all; the
 * user to whom the text of /etc/subuid gives it; where that user is not in the files, the first uid
 * of the range, so that a range is one user in any case. */
uid_t accounts_owner(const struct accounts *a, const char *subuid, uid_t uid);
