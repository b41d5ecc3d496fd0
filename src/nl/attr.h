/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attributes of an answer, the one reader of them. Every length is checked here; a message's
 * own has been by sock.c.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*nl_attr_fn)(const struct nlattr *a, void *arg);

/* fn is called for each attribute of the message behind a header of so many bytes, or within nest.
 * Ends before one that is not whole. */
void nl_attr_each(const struct nlmsghdr *nlh, size_t header, nl_attr_fn fn, void *arg);
void nl_attr_each_in(const struct nlattr *nest, nl_attr_fn fn, void *arg);
/* The same of those that stand one behind another at p. */
void nl_attr_each_at(const void *p, size_t len, nl_attr_fn fn, void *arg);

static inline uint16_t nl_attr_type(const struct nlattr *a)
{
	return (uint16_t)(a->nla_type & NLA_TYPE_MASK);
}

static inline size_t nl_attr_len(const struct nlattr *a)
{
	return a->nla_len - sizeof(*a);
}

static inline const void *nl_attr_data(const struct nlattr *a)
{
	return a + 1;
}

/* An attribute of at least four bytes. */
uint32_t nl_attr_u32(const struct nlattr *a);
/* Fills dst, which is filled by exactly its own size alone. */
bool nl_attr_get(const struct nlattr *a, void *dst, size_t size);
/* A text that ends where it must, else NULL; as long-lived as the message. */
const char *nl_attr_str(const struct nlattr *a);

/* The length of what is behind the message's netlink header. */
static inline size_t nl_payload_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len - NLMSG_HDRLEN;
}

static inline const void *nl_payload(const struct nlmsghdr *nlh)
{
	return (const uint8_t *)nlh + NLMSG_HDRLEN;
}
