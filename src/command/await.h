/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VPNs that have come up, and are of use only when their servers answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/model.h"
#include "up/answer.h"

struct await {
	struct profile p;
	struct far_answer answer;
	bool begun;
	bool said; /* that it is waited for, or that it answers */
};

/* Has the VPN called, which is up; takes the profile over, whose keys are needed for that. */
void await_begin(struct await *a, struct profile *p);
/* Waits for all of them, ten seconds at most, and says of each that it is up, and whether its
 * server answers, and if not, what the usual causes are. Frees them. */
void await_all(struct await *all, size_t n);
