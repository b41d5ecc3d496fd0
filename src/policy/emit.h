/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An assembler for classic BPF that works from the last instruction to the first: jumps only go
 * forward, so every target is known when a jump is written.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/policyfile.h"

#define EMIT_RETS 32

struct emit {
	struct sock_filter code[POLICY_INSNS_MAX];
	unsigned pos;  /* of the first instruction so far: a "label" is such a position */
	bool overflow; /* sticky; checked once at the end */
	struct {
		uint32_t k;
		unsigned at;
	} rets[EMIT_RETS];
	unsigned n_rets;
};

void emit_init(struct emit *a);

/* Each returns the label of what it wrote, or of something equal that exists already. */
unsigned emit_ret(struct emit *a, uint32_t action);
unsigned emit_load(struct emit *a, uint32_t offset);
unsigned emit_and(struct emit *a, uint32_t mask);
/* op: BPF_JEQ, BPF_JGT or BPF_JGE against k. */
unsigned emit_jump(struct emit *a, unsigned op, uint32_t k, unsigned yes, unsigned no);
/* Makes what is written next (before it) fall through to target. */
void emit_goto(struct emit *a, unsigned target);
