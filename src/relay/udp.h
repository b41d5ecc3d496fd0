/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams: each sender has a socket of its own on the other side, for as long as it is used.
 * Private to relay/.
 */
#pragma once

#include "relay/relay.h"
#include "relay/watch.h"

void udp_init(const struct relay *r);
void udp_from_client(size_t listener);
void udp_from_target(struct relay_key key);
int udp_expire(void); /* milliseconds to the next, -1: none */
