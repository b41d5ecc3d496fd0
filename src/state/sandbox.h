/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sandbox says of itself what it is: a small record without secrets in its own /run, so that a
 * program inside can know that it is inside. The file alone is never believed: whoever makes a
 * mount namespace of their own can write one. sandbox_look() asks the kernel, too.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define SANDBOX_FILE "/run/vpnrun-sandbox"

struct sandbox {
	uint32_t magic;
	uint32_t size;
	char vpn[16]; /* "none": without a network */
	char policy[40];
	uint8_t id;	/* of the VPN, 0: none */
	uint8_t strict; /* 1: with --strict */
	uint8_t lan;	/* 1: with --lan */
	uint8_t spare;
	struct in_addr ip4; /* the cable's, 0: it has none */
	uint64_t netns_dev; /* the network namespace that it was written in */
	uint64_t netns_ino;
};

/* Writes SANDBOX_FILE, which must not be there, for the network namespace of the caller; the first
 * two and the last two fields are filled in. In the sandbox, when its /run is there. */
int sandbox_write(struct sandbox s, struct err *e);

/* 0: the caller is in no sandbox. 1: in *ret. -ESTALE: there is a record, but the network is not
 * the one that it speaks of: whoever goes on must not take it for the VPN's. Any user may ask. */
int sandbox_look(struct sandbox *ret, struct err *e);

/* Asks about another process, which has to be the caller's to look at: 1 if what it sees in the
 * place of SANDBOX_FILE speaks of the network namespace that it is in, else 0. Whoever made that
 * file up deceives nobody but its own user. */
int sandbox_look_at(int pid, struct sandbox *ret);
