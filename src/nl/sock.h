/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A netlink socket belongs to the network namespace that its thread was in when it was opened, and
 * keeps it. One per family and namespace; close-on-exec; extended and capped acks, strict checks.
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "nl/msg.h"

struct nl_sock {
	int fd;	       /* -1: closed */
	uint32_t port; /* ours, by which the kernel addresses answers */
	uint32_t seq;
	bool has_secrets; /* answers hold keys: wiped after they were read */
};

#define NL_SOCK_INIT            \
	{                       \
		-1, 0, 0, false \
	}

int nl_sock_open(struct nl_sock *s, int family /* NETLINK_ROUTE, ... */, struct err *e);
/* Takes a netlink socket that was opened elsewhere; fd is closed on failure, too. */
int nl_sock_adopt(struct nl_sock *s, int fd, struct err *e);
void nl_sock_close(struct nl_sock *s); /* accepts a closed one */
#define AUTO_NL_SOCK __attribute__((cleanup(nl_sock_close)))

/* Sends every request in m at once and reads until the last is acknowledged. The first failure is
 * returned, and e is the system's text for it with the kernel's own sentence (extended ack) where
 * there is one: wrap it with what was tried. Requests after a failed one are still carried out by
 * the kernel. Blocks. */
int nl_call(struct nl_sock *s, struct nl_msg *m, struct err *e);

/* The same for a batch of nfnetlink, whose last message only ends it and is not answered. */
int nl_call_batch(struct nl_sock *s, struct nl_msg *m, struct err *e);

/* fn is called for each message of the answer; a non-zero return ends the reading with that. */
typedef int (*nl_fn)(const struct nlmsghdr *nlh, void *arg);

/* One request that is answered by one message and an ack. -ENODATA if none came. */
int nl_query(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e);

/* One dump request (the caller sets NLM_F_DUMP). -EINTR: the table changed meanwhile and what was
 * collected must be thrown away. */
int nl_dump(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e);

/* The same until a whole table was read, a few times at most: each time, begin throws away what was
 * collected before. */
struct nl_table {
	void (*begin)(void *arg); /* NULL: nothing is collected */
	nl_fn fn;
	void *arg;
};
int nl_read_table(struct nl_sock *s, struct nl_msg *m, const struct nl_table *t, struct err *e);
