/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For policy.t. `policy_try run DIR NAME CMD...` loads a compiled policy as the launcher does and
 * execs. `policy_try doors` knocks at each door by every ABI the processor offers and prints
 * "ABI DOOR ANSWER", where "kernel" means that the call got past any filter.
 *
 * Each knock is a call that the kernel itself refuses with another errno than a filter would, so
 * that the answer does not depend on which modules a machine has, and nothing is ever opened.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "box/seccomp.h"

#define BAD_TYPE 0x10000000 /* EINVAL before the family is looked at */
#define HIGH	 0x100000000L

static void say(const char *abi, const char *door, long got, int kernels)
{
	if (got == -kernels)
		printf("%s %s kernel\n", abi, door);
	else
		printf("%s %s %s\n", abi, door, got < 0 ? strerrorname_np((int)-got) : "done");
}

static long native(long nr, long a, long b, long c)
{
	long got = syscall(nr, a, b, c);

	return got < 0 ? -errno : got;
}

static void knock_native(void)
{
	static const struct {
		const char *name;
		long family;
	} families[] = {
		{"unix", 1},	{"inet", 2},	 {"inet6", 10},	    {"netlink", 16},
		{"packet", 17}, {"tipc", 30},	 {"bluetooth", 31}, {"alg", 38},
		{"vsock", 40},	{"qipcrtr", 42}, {"xdp", 44},	    {"vsock-high", 40 | HIGH},
		{"ipx", 4},	{"x25", 9},	 {"rds", 21},	    {"can", 29}};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		say("native", families[i].name, native(SYS_socket, families[i].family, BAD_TYPE, 0),
		    EINVAL);
	say("native", "tipc-pair", native(SYS_socketpair, 30, BAD_TYPE, 0), EINVAL);
	say("native", "netfilter", native(SYS_socket, 16, BAD_TYPE, 12), EINVAL);
	say("native", "generic", native(SYS_socket, 16, BAD_TYPE, 16), EINVAL);
	say("native", "tiocsti", native(SYS_ioctl, -1, 0x5412, 0), EBADF);
	say("native", "tiocsti-high", native(SYS_ioctl, -1, 0x5412 | HIGH, 0), EBADF);
	say("native", "tioclinux", native(SYS_ioctl, -1, 0x541c, 0), EBADF);
	say("native", "tcgets", native(SYS_ioctl, -1, 0x5401, 0), EBADF);
	say("native", "setns", native(SYS_setns, -1, 0, 0), EBADF);
	say("native", "io_uring", native(SYS_io_uring_register, -1, 999, 0), EINVAL);
	say("native", "unshare", native(SYS_unshare, 0x10000000 | 1, 0, 0), EINVAL);
	say("native", "newer", native(2000, 0, 0, 0), ENOSYS);
}

#if defined(__x86_64__)
/* The registers' upper halves go to the filter as they are, and the kernel ignores them. */
static long int80(long nr, long a, long b, long c)
{
	long got;

	__asm__ volatile("int $0x80"
			 : "=a"(got)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)got;
}

static void knock_i386(void)
{
	uint32_t *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (args == MAP_FAILED || int80(20, 0, 0, 0) != getpid()) {
		puts("i386 absent");
		return;
	}
	args[0] = 40;
	args[1] = BAD_TYPE;
	say("i386", "socketcall", int80(102, 1, (long)args, 0), EINVAL);
	say("i386", "socketcall-high", int80(102, 1 | HIGH, (long)args, 0), EINVAL);
	say("i386", "unix", int80(359, 1, BAD_TYPE, 0), EINVAL);
	say("i386", "vsock", int80(359, 40, BAD_TYPE, 0), EINVAL);
	say("i386", "vsock-high", int80(359, 40 | HIGH, BAD_TYPE, 0), EINVAL);
	say("i386", "ipx-high", int80(359, 4 | HIGH, BAD_TYPE, 0), EINVAL);
	say("i386", "alg", int80(359, 38, BAD_TYPE, 0), EINVAL);
	say("i386", "tiocsti", int80(54, -1, 0x5412, 0), EBADF);
	say("i386", "tiocsti-high", int80(54, -1, 0x5412 | HIGH, 0), EBADF);
	say("i386", "tioclinux", int80(54, -1, 0x541c, 0), EBADF);
	say("i386", "setns", int80(346, -1, 0, 0), EBADF);
	munmap(args, 4096);
}
#endif

static int run(char **argv)
{
	const char *const dirs[] = {argv[0], NULL};
	static struct box_policy p;
	struct err e = ERR_INIT;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    box_seccomp_read(dirs, argv[1], &p, &e) < 0 || box_seccomp_load(&p, &e) < 0) {
		fprintf(stderr, "policy_try: %s\n", e.msg);
		return 125;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "policy_try: cannot execute %s\n", argv[2]);
	return 127;
}

int main(int argc, char **argv)
{
	if (argc > 4 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	if (argc != 2 || strcmp(argv[1], "doors") != 0)
		return 2;
	knock_native();
#if defined(__x86_64__)
	knock_i386();
#endif
	return 0;
}
