/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a default that are more than objects: the cable; the firewall; the names. Each may
 * be made twice and taken away twice. default/default's alone.
 */
#pragma once

#include "nl/rule.h"
#include "state/note.h"
#include "want/want.h"

/* Pure. */
int default_firewall_text(const struct default_way *w, const struct want_marks *marks,
			  const char *known, char **ret, struct err *e);

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

/* Fills in w->ways. */
int default_firewall_add(struct default_way *w, const struct want_marks *marks, struct err *e);
/* Finds which way the names go on this machine, and which servers they went to. */
void default_dns_look(struct default_note *n);
/* Appends what makes names go by that way. */
int default_dns_want(const struct default_note *n, const struct default_way *w, struct want_list *l,
		     struct err *e);
/* Names go by n->now. */
int default_dns_set(const struct default_note *n, struct err *e);
/* They go as before; of a device, what was set for it is forgotten. */
int default_dns_undo(const struct want_act *a, struct err *e);
