/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sysctls of the host that are not this program's own to change: what each was is noted in RUN_DIR
 * before it is changed, for every VPN that wants it, and put back when the last of them is down.
 * Root, in the namespace concerned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SYSCTL_KEY_MAX 64

struct sysctl_want {
	char key[SYSCTL_KEY_MAX]; /* below /proc/sys/net, with '/' */
	char value[8];
};

/* From now on that VPN wants exactly these; what it wanted before and does not now is put back.
 * They are noted, and with set also set, in their order. */
int sysctls_take(const char *vpn, const struct sysctl_want *want, size_t n, bool set,
		 struct err *e);

/* Called when that VPN wants none any more. Idempotent; also after a killed run. */
int sysctls_give_back(const char *vpn, struct err *e);

/* Calls fn with each that the VPN wants, and what it was. */
int sysctls_for_each(const char *vpn, void (*fn)(const char *key, const char *before, void *arg),
		     void *arg, struct err *e);

/* Whether the value of that key was set for a VPN. */
bool sysctls_is_ours(const char *key);
