/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports that are published: as the user writes them, and as sockets that listen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RELAY_SPECS_MAX	    64
#define RELAY_LISTENERS_MAX (2 * RELAY_SPECS_MAX) /* 127.0.0.1 and ::1 */

struct relay_target {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t addr[16];
};

struct relay_spec {
	struct relay_target at; /* where it listens; none: on loopback, both families */
	struct relay_target to; /* of reach: what is reached; none: loopback */
	uint16_t listen;
	uint16_t target;
	bool udp;
	bool proxy;	/* the target is told who the client is, in a line before all else */
	bool strangers; /* come by it, though it may listen on loopback */
};

struct relay_specs {
	struct relay_spec at[RELAY_SPECS_MAX];
	size_t n;
};

/* "[ADDR:]PORT:PORT[/udp|/tcp|/proxy]" as the value of option; ADDR of IPv6 in brackets. Port 0 and
 * what is not an address are refused. */
int relay_spec_add(struct relay_specs *s, const char *option, const char *text, struct err *e);

/* The forms are "PORT", "INSIDE:PORT", "ADDR:PORT" and "INSIDE:ADDR:PORT", with /udp or /tcp behind
 * it. A name server elsewhere is refused: names go through the VPN. */
int relay_reach_add(struct relay_specs *s, const char *option, const char *text, struct err *e);

struct relay_listener {
	int fd; /* non-blocking, close-on-exec; -1: none */
	uint16_t target;
	bool udp;
	bool proxy;
	bool is_wide; /* strangers come by it: see struct relay */
	struct relay_target to;
};

struct relay_ports {
	struct relay_listener at[RELAY_LISTENERS_MAX];
	size_t n;
};

/* Whether one of them listens beyond loopback. */
bool relay_specs_are_wide(const struct relay_specs *s);

/* Opens the sockets in the caller's network namespace, all or none. whose is "the host's" or the
 * like, for the sentence. A host without IPv6 has no ::1: then 127.0.0.1 alone. */
int relay_listen(const struct relay_specs *s, const char *whose, struct relay_ports *ret,
		 struct err *e);
void relay_ports_close(struct relay_ports *p);
