/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing policy rules, ip-rule(8). Ours say that they are the kernel's: systemd-networkd deletes
 * all others that are not its own, when it starts and when a link changes. They are known by that
 * and by their priorities, where the kernel has none.
 */
#pragma once

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

#define RTNL_RULE_PROTOCOL RTPROT_KERNEL

struct rtnl_rule {
	uint8_t src[16], dst[16]; /* zeroed behind the address */
	uint8_t src_len, dst_len; /* prefix lengths, 0: any */
	uint8_t table;
	bool unreachable;    /* table unused */
	bool no_default;     /* of the table, what is found by its default routes does not count */
	bool nop;	     /* goes on with the next: a place for go_to to lead to */
	uint32_t go_to;	     /* a later priority, 0: none; table unused */
	uint32_t mark, mask; /* of the packet, mask 0: any */
	bool own;	     /* what this machine itself sends, and not what it forwards */
	bool has_uid;
	uint32_t uid;	/* of who sends it */
	uint8_t proto;	/* IPPROTO_..., 0: any */
	uint16_t sport; /* 0: any */
	int family;
	uint32_t priority;
};

bool rtnl_rule_equal(const struct rtnl_rule *a, const struct rtnl_rule *b);

/* Appended behind others of the same priority. */
int rtnl_rule_add(struct nl_sock *s, const struct rtnl_rule *r, struct err *e);
/* Absent: 0. */
int rtnl_rule_delete(struct nl_sock *s, const struct rtnl_rule *r, struct err *e);

struct rtnl_rules {
	struct rtnl_rule *at; /* the caller's room ... */
	int max;	      /* ... for as many */
	int n;
};
/* Ours of that family and priority, in their order. -E2BIG: there is no room for all. */
int rtnl_rule_list(struct nl_sock *s, int family, uint32_t priority, struct rtnl_rules *ret,
		   struct err *e);

/* The request alone, for batches: RTM_NEWRULE or RTM_DELRULE. */
void rtnl_put_rule(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rtnl_rule *r);

/* The priority of the first rule that is not ours and leads to that table. 1: found; 0: none. */
int rtnl_rule_find_other(struct nl_sock *s, int family, uint8_t table, uint32_t *ret_priority,
			 struct err *e);
