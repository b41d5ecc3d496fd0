/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: each is two sockets, and what is on its way between them. Private to relay/.
 */
#pragma once

#include "relay/relay.h"
#include "relay/watch.h"

/* Holds at most max connections at once. */
void tcp_init(const struct relay *r, unsigned int max);
void tcp_accept(size_t listener);
void tcp_event(struct relay_key key, uint32_t events);
bool tcp_work(void); /* what was left undone for fairness; true: there is more */
