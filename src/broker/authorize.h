/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may attach what. Every refusal is a sentence for the user.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/accounts.h"
#include "state/record.h"

/* Who asks, from the socket and never from the message: as of connect(2). */
struct peer {
	uid_t uid;
	uid_t owner; /* the user who stands behind it: for shares and limits, never for rights */
	gid_t gid;
	pid_t pid;     /* for the log only: it may be another process by now */
	gid_t *groups; /* supplementary ones; owned */
	size_t n_groups;
};

/* SO_PEERCRED, and /etc/subuid. */
int authorize_peer_get(int sock, struct peer *ret, struct err *e);
/* SO_PEERGROUPS; none if the kernel does not tell. */
void authorize_peer_groups(int sock, struct peer *p);
void authorize_peer_free(struct peer *p);

/* The VPN exists and is up. */
int authorize_vpn(const char *name, struct record *ret, struct err *e);

/* Pure: whether the record's lists let that peer in, by those files. */
bool authorize_is_allowed(const struct record *r, const struct accounts *a, const struct peer *p);

/* The same by the files of this moment, with the sentence. */
int authorize_user(const struct record *r, const struct peer *p, struct err *e);

/* The ports that the request asks to open are sound, and the VPN's file lets its users. */
struct proto_request;
int authorize_expose(const struct record *r, const struct proto_request *req, struct err *e);

/* To be called before the broker confines itself: remembers its own namespaces. */
int authorize_init(struct err *e);

/* fd is a network namespace, and the own one of the peer that sock leads to. */
int authorize_netns(int fd, int sock, const struct record *r, const struct peer *p, struct err *e);
