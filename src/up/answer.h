/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the far end of a VPN that has just come up answers. Asks for a handshake and looks for
 * it; what was seen is written down for everybody (state/health.h). Root.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/model.h"
#include "state/record.h"
#include "tunnel/tunnel_dev.h"

enum answer_state {
	ANSWER_NOBODY, /* no peer has an endpoint: whoever is there calls us */
	ANSWER_WAITING,
	ANSWER_YES,
	ANSWER_NO_WAY, /* this machine has no route to the endpoint */
};

struct far_answer {
	struct record record;
	int ns_fd;
	int64_t begun_ms; /* CLOCK_MONOTONIC */
	enum answer_state state;
	struct tunnel_stats stats; /* of the last look */
};

/* The VPN is up: has it call its peers. Closed by answer_end(), also when it has failed. */
int answer_begin(const struct profile *p, struct far_answer *ret, struct err *e);
/* Looks once; never waits. */
void answer_look(struct far_answer *a);
/* Writes down what was seen last. */
void answer_end(struct far_answer *a);

#define ANSWER_INIT         \
	{                   \
		.ns_fd = -1 \
	}
