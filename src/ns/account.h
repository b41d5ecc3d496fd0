/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of passwd(5), group(5) and hosts(5) for a sandbox in which the services that know more
 * than these files (sssd, LDAP, systemd-homed, systemd-resolved) cannot be asked. Pure.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct account_line {
	uid_t uid;
	gid_t gid;
	const char *name, *home, *shell; /* as the environment has them; NULL: not */
};

/* 0: the file has a line for the uid (gid). 1: it has none, and *ret is its text with one more, the
 * caller's to free. -ENOMEM. */
int account_passwd(const char *passwd, const struct account_line *a, char **ret);
int account_group(const char *group, const struct account_line *a, char **ret);

/* The same for localhost and the machine's own name, of both families. */
int account_hosts(const char *hosts, const char *own_name, char **ret);
