/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `vpnctl status --watch` tells: of each VPN what one look saw, and the events that lie
 * between two looks. Pure, but for what told_read() reads of forwarded ports.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "look/view.h"

/* For so long a VPN that was up has to be degraded before it is told: while one is made anew or
 * repaired, a look may fall between two steps. */
#define TOLD_DOUBT_MS 1000

struct told {
	char name[NAME_MAX_LEN + 1];
	int id;
	enum view_state state;
	bool is_silent; /* why says for how long: it differs at each look, and nothing has changed
			 */
	char why[sizeof(((struct view *)0)->why)];
	char server[SERVER_MAX_LEN + 1];
	uint16_t ports[2]; /* forwarded by the provider, TCP and UDP */
	bool is_machine_default;
	bool is_counted; /* who is inside is known */
	struct inside_lease *leases;
	size_t n_leases;
	int64_t doubt_ms; /* it is seen as degraded, and told from then on; 0: it is not */
};

struct tolds {
	struct told *at;
	size_t n;
	bool is_closed; /* the machine, until awaited is its default; see views */
	char awaited[NAME_MAX_LEN + 1];
};

/* The views stay the caller's. only: that VPN alone; NULL: all. */
int told_read(const struct views *vs, const char *only, struct tolds *ret, struct err *e);
void told_free(struct tolds *t);

/* lease: of "enter" and "leave"; else NULL. Of "machine_closed" and "machine_open" t is the VPN
 * that is awaited; it has a name alone where nothing else is known of it, or not even that. Returns
 * non-zero to end. */
typedef int (*told_fn)(const char *event, const struct told *t, const struct inside_lease *lease,
		       void *arg);

/* Takes into is what is in doubt or not known, as was has it; so it has to be kept as the next
 * was. *ret_wait_ms: a look is due then; untouched if none is. */
void told_settle(const struct tolds *was, struct tolds *is, int64_t now_ms, int *ret_wait_ms);

/* Calls fn for all that differs; was may be empty: then with "now" for each VPN. Returns what fn
 * returned. */
int told_compare(const struct tolds *was, const struct tolds *is, told_fn fn, void *arg);
