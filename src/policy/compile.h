/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes of a policy one BPF program for every ABI that programs of a machine can use.
 */
#pragma once

#include "base/policyfile.h"
#include "policy/oci.h"

struct policy_program {
	struct policy_header header;
	struct sock_filter insns[POLICY_INSNS_MAX];
};

/* The ABIs beside native (an AUDIT_ARCH_* value) that the same kernel runs: at most 3 are written
 * to ret, native first, x32 as libseccomp's token. */
size_t policy_abis(uint32_t native, uint32_t ret[3]);
const char *policy_abi_name(uint32_t abi);

/* Number of a system call in an ABI, -1 if it has none. */
int policy_syscall_number(uint32_t abi, const char *name);

/* The highest number of an ABI that this build knows; all above are answered ENOSYS. */
unsigned policy_syscall_highest(uint32_t abi);

struct policy_target {
	const char *name;
	uint32_t native; /* the architecture that it is for */
	uint64_t root_caps;
};

/* Adds to p->warnings. name goes into the header. */
int policy_compile(struct policy *p, const struct policy_target *t, struct policy_program *ret,
		   struct err *e);

/* Bytes of the file. */
size_t policy_program_size(const struct policy_program *prog);
