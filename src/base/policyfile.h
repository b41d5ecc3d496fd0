/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file format of a compiled policy (NAME.bpf): this header, then n_insns times struct
 * sock_filter, nothing else. Written by the compiler (src/policy), read at every launch by the
 * loader (src/box), which therefore parses nothing. Native byte order: a file is for one machine.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MAGIC	"VPNRPOL"
#define POLICY_VERSION	1
#define POLICY_NAME_MAX 32 /* [a-z0-9-], without the NUL */

/* The kernel's own limit for one program. */
#define POLICY_INSNS_MAX BPF_MAXINSNS

struct policy_header {
	char magic[8];
	uint32_t version;
	uint32_t arch;			/* AUDIT_ARCH_* of the programs it is for */
	char name[POLICY_NAME_MAX + 8]; /* NUL-padded */
	uint32_t n_insns;
	uint32_t load_flags; /* SECCOMP_FILTER_FLAG_* for seccomp(2) */
	uint64_t root_caps;  /* what a command started by root keeps: bit N is capability N */
};

_Static_assert(sizeof(struct policy_header) == 72, "part of the file format");

/* The only flags a policy may ask for: the others would open a listener or a hole. */
#define POLICY_LOAD_FLAGS (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

#if defined(__x86_64__) && !defined(__ILP32__)
#define POLICY_ARCH 0xc000003eU
#elif defined(__i386__)
#define POLICY_ARCH 0x40000003U
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define POLICY_ARCH 0xc00000b7U
#elif defined(__arm__) && defined(__ARMEL__)
#define POLICY_ARCH 0x40000028U
#elif defined(__riscv) && __riscv_xlen == 64
#define POLICY_ARCH 0xc00000f3U
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define POLICY_ARCH 0xc0000015U
#elif defined(__s390x__)
#define POLICY_ARCH 0x80000016U
#elif defined(__loongarch64)
#define POLICY_ARCH 0xc0000102U
#else
#define POLICY_ARCH 0U
#endif
_Static_assert(POLICY_ARCH != 0, "unknown architecture: add its value from linux/audit.h");

/* 1 to 32 of [a-z0-9-], not starting with '-', not "none". */
static inline bool policy_name_ok(const char *s)
{
	size_t n = 0;

	if (s[0] == '-' || (s[0] == 'n' && s[1] == 'o' && s[2] == 'n' && s[3] == 'e' && !s[4]))
		return false;
	for (; s[n]; n++)
		if (n >= POLICY_NAME_MAX ||
		    !((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '-'))
			return false;
	return n > 0;
}
