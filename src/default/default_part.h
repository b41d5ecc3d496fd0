/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a default that are more than objects: the cable; the firewall; the names; and what
 * stands before it does. Each may be made twice and taken away twice. default/default's alone.
 */
#pragma once

#include <stdio.h>

#include "nl/rule.h"
#include "state/boot.h"
#include "state/note.h"
#include "want/want.h"

/* Pure. */
int default_firewall_text(const struct default_way *w, const struct want_marks *marks,
			  const char *known, char **ret, struct err *e);

#define VALID_MARK "/proc/sys/net/ipv4/conf/all/src_valid_mark"
/* Whether the reverse path of any device's packets is looked for in one of these ways: "1"
 * strictly, "2" anywhere. */
bool default_is_filtered(const char *how);
/* The marks of tunnels that are up, as far as they lie outside MARK_NET. */
int default_marks(struct want_marks *ret, struct err *e);

/* Closes it, or closes it anew for what is up by now; p (may be NULL): it is about to come up. */
int default_boot_wall(const struct profile *p, struct err *e);
/* Opens it, as a default stands, or (for_good) none is wanted. Open: 0. */
int default_boot_open(bool for_good, struct err *e);
/* Pure but for the records; *ret is the caller's to free. */
int default_boot_text(const struct profile *p, const struct want_marks *marks, char **ret,
		      struct err *e);

/* Called before anything is noted: says whether its names and its table are free. */
int default_cable_check(const struct default_way *w, struct err *e);
/* Plugs the cable in, where there is none: w->host and the addresses are filled in. */
int default_cable_plug(struct default_way *w, struct err *e);
/* Ends what is connected by these addresses: the tunnel's own stays, the cable's does not. */
int default_cable_end(const struct want_act *a, struct err *e);
/* Of connections that the firewall gave these addresses the kernel forgets so: they would keep them
 * on any other way, and their next packets would leave with them. */
int default_cable_forget(const struct want_act *a, struct err *e);

/* The main table's routes to public addresses but for its default, as elements of the firewall's
 * set, and their digest. *ret_text is the caller's to free; NULL: nobody wants it. */
int default_ways_read(const struct default_way *w, char **ret_text, uint64_t *ret_digest,
		      struct err *e);

/* Of a group, below the root of all; slices lie in slices. */
#define DEFAULT_UNIT_DEPTH 6

/* Fills in whom "default_exclude" and what "default_inbound" of the applied profile name. strictly:
 * who or what does not exist is an error; else it is left out. */
int default_exempt_read(struct default_way *w, bool strictly, struct err *e);
/* Pure: appends nft text; uplink: who answers for names there. */
void default_exempt_put(FILE *f, const struct default_way *w, const struct record_ip *uplink,
			size_t n);
/* The same of this machine at this moment; fills in w->exempt. *ret is the caller's to free. */
int default_exempt_text(struct default_way *w, char **ret, struct err *e);
/* Of all that changes by itself of it: its units, and the uplink's servers, DEFAULT_DNS_MAX of them
 * with zeros behind the last. */
uint64_t default_exempt_digest(const struct default_way *w, const struct record_ip *uplink);
/* 1: another than that of w->exempt; 0: the same; -errno: it cannot be told, which is neither. */
int default_exempt_is_stale(const struct default_way *w, struct err *e);
/* The firewall's sets hold the control groups that its units have now. */
int default_units_fill(const struct default_way *w, struct err *e);
bool default_unit_exists(const char *unit);

/* Fills in w->ways. */
int default_firewall_add(struct default_way *w, const struct want_marks *marks, struct err *e);
/* Finds which way the names go on this machine, and which servers they went to. What cannot be read
 * is an error: they would be led past whoever answers for them. */
int default_dns_look(struct default_note *n, struct err *e);
/* Appends what makes names go by that way. */
int default_dns_want(const struct default_note *n, const struct default_way *w, struct want_list *l,
		     struct err *e);
/* Names go by n->now. */
int default_dns_set(const struct default_note *n, struct err *e);
/* They go as before; of a device, what was set for it is forgotten. */
int default_dns_undo(const struct want_act *a, struct err *e);
