/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled policies at launch: found, read whole, checked, loaded. Nothing is parsed and nothing
 * allocated.
 */
#pragma once

#include "base/policyfile.h"
#include "base/err.h"

struct box_policy {
	struct policy_header header;
	struct sock_filter insns[POLICY_INSNS_MAX];
	char more[8]; /* where a byte too many would land */
};

/* Reads NAME.bpf from the first of dirs (NULL at the end) that has it. A file that is there and is
 * not whole is an error, never a reason to look further. ret is 32 KiB: mind the stack. */
int box_seccomp_read(const char *const dirs[], const char *name, struct box_policy *ret,
		     struct err *e);

/* Confines the calling thread and all it becomes. no_new_privs must be set. */
int box_seccomp_load(const struct box_policy *p, struct err *e);

/* The same for a program that is part of the executable. */
int box_seccomp_load_program(const struct sock_filter *insns, size_t n, struct err *e);
