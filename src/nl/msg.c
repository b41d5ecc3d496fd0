/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute framing of netlink(7) into a fixed buffer. Never allocates; on overflow nothing more is
 * written and the message cannot be sent.
 */
#include "nl/msg.h"

#include <string.h>

/* NLA_HDRLEN is an int made of a negative one, which -Wconversion does not bear. */
#define ATTR_HDR sizeof(struct nlattr)
_Static_assert(ATTR_HDR == 4, "struct nlattr needs no padding");

void nl_msg_init(struct nl_msg *m)
{
	m->len = m->start = 0;
	m->count = 0;
	m->overflow = false;
}

static void *reserve(struct nl_msg *m, size_t len)
{
	size_t aligned = NLMSG_ALIGN(len);
	struct nlmsghdr *nlh;
	void *at = m->buf + m->len;

	if (m->overflow || aligned > sizeof(m->buf) - m->len) {
		m->overflow = true;
		return NULL;
	}
	memset(at, 0, aligned);
	m->len += aligned;
	nlh = (struct nlmsghdr *)(void *)(m->buf + m->start);
	nlh->nlmsg_len = (uint32_t)(m->len - m->start);
	return at;
}

void nl_msg_begin(struct nl_msg *m, uint16_t type, uint16_t flags, const void *hdr, size_t hdr_len)
{
	struct nlmsghdr *nlh;
	void *at;

	m->start = m->len;
	nlh = reserve(m, NLMSG_HDRLEN);
	if (!nlh)
		return;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	m->count++;
	at = reserve(m, hdr_len);
	if (at)
		memcpy(at, hdr, hdr_len);
}

void nl_put(struct nl_msg *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a;

	if (len > UINT16_MAX - ATTR_HDR) {
		m->overflow = true;
		return;
	}
	a = reserve(m, ATTR_HDR + len);
	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(ATTR_HDR + len);
	if (len)
		memcpy((uint8_t *)a + ATTR_HDR, data, len);
}

void nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v)
{
	nl_put(m, type, &v, sizeof(v));
}

void nl_put_str(struct nl_msg *m, uint16_t type, const char *s)
{
	nl_put(m, type, s, strlen(s) + 1);
}

size_t nl_nest(struct nl_msg *m, uint16_t type)
{
	size_t at = m->len;

	nl_put(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_msg *m, size_t nest)
{
	struct nlattr *a = (struct nlattr *)(void *)(m->buf + nest);

	if (m->overflow)
		return;
	if (m->len - nest > UINT16_MAX)
		m->overflow = true;
	else
		a->nla_len = (uint16_t)(m->len - nest);
}

size_t nl_msg_room(const struct nl_msg *m)
{
	return m->overflow ? 0 : sizeof(m->buf) - m->len;
}

void nl_msg_rewind(struct nl_msg *m, size_t len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(m->buf + m->start);

	m->len = len;
	m->overflow = false;
	nlh->nlmsg_len = (uint32_t)(m->len - m->start);
}
