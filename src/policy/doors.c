/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leads out of a network namespace, or out of a sandbox, by system calls: the table behind
 * `vpnctl policy check`. Arguments of 32 bits are tried with high bits set too: the kernel drops
 * those and a 64-bit comparison sees them, which is how filters are bypassed.
 *
 * Must never be the only place that closes anything: the policies in policy/seccomp do that.
 */
#include "policy/doors.h"

#include <linux/seccomp.h>

#include "base/util.h"
#include "policy/compile.h"
#include "policy/sim.h"

#define HIGH	(1ULL << 32)
#define NEWUSER 0x10000000U

const struct policy_door policy_doors[] = {
	{"socketcall",
	 "makes sockets whose family no filter sees",
	 {{"socketcall", {1, 0, 0}}, {"socketcall", {8, 0, 0}}}},
	{"TIOCSTI",
	 "types commands into the shell outside, through the shared terminal",
	 {{"ioctl", {0, 0x5412, 0}},
	  {"ioctl", {0, 0x5412 | HIGH, 0}},
	  {"ioctl", {0, ~0xffffabedULL, 0}}}},
	{"TIOCLINUX",
	 "pastes into the shell outside, on a text console",
	 {{"ioctl", {0, 0x541c, 0}},
	  {"ioctl", {0, 0x541c | HIGH, 0}},
	  {"ioctl", {0, ~0xffffabe3ULL, 0}}}},
	{"io_uring",
	 "makes sockets that no filter sees",
	 {{"io_uring_setup", {0}}, {"io_uring_enter", {0}}, {"io_uring_register", {0}}}},
	{"setns", "enters another network namespace by a descriptor", {{"setns", {3, 0, 0}}}},
	{"keyrings",
	 "keys and keyrings are shared with the user's programs outside",
	 {{"keyctl", {0}}, {"add_key", {0}}, {"request_key", {0}}}},
	{"user namespaces",
	 NULL,
	 {{"unshare", {NEWUSER, 0, 0}}, {"clone", {NEWUSER, 0, 0}}, {"clone3", {0}}}},
	{"mounts",
	 NULL,
	 {{"mount", {0}},
	  {"umount2", {0}},
	  {"pivot_root", {0}},
	  {"fsopen", {0}},
	  {"move_mount", {0}},
	  {"open_tree", {0}},
	  {"mount_setattr", {0}}}},
	{"chroot", NULL, {{"chroot", {0}}}},
	{"tracing (ptrace)", NULL, {{"ptrace", {0}}}},
	{"others' memory", NULL, {{"process_vm_readv", {0}}, {"process_vm_writev", {0}}}},
	{"others' descriptors", NULL, {{"pidfd_getfd", {0}}}},
	{"bpf", NULL, {{"bpf", {0}}}},
	{"perf_event_open", NULL, {{"perf_event_open", {0}}}},
	{"userfaultfd", NULL, {{"userfaultfd", {0}}}},
	{"files by handle", NULL, {{"open_by_handle_at", {0}}}},
	{"kernel modules, kexec",
	 NULL,
	 {{"init_module", {0}},
	  {"finit_module", {0}},
	  {"delete_module", {0}},
	  {"kexec_load", {0}},
	  {"kexec_file_load", {0}}}},
	{"reboot, swap, clock",
	 NULL,
	 {{"reboot", {0}},
	  {"swapon", {0}},
	  {"swapoff", {0}},
	  {"settimeofday", {0}},
	  {"clock_settime", {0}},
	  {"clock_settime64", {0}}}},
	{"kernel log", NULL, {{"syslog", {3, 0, 0}}}},
};
const size_t policy_doors_count = ARRAY_SIZE(policy_doors);

static uint32_t rank(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return 4;
	case SECCOMP_RET_LOG:
		return 3;
	case SECCOMP_RET_ERRNO:
		return 2;
	case SECCOMP_RET_TRAP:
		return 1;
	default:
		return 0;
	}
}

static bool lets(uint32_t action)
{
	return rank(action) >= 3;
}

bool policy_door_state(const struct sock_filter *prog, size_t n, uint32_t abi,
		       const struct policy_door *door, uint32_t *ret)
{
	uint32_t best = SECCOMP_RET_KILL_PROCESS;
	bool any = false;

	for (size_t i = 0; i < DOOR_CALLS && door->calls[i].name; i++) {
		struct seccomp_data d = {.arch = abi};
		uint32_t got;

		d.nr = policy_syscall_number(abi, door->calls[i].name);
		if (d.nr < 0)
			continue;
		for (int k = 0; k < 3; k++)
			d.args[k] = door->calls[i].args[k];
		got = policy_sim(prog, n, &d);
		if (!any || rank(got) > rank(best))
			best = got;
		any = true;
	}
	if (any)
		*ret = best;
	return any;
}

bool policy_abi_runs(const struct sock_filter *prog, size_t n, uint32_t abi)
{
	struct seccomp_data d = {.arch = abi, .nr = 0x3fffffff};

	return (policy_sim(prog, n, &d) & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_KILL_PROCESS;
}

const char *policy_family_name(unsigned family)
{
	static const char *const names[DOOR_FAMILIES] = {
		[1] = "unix",	   [2] = "inet",       [3] = "ax25",	    [4] = "ipx",
		[5] = "appletalk", [6] = "netrom",     [7] = "bridge",	    [8] = "atmpvc",
		[9] = "x25",	   [10] = "inet6",     [11] = "rose",	    [12] = "decnet",
		[14] = "security", [15] = "key",       [16] = "netlink",    [17] = "packet",
		[18] = "ash",	   [19] = "econet",    [20] = "atmsvc",	    [21] = "rds",
		[22] = "sna",	   [23] = "irda",      [24] = "pppox",	    [25] = "wanpipe",
		[26] = "llc",	   [27] = "ib",	       [28] = "mpls",	    [29] = "can",
		[30] = "tipc",	   [31] = "bluetooth", [32] = "iucv",	    [33] = "rxrpc",
		[34] = "isdn",	   [35] = "phonet",    [36] = "ieee802154", [37] = "caif",
		[38] = "alg",	   [39] = "nfc",       [40] = "vsock",	    [41] = "kcm",
		[42] = "qipcrtr",  [43] = "smc",       [44] = "xdp",	    [45] = "mctp",
	};

	return family < DOOR_FAMILIES ? names[family] : NULL;
}

const char *policy_netlink_name(unsigned protocol)
{
	static const char *const names[DOOR_NETLINKS] = {
		[0] = "route",	 [2] = "usersock",    [3] = "firewall",	       [4] = "sock_diag",
		[5] = "nflog",	 [6] = "xfrm",	      [7] = "selinux",	       [8] = "iscsi",
		[9] = "audit",	 [10] = "fib_lookup", [11] = "connector",      [12] = "netfilter",
		[13] = "ip6_fw", [14] = "dnrtmsg",    [15] = "kobject_uevent", [16] = "generic",
		[18] = "scsi",	 [19] = "ecryptfs",   [20] = "rdma",	       [21] = "crypto",
		[22] = "smc",
	};

	return protocol < DOOR_NETLINKS ? names[protocol] : NULL;
}

struct socket_call {
	const char *name; /* "socket", "socketpair" */
	unsigned family, protocol;
};

static bool socket_open(const struct sock_filter *prog, size_t n, uint32_t abi,
			const struct socket_call *call)
{
	static const unsigned types[] = {1, 2, 3, 5}; /* stream, datagram, raw, seqpacket */
	struct seccomp_data d = {.arch = abi};

	d.nr = policy_syscall_number(abi, call->name);
	if (d.nr < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (unsigned high = 0; high < 8; high++) {
			d.args[0] = call->family | (high & 1 ? HIGH : 0);
			d.args[1] = types[i] | (high & 2 ? HIGH : 0);
			d.args[2] = call->protocol | (high & 4 ? HIGH : 0);
			if (lets(policy_sim(prog, n, &d)))
				return true;
		}
	return false;
}

bool policy_family_open(const struct sock_filter *prog, size_t n, uint32_t abi, unsigned family)
{
	/* 3 is ETH_P_ALL, CAN_ISOTP-like and HCI numbers are as small: a filter may turn on it. */
	return socket_open(prog, n, abi, &(struct socket_call){"socket", family, 0}) ||
	       socket_open(prog, n, abi, &(struct socket_call){"socket", family, 3}) ||
	       (family != 0 &&
		socket_open(prog, n, abi, &(struct socket_call){"socketpair", family, 0}));
}

bool policy_netlink_open(const struct sock_filter *prog, size_t n, uint32_t abi, unsigned protocol)
{
	return socket_open(prog, n, abi, &(struct socket_call){"socket", 16, protocol});
}

bool policy_family_contained(unsigned family)
{
	return family == 1 || family == 2 || family == 10 || family == 16;
}

bool policy_netlink_contained(unsigned protocol)
{
	return protocol == 0 || protocol == 4 || protocol == 15;
}
