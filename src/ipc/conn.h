/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of ipc/proto.h over a connected socket. The receiving side of the broker is in two
 * steps, because a descriptor is installed by the very recvmsg(2) that reads it and a hostile one
 * can block whoever closes it: the request is first read without its descriptor, and the
 * descriptor only taken from those who may use what they ask for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ipc/proto.h"

/* Fills a request; -EINVAL if vpn is no possible name. */
int conn_request_init(struct proto_request *ret, enum proto_op op, const char *vpn, struct err *e);

/* Pure. -EPROTO: another version, which deserves an answer; -EBADMSG: nonsense. */
int conn_request_check(const void *data, size_t len, struct proto_request *ret, struct err *e);
int conn_reply_check(const void *data, size_t len, struct proto_reply *ret, struct err *e);

int conn_request_send(int sock, const struct proto_request *req, int fd, struct err *e);

/* Waits at most timeout_ms for a request, checks it and leaves it in the queue: no descriptor is
 * installed. -ETIME: none came; -EPIPE: the client went away. */
int conn_request_peek(int sock, int timeout_ms, struct proto_request *ret, struct err *e);

/* Takes the message that conn_request_peek() saw. At most one descriptor is ever installed; none,
 * or more than one in the message: -EBADMSG. *ret_fd is the caller's on failure, too, unless it is
 * -1: a stranger's descriptor may be one that to close takes for ever. */
int conn_request_take(int sock, int *ret_fd, struct err *e);

int conn_reply_send(int sock, const struct proto_reply *reply); /* never blocks */
int conn_reply_recv(int sock, int timeout_ms, struct proto_reply *ret, struct err *e);

/* Ends the conversation: the peer can send no more, and what it sent already is thrown away here,
 * so that no later close(2) of this socket, by anyone, has to put a stranger's descriptor. */
void conn_finish(int sock);

/* The place that a client asks from. Only who is in the host's own network may ask for a namespace
 * that lies deeper than one user namespace: from within a sandbox nobody may be a client. */
enum peer_place {
	PEER_UNKNOWN, /* the kernel cannot tell */
	PEER_HERE,
	PEER_ELSEWHERE,
};

/* The one who asks, from the socket and never from the message: as of connect(2). */
struct peer {
	uid_t uid;
	uid_t owner; /* the user who stands behind it: for shares and limits, never for rights */
	gid_t gid;
	pid_t pid; /* for the log only: it may be another process by now */
	enum peer_place place;
	gid_t *groups; /* supplementary ones; owned */
	size_t n_groups;
};

/* Must be called once, before the first conn_peer_get(): remembers the caller's own network. */
void conn_remember_place(void);

/* SO_PEERCRED, SO_NETNS_COOKIE and /etc/subuid. */
int conn_peer_get(int sock, struct peer *ret, struct err *e);
/* SO_PEERGROUPS; none if the kernel does not tell. */
void conn_peer_groups(int sock, struct peer *p);
void conn_peer_free(struct peer *p);
