/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building netlink requests. One buffer holds one request or a batch of them; a put that does not
 * fit sets a sticky flag, so that builders are straight lines and only the send checks.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_MSG_SIZE 8192

struct nl_msg {
	size_t len;	    /* bytes used by finished requests and the current one */
	size_t start;	    /* of the current request */
	unsigned int count; /* requests in the buffer */
	bool overflow;
	uint8_t buf[NL_MSG_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

void nl_msg_init(struct nl_msg *m);

/* Starts the next request: NLM_F_REQUEST | NLM_F_ACK | flags. The previous one is finished. hdr of
 * hdr_len bytes is the family's own header. */
void nl_msg_begin(struct nl_msg *m, uint16_t type, uint16_t flags, const void *hdr, size_t hdr_len);

void nl_put(struct nl_msg *m, uint16_t type, const void *data, size_t len);
void nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v);
void nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v);
void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v);
void nl_put_str(struct nl_msg *m, uint16_t type, const char *s); /* with its NUL */

/* A nest's handle is its offset in the buffer. */
size_t nl_nest(struct nl_msg *m, uint16_t type);
void nl_nest_end(struct nl_msg *m, size_t nest);

/* Bytes that a put may still use, for builders that spread a list over several messages. */
size_t nl_msg_room(const struct nl_msg *m);
/* Takes back everything after that offset (a value of m->len seen before) and clears overflow. */
void nl_msg_rewind(struct nl_msg *m, size_t len);
