/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declares what one `up` holds, and the steps that it is made of; a table of them for each layout.
 * Between up/apply and up/bridge, nobody else's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nl/sock.h"
#include "state/lease.h"
#include "conf/model.h"
#include "state/record.h"
#include "tunnel/resolve.h"
#include "want/want.h"

struct up {
	const struct profile *p;
	struct err *note; /* what the user should know; may be NULL */
	struct endpoint_set endpoints;
	uint32_t mtu;
	int ns_fd;	 /* where the device and the bridge are */
	int socket_fd;	 /* where the tunnel's encrypted socket is to be; -1: here */
	int via_lock;	 /* of the VPN that it goes through, so that it stays up meanwhile */
	bool ns_created; /* nothing of the VPN was there before: undo leaves nothing */
	bool is_ours;	 /* the namespace that the record speaks of is there */
	bool was_up;	 /* and the record says that it is up */
	bool is_restart;
	bool is_revival; /* the profile is the one that was applied before */
	bool is_mend;	 /* the tunnel works and is left alone; endpoints are not known */
	bool is_hold;	 /* all but the tunnel: closed until it comes up; nor are they known */
	struct record old, record;
	struct want_list had, wanted; /* what the ledger named before; what it names now */
	uint32_t guard_flags;	      /* of enum record_flags */
	bool userspace;
	int32_t supervisor_pid;
	uint32_t bridge_ifindex;
};

struct step {
	int (*act)(struct up *u, struct err *e);
	/* Also when act failed half-way; NULL: goes with another step's. */
	void (*undo)(struct up *u);
};

/* Makes what the list says, where u->ns_fd is. */
int step_make(struct up *u, const struct want_list *l, struct err *e);
int step_tunnel(struct up *u, struct err *e);
void step_undo_tunnel(struct up *u);
/* Who was plugged into the bridge, and is not any more, is so again. */
int step_ports(struct up *u, struct err *e);
int step_flows(struct up *u, struct err *e); /* once all ways are as they will be */
/* Writes down all that will be made, and what of it was there before; to be called before anything
 * is made. u->record gets its namespace's numbers from ns_fd (-1: there is none yet). */
int step_note(struct up *u, int ns_fd, struct err *e);
/* Takes away what the VPN had and has no more, and notes what `status` is to find from now on. */
int step_made(struct up *u, struct err *e);
/* Whether the ledger speaks of that very namespace. */
bool step_is_noted(const char *name, int ns_fd);
int step_record(struct up *u, struct err *e);

/* For `down` too: a namespace that no record of ours speaks of is what a killed run left, or
 * somebody else's: then it has an interface that none of ours has. -EEXIST and a sentence that
 * names it. */
int step_check_foreign(const char *name, int ns_fd, struct err *e);
