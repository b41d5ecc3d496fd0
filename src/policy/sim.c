/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interpreter of the part of classic BPF that seccomp programs use. `vpnctl policy check` asks
 * the compiled program itself what it closes, not the text it came from, and the tests compare two
 * programs call by call.
 *
 * Must never read outside the program or the data. Not linked into vpnrun or the broker.
 */
#include "policy/sim.h"

#include <string.h>

uint32_t policy_sim(const struct sock_filter *prog, size_t n, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &prog[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > sizeof(*data) - 4 || i->k % 4)
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}
