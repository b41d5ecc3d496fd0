/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a default: the cable, the table, the rules; the firewall; the names. Each may be
 * made twice and taken away twice. default/default's alone.
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
/* The cable: w->host and the addresses are filled in. */
int default_cable_open(struct default_way *w, struct err *e);
/* Ends what is connected by it: the tunnel's own address stays, the cable's does not. */
int default_cable_end(const struct default_way *w, struct err *e);
int default_cable_close(const struct default_way *w, struct err *e);
/* Of connections that the firewall gave w's address the kernel forgets so: they would keep it on
 * any other way, and their next packets would leave with it. */
int default_cable_forget(const struct default_way *w, struct err *e);

int default_rules_add(const struct default_way *w, const struct want_marks *marks, struct err *e);
int default_rules_remove(const struct default_way *w, struct err *e);
/* Whether its rules lead into the VPN and close behind, whatever else has changed. */
bool default_rules_stand(const struct default_way *w);

/* The main table's routes to public addresses but for its default, as elements of the firewall's
 * set, and their digest. *ret_text is the caller's to free; NULL: nobody wants it. */
int default_ways_read(const struct default_way *w, char **ret_text, uint64_t *ret_digest,
		      struct err *e);

/* Fills in w->ways. */
int default_firewall_add(struct default_way *w, const struct want_marks *marks, struct err *e);
int default_firewall_remove(const struct default_way *w, struct err *e);

/* Finds which way the names go on this machine, and which servers they went to. */
void default_dns_look(struct default_note *n);
int default_dns_set(const struct default_note *n, struct err *e);
int default_dns_clear(const struct default_note *n, struct err *e);
/* Forgets one of the two alone; with resolv.conf as a file there is nothing to do. */
void default_dns_forget(const struct default_note *n, const struct default_way *w);
