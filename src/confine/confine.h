/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of vpnctl confine: the unit as it is, the drop-in, and the service's own /etc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CONFINE_UNIT_DIR "/etc/systemd/system"
#define CONFINE_UNIT_MAX 200
#define CONFINE_PATH_LEN 512
#define CONFINE_DROPIN	 "50-vpnrun.conf"
#define CONFINE_MARK	 "# VPN "
#define CONFINE_ETC_UNIT "vpnrun-etc-" /* UNIT: the unit that makes UNIT's /etc */

struct confine {
	char unit[CONFINE_UNIT_MAX + 1];
	char file[CONFINE_PATH_LEN];	 /* where the unit is defined */
	char dropin[CONFINE_PATH_LEN];	 /* UNIT_DIR/UNIT.d/DROPIN */
	char etc_unit[CONFINE_PATH_LEN]; /* UNIT_DIR/vpnrun-etc-UNIT */
	const char *vpn;
	bool keep_bus, on_demand;
};

/* The text of the unit's own files, those of its drop-ins included and ours left out. */
struct confine_unit {
	bool has_root;	       /* RootDirectory=, RootImage=: its /etc is not the host's */
	bool is_etc_read_only; /* ProtectSystem=full or strict, DynamicUser= */
	bool has_families;     /* RestrictAddressFamilies= */
	unsigned int families; /* then, of CONFINE_FAMILIES, a bit each: those that it allows */
};

#define CONFINE_N_FAMILIES 4
extern const char *const confine_families[CONFINE_N_FAMILIES]; /* what a VPN's service may use */

/* Where systemd would find it, in its order; of an instance also the template. -ENOENT. */
int confine_find_unit(const char *unit, char *ret, size_t size);

/* Does the unit's text say KEY=VALUE? VALUE NULL: KEY with any. */
bool confine_text_says(const char *text, const char *key, const char *value);

/* Reads the unit's file and its drop-ins. A drop-in that cannot be read is an error: it could say
 * what ours must not weaken. */
int confine_unit_read(const struct confine *c, struct confine_unit *ret, struct err *e);

/* One more line of RestrictAddressFamilies=, by systemd.exec(5)'s rules: the first says whether the
 * list allows or denies, an empty one forgets all. Pure. */
void confine_add_families(struct confine_unit *u, int *mode, const char *value);

/* The texts of the unit that makes its /etc, and of the drop-in; the caller's to free. */
int confine_make_etc_unit(const struct confine *c, char **ret, struct err *e);
int confine_make_dropin(const struct confine *c, const struct confine_unit *u, char **ret,
			struct err *e);

/* Takes away what `vpnctl confined-etc` made for the unit, or for a template's instances, of every
 * VPN. Who runs keeps what it has: theirs are mounts of their own. Needs root. */
int confined_etc_remove(const char *unit, struct err *e);
