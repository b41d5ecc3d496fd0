/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health of a VPN that is up is what was last seen of it: RUN_DIR/NAME.health, a fixed binary
 * file without secrets, 0644, replaced by rename. Root alone can ask WireGuard; its keeper does,
 * and writes down here what everybody may know. It lies beside the record and not in it, since the
 * record has one writer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "state/record.h"

#define HEALTH_FRESH_MS                                                          \
	90000 /* a keeper looks every 30 s: of an older file, the keeper is gone \
	       */
#define HEALTH_ENDPOINT 64

enum health_far {
	HEALTH_UNTRIED =
		0, /* nothing was sent that asks for an answer, or the answer may still come */
	HEALTH_ANSWERS = 1,
	HEALTH_SILENT = 2, /* since silent_ms, packets go out and none comes back */
	HEALTH_NO_WAY = 3, /* this machine has no route to the endpoint */
};

struct health {
	uint32_t magic;
	uint32_t size;
	int64_t at_ms;	      /* CLOCK_MONOTONIC: while the machine sleeps nobody looks */
	int64_t silent_ms;    /* CLOCK_BOOTTIME, as what follows; 0: it is not silent */
	int64_t handshake_ms; /* the latest; 0: there was none */
	uint64_t rx, tx;
	uint32_t far;			/* enum health_far */
	char endpoint[HEALTH_ENDPOINT]; /* the address in use */
	char left[HEALTH_ENDPOINT];	/* the one before it, which did not answer; "": none */
	char why[RECORD_WHY_LEN]; /* what else is wrong, as the end of a sentence; "": nothing */
};

/* Fills in the first three fields. Root. */
int health_write(const char *name, const struct health *s, struct err *e);
void health_remove(const char *name);
/* -ENOENT: nobody has looked yet; -EPROTO: it is of another version, or is not whole. Three system
 * calls, and no privilege. */
int health_read(const char *name, struct health *ret);

int64_t health_now_ms(void); /* CLOCK_BOOTTIME */
/* Whether the keeper that wrote it can be believed to be at work still. */
bool health_is_fresh(const struct health *s);
/* False: the tunnel is as far as is known of use. True: *ret says why it is not, as the end of a
 * sentence that begins with the VPN's name; with the address, and for how long. */
bool health_is_dead(const struct health *s, char *ret, size_t size);
/* The same of what is written down of that VPN, whatever is wrong with it. A file that nobody
 * writes any more tells nothing. */
bool health_is_of_no_use(const char *name, char *ret, size_t size);
