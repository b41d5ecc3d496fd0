/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the broker's front and the plugger, over a socket pair of type SEQPACKET that only the
 * two hold. A request is one datagram with two descriptors, a socket for the answer and the network
 * namespace to be plugged; its answer is one datagram on that socket. The first datagram of all is
 * the plugger's: an answer without a question, which says that it is ready. Both programs are of
 * one installation, and are started together.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "ipc/conn.h"

#define PLUG_MAGIC	0x676c7076u /* "vplg" */
#define PLUG_GROUPS_MAX 16384	    /* of a peer's; what goes beyond is not passed on */

/* After it come the groups, as many as there are. */
struct plug_head {
	uint32_t magic;
	uint32_t place; /* enum peer_place */
	uint32_t uid, gid;
	char vpn[16];	 /* NUL-terminated, the rest NUL */
	uint32_t is_lan; /* 1: it may use the VPN's cable to the LAN */
	uint32_t n_groups;
};

struct plug_request {
	struct plug_head head;
	uint32_t groups[PLUG_GROUPS_MAX];
};

struct plug_answer {
	int32_t code;  /* 0, or a negative errno */
	uint32_t host; /* of the lease */
	char msg[ERR_MSG_MAX];
};

_Static_assert(sizeof(struct plug_request) ==
		       sizeof(struct plug_head) + PLUG_GROUPS_MAX * sizeof(uint32_t),
	       "the groups come right after the head");
