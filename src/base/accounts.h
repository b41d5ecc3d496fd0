/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/passwd, /etc/group and /etc/subuid as they are at this moment: no cache, no NSS (which would
 * run anybody's plugin, and sockets to daemons, inside the broker).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define ACCOUNTS_SUBUID	  "/etc/subuid"
#define ACCOUNTS_NAME_MAX 64
#define ACCOUNTS_FILE_MAX (4u * 1024 * 1024)

struct accounts {
	char *passwd; /* whole files; NULL: absent */
	char *group;
	char *subuid;
};

/* The whole file, which is the caller's to free; absent: 0, and *ret stays as it is. */
int accounts_read(const char *path, char **ret, struct err *e);

/* All three of /etc into *ret, which is all NULL before; a file that does not exist is an empty
 * one. What was read is the caller's to free on failure, too. */
int accounts_load(struct accounts *ret, struct err *e);
void accounts_free(struct accounts *a);
#define AUTO_ACCOUNTS __attribute__((cleanup(accounts_free)))

/* The first entry of that name counts, as for getpwnam(3). ret: the uid and the gid. */
bool accounts_find_user(const struct accounts *a, const char *name, uint32_t ret[2]);
bool accounts_find_group(const struct accounts *a, const char *name, gid_t *ret);
bool accounts_has_user(const struct accounts *a, uid_t uid);
bool accounts_has_group(const struct accounts *a, gid_t gid);

/* Whether the files put any of the uid's names into that group, as a member or as the primary
 * group. */
bool accounts_is_member(const struct accounts *a, uid_t uid, gid_t gid);

/* Whether /etc/subuid gives that uid to somebody as one of their many, and the files do not know it
 * as a user's. *ret: the user behind it, which is the uid itself where it is not. Where the user to
 * whom it is given is not in the files, *ret is the first uid of the range, so that a range is one
 * user in any case. */
bool accounts_is_spare(const struct accounts *a, uid_t uid, uid_t *ret);

/* The first name of that uid, "unknown" where it has none. */
void accounts_name(const struct accounts *a, uid_t uid, char ret[ACCOUNTS_NAME_MAX]);
