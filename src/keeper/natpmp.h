/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT-PMP (RFC 6886) as bytes. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATPMP_PORT	   5351
#define NATPMP_REQUEST_LEN 12
#define NATPMP_FIRST_MS	   250 /* before the first repetition; each waits twice as long */
#define NATPMP_TRIES	   9

enum natpmp_op { NATPMP_UDP = 1, NATPMP_TCP = 2 };

void natpmp_request(enum natpmp_op op, uint16_t inner, uint16_t outer, uint32_t lifetime_s,
		    uint8_t ret[NATPMP_REQUEST_LEN]);

struct natpmp_reply {
	uint16_t result; /* not 0: the rest but the epoch is undefined */
	uint32_t epoch;
	uint16_t outer;
	uint32_t lifetime_s;
};

/* -EBADMSG: no answer to that request, to be passed over. */
int natpmp_parse(const void *data, size_t len, enum natpmp_op op, uint16_t inner,
		 struct natpmp_reply *ret);

const char *natpmp_result_text(uint16_t result);

/* The gateway has lost its mappings: its clock runs behind what it said before. */
bool natpmp_is_reset(uint32_t old_epoch, uint32_t new_epoch, int64_t elapsed_s);
