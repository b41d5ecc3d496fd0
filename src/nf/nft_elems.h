/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of a set whose keys are numbers that no text of nft can say, such as those of control
 * groups that are mounted elsewhere than libnftables looks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

struct nft_set_name {
	const char *table, *set; /* of the family inet */
};

/* The set holds these and no others, in one transaction. A key is as the kernel has it. */
int nft_set_fill(struct nl_sock *s, const struct nft_set_name *name, const uint64_t *keys, size_t n,
		 struct err *e);
