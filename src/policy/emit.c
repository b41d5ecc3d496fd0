/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes classic BPF backwards into a fixed buffer. A conditional jump reaches 255 instructions;
 * what lies further gets a copy of its RET, or a JA, right behind the jump. Short programs matter:
 * the kernel checks, converts and compiles every instruction at each launch.
 *
 * Knows nothing of policies. Called by compile.c only.
 */
#include "policy/emit.h"

#define REACH 255U
/* A RET is shared while it is near enough that jumps to it will hardly need a copy. */
#define SHARE 200U

void emit_init(struct emit *a)
{
	a->pos = POLICY_INSNS_MAX;
	a->overflow = false;
	a->n_rets = 0;
}

static unsigned put(struct emit *a, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
	if (a->pos == 0) {
		a->overflow = true;
		a->pos = POLICY_INSNS_MAX;
	}
	a->code[--a->pos] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
	return a->pos;
}

unsigned emit_ret(struct emit *a, uint32_t action)
{
	unsigned i = 0;

	while (i < a->n_rets && a->rets[i].k != action)
		i++;
	if (i < a->n_rets && a->rets[i].at - a->pos < SHARE)
		return a->rets[i].at;
	if (i == a->n_rets) {
		if (i == EMIT_RETS)
			return put(a, BPF_RET | BPF_K, action, 0, 0);
		a->n_rets++;
	}
	a->rets[i].k = action;
	a->rets[i].at = put(a, BPF_RET | BPF_K, action, 0, 0);
	return a->rets[i].at;
}

unsigned emit_load(struct emit *a, uint32_t offset)
{
	return put(a, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

unsigned emit_and(struct emit *a, uint32_t mask)
{
	return put(a, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
}

/* A label for target that the next instruction can jump to. */
static unsigned reach(struct emit *a, unsigned target)
{
	if (target - a->pos <= REACH)
		return target;
	if (a->code[target].code == (BPF_RET | BPF_K))
		return emit_ret(a, a->code[target].k);
	return put(a, BPF_JMP | BPF_JA, target - a->pos, 0, 0);
}

void emit_goto(struct emit *a, unsigned target)
{
	if (target != a->pos)
		put(a, BPF_JMP | BPF_JA, target - a->pos, 0, 0);
}

unsigned emit_jump(struct emit *a, unsigned op, uint32_t k, unsigned yes, unsigned no)
{
	unsigned before;

	if (yes == no)
		return yes;
	do {
		before = a->pos;
		yes = reach(a, yes);
		no = reach(a, no);
	} while (a->pos != before && !a->overflow);
	return put(a, BPF_JMP | op | BPF_K, k, yes - before, no - before);
}
