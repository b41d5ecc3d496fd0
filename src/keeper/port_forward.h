/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port that a provider forwards, asked for by NAT-PMP and kept. Part of a VPN's supervisor; the
 * two files of state/forwarded.h are all that is remembered.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "keeper/port_forward_hook.h"
#include "state/record.h"

#define FORWARD_FDS 2

struct forwarder {
	const char *name;
	struct record record; /* natpmp_gateway 0: nothing to do */
	int fd;		      /* in the VPN's namespace, while asking; -1: not asking */
	int asking;	      /* index of the one that is asked for: 1 (UDP), then 0 (TCP) */
	int tries;
	int64_t at; /* when to do something next, ms; 0: never */
	uint16_t ports[2], answer[2];
	uint32_t lifetime_s;
	int64_t expires_at; /* 0: no port */
	int64_t refresh_at; /* when to try the firewall again, which failed; 0: it is right */
	bool has_epoch, remap;
	uint32_t epoch;
	int64_t epoch_at;
	bool said; /* what is in NAME.natpmp */
	struct forward_hook hook;
};

void forwarder_init(struct forwarder *f, const char *name);
/* `up` has written the firewall and then the record: sets the open ports again, asks at once. */
void forwarder_reread(struct forwarder *f, int vpn_netns_fd);
void forwarder_close(struct forwarder *f);

/* Tells what to wait for, and how long at most (-1: for ever). */
void forwarder_poll(const struct forwarder *f, struct pollfd ret[FORWARD_FDS], int *ret_timeout_ms);
bool forwarder_is_due(const struct forwarder *f);
void forwarder_step(struct forwarder *f, int vpn_netns_fd);
