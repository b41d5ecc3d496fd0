/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both kinds of traffic stand on this: what is waited for, and sockets to the other side. Private
 * to relay/.
 */
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

#include "relay/relay.h"

enum relay_kind { RELAY_END, RELAY_LISTENER, RELAY_CONN, RELAY_PEER };

/* A slot may be used anew within one batch of events: generation tells the two apart. */
struct relay_key {
	uint8_t kind;
	uint8_t side;
	uint16_t generation;
	uint32_t index;
};

/* Must be called before all else in here. */
int relay_watch_open(void);
int relay_watch_wait(struct epoll_event *ret, int max, int timeout_ms); /* as epoll_wait(2) */

int relay_watch(int fd, uint32_t events, struct relay_key key);

/* A socket connected to a target of that listener's, or connecting; -errno, -ENOENT: there is no
 * such target. */
int relay_connect(const struct relay *r, const struct relay_listener *l, size_t target);
