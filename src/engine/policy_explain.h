/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled policy in words.
 */
#pragma once

#include "base/policyfile.h"

/* To stdout; warnings of doors left open to stderr, with file before them. */
void policy_explain(const char *file, const struct policy_header *header,
		    const struct sock_filter *insns);
