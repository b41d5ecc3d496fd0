/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of one VPN, for commands that take them away or call them otherwise: read beforehand,
 * so that what fails half-way is put back, and only of a VPN that nobody uses.
 */
#pragma once

#include "conf/conf.h"
#include "conf/profile.h"
#include "files/confdir.h"

#define OWNED_FILE_LEN (NAME_MAX_LEN + 8)

struct owned {
	const char *name;
	int lock; /* the VPN's, -1: not held */
	char json[OWNED_FILE_LEN], conf[OWNED_FILE_LEN];
	struct conf_text json_text;
	struct conf_text conf_text; /* of conf in VPN_CONFIG_DIR; at NULL: it has none there */
	struct profile p;
	struct err why; /* the profile could not be parsed; p is empty then */
};

/* Takes the VPN's lock, since an `up` must not begin meanwhile. -ENOENT: there is none; -EBUSY: it
 * is up, held, or the machine's default. */
int owned_open(const struct confdir *d, const char *name, struct owned *ret, struct err *e);
void owned_close(struct owned *o);

/* -EBUSY and a sentence if another VPN, but for those n, goes through it. */
int owned_check_via(const char *name, char *const *but, size_t n, struct err *e);
