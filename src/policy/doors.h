/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The doors that a policy can close, asked of the compiled program, not of the text: each is a few
 * calls, and is open if any of them would be let through.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOOR_CALLS 8

struct policy_door {
	const char *name;
	const char *danger; /* what it leads to, if vpnrun's own policies never leave it open */
	struct {
		const char *name;
		uint64_t args[3];
	} calls[DOOR_CALLS]; /* up to a NULL name */
};

extern const struct policy_door policy_doors[];
extern const size_t policy_doors_count;

/* What the kernel would answer at that door: SECCOMP_RET_* of the most permissive of its calls.
 * False if the ABI has none of them. */
bool policy_door_state(const struct sock_filter *prog, size_t n, uint32_t abi,
		       const struct policy_door *door, uint32_t *ret);

/* Whether programs of the ABI run at all. */
bool policy_abi_runs(const struct sock_filter *prog, size_t n, uint32_t abi);

#define DOOR_FAMILIES 46 /* AF_MCTP and below */
#define DOOR_NETLINKS 23

/* NULL where the number has no family. */
const char *policy_family_name(unsigned family);
const char *policy_netlink_name(unsigned protocol);

/* Whether any kind of socket of the family, or of that netlink protocol, can be made. */
bool policy_family_open(const struct sock_filter *prog, size_t n, uint32_t abi, unsigned family);
bool policy_netlink_open(const struct sock_filter *prog, size_t n, uint32_t abi, unsigned protocol);

/* The families and protocols that programs in a network namespace need, and that stay inside it. */
bool policy_family_contained(unsigned family);
bool policy_netlink_contained(unsigned protocol);
