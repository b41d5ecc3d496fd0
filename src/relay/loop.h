/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loop shares with the two kinds of traffic. Private to relay/.
 */
#pragma once

#include <stdint.h>

#include "relay/relay.h"

enum relay_kind { RELAY_END, RELAY_LISTENER, RELAY_CONN, RELAY_PEER };

/* A slot may be used anew within one batch of events: generation tells the two apart. */
struct relay_key {
	uint8_t kind;
	uint8_t side;
	uint16_t generation;
	uint32_t index;
};

int relay_watch(int fd, uint32_t events, struct relay_key key);

/* A socket connected to target of r, or connecting; -errno. type: SOCK_STREAM, SOCK_DGRAM. */
int relay_connect(const struct relay *r, size_t target, int type, uint16_t port);

/* TCP: at most max connections at once. */
void tcp_init(const struct relay *r, unsigned int max);
void tcp_accept(size_t listener);
void tcp_event(struct relay_key key, uint32_t events);
bool tcp_work(void); /* what was left undone for fairness; true: there is more */

/* UDP. */
void udp_init(const struct relay *r);
void udp_from_client(size_t listener);
void udp_from_target(struct relay_key key);
int udp_expire(void); /* milliseconds to the next, -1: none */
