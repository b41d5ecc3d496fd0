/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seccomp policy as its OCI runtime-spec file (linux.seccomp) says it: pure data, one rule for
 * each system call name. Several arguments in one rule must all match; several rules are
 * alternatives.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define POLICY_FILE_MAX (1U << 20)

enum policy_op { POLICY_EQ, POLICY_NE, POLICY_LT, POLICY_LE, POLICY_GT, POLICY_GE, POLICY_MASKED };

struct policy_arg {
	unsigned index; /* 0..5 */
	enum policy_op op;
	uint64_t value;	    /* POLICY_MASKED: the mask */
	uint64_t value_two; /* POLICY_MASKED: what must remain */
};

struct policy_rule {
	char *name;
	size_t entry;	 /* its place in "syscalls", for messages */
	uint32_t action; /* SECCOMP_RET_* with its data */
	size_t n_args;
	struct policy_arg args[6];
};

#define POLICY_ARCHS_MAX 24

struct policy {
	uint32_t default_action;
	uint32_t load_flags;		  /* SECCOMP_FILTER_FLAG_* */
	uint32_t archs[POLICY_ARCHS_MAX]; /* SCMP_ARCH_* tokens */
	size_t n_archs;
	struct policy_rule *rules;
	size_t n_rules;
	char **warnings; /* whole sentences */
	size_t n_warnings;
};

/* Reads the text of a policy. Strict: a key this project does not know is refused, because skipping
 * it could turn "never" into "always"; only "comment" is free. file is for messages. */
int policy_oci_parse(const char *file, const char *text, size_t len, struct policy *ret,
		     struct err *e);

/* Reads an OCI process.capabilities object; the bounding set is the result, and no other set may
 * have more. Bit N of *ret is capability N. */
int policy_caps_parse(const char *file, const char *text, size_t len, uint64_t *ret, struct err *e);

/* "cap_chown cap_kill", or "no capability"; cut where it does not fit. */
void policy_caps_words(uint64_t caps, char *buf, size_t size);

/* Adds a sentence to p->warnings; -ENOMEM. */
int policy_warn(struct policy *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Accepts a zeroed p. */
void policy_free(struct policy *p);
