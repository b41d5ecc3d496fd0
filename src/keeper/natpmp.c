/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See natpmp.h. Believes no length and no field that it has not compared. Called by
 * keeper/port_forward.c.
 */
#include "keeper/natpmp.h"

#include <errno.h>
#include <string.h>

#define REPLY_LEN  16
#define REFUSE_LEN 8 /* what a gateway answers that does not know the version or the request */
#define REPLY_BIT  128

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, (uint16_t)(v >> 16));
	put16(at + 2, (uint16_t)v);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void natpmp_request(enum natpmp_op op, uint16_t inner, uint16_t outer, uint32_t lifetime_s,
		    uint8_t ret[NATPMP_REQUEST_LEN])
{
	memset(ret, 0, NATPMP_REQUEST_LEN);
	ret[1] = (uint8_t)op;
	put16(ret + 4, inner);
	put16(ret + 6, outer);
	put32(ret + 8, lifetime_s);
}

int natpmp_parse(const void *data, size_t len, enum natpmp_op op, uint16_t inner,
		 struct natpmp_reply *ret)
{
	const uint8_t *p = data;
	struct natpmp_reply r = {0};

	if (len < REFUSE_LEN || p[0] != 0 || p[1] != (REPLY_BIT | (uint8_t)op))
		return -EBADMSG;
	r.result = get16(p + 2);
	r.epoch = get32(p + 4);
	if (r.result == 0) {
		if (len < REPLY_LEN || get16(p + 8) != inner)
			return -EBADMSG;
		r.outer = get16(p + 10);
		r.lifetime_s = get32(p + 12);
		if (!r.outer || !r.lifetime_s)
			return -EBADMSG;
	}
	*ret = r;
	return 0;
}

const char *natpmp_result_text(uint16_t result)
{
	static const char *const text[] = {
		"done",
		"it does not know this version of NAT-PMP",
		"it is not allowed (has the server port forwarding, and the account?)",
		"the gateway itself has no network",
		"it has no port left",
		"it forwards no ports",
	};

	return result < sizeof(text) / sizeof(text[0]) ? text[result] : "for a reason unknown here";
}

bool natpmp_is_reset(uint32_t old_epoch, uint32_t new_epoch, int64_t elapsed_s)
{
	int64_t expected = (int64_t)old_epoch + elapsed_s * 7 / 8;

	return (int64_t)new_epoch + 2 < expected;
}
