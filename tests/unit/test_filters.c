/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filters of our own programs, run on paper: what the broker's two programs, the relay of ports
 * and the helper of a session could not do even if somebody took them over.
 */
#include "tap.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/nsfs.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/util.h"
#include "policy/sim.h"
#include "relay_filter.h"
#include "session_filter.h"
#include "vpnrund_filter.h"
#include "vpnrund_plug_filter.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "name the architecture"
#endif

struct filter {
	const char *name;
	const struct sock_filter *prog;
	size_t n;
	uint32_t no; /* what a call gets that is not listed */
};

static const struct filter broker = {"broker", vpnrund_filter, ARRAY_SIZE(vpnrund_filter),
				     SECCOMP_RET_KILL_PROCESS};
static const struct filter plugger = {"plugger", vpnrund_plug_filter,
				      ARRAY_SIZE(vpnrund_plug_filter), SECCOMP_RET_KILL_PROCESS};
static const struct filter relay = {"relay", relay_filter, ARRAY_SIZE(relay_filter),
				    SECCOMP_RET_KILL_PROCESS};
static const struct filter session = {"session", session_filter, ARRAY_SIZE(session_filter),
				      SECCOMP_RET_ERRNO | 1};

static uint32_t answer(const struct filter *f, uint32_t arch, int nr, uint64_t a, uint64_t b,
		       uint64_t c)
{
	struct seccomp_data d = {.nr = nr, .arch = arch, .args = {a, b, c}};

	return policy_sim(f->prog, f->n, &d);
}

static void may(const struct filter *f, const char *what, int nr, uint64_t a, uint64_t b,
		uint64_t c)
{
	ok(answer(f, ARCH, nr, a, b, c) == SECCOMP_RET_ALLOW, "%s: %s", f->name, what);
}

static void never(const struct filter *f, const char *what, int nr, uint64_t a, uint64_t b,
		  uint64_t c)
{
	ok(answer(f, ARCH, nr, a, b, c) == f->no, "%s: never %s", f->name, what);
}

/* What nobody of ours does. */
static void test_all(const struct filter *f)
{
	static const struct {
		const char *what;
		int nr;
	} calls[] = {
		{"execve", SYS_execve},
		{"execveat", SYS_execveat},
		{"ptrace", SYS_ptrace},
		{"process_vm_readv", SYS_process_vm_readv},
		{"process_vm_writev", SYS_process_vm_writev},
		{"pidfd_getfd", SYS_pidfd_getfd},
		{"setns", SYS_setns},
		{"unshare", SYS_unshare},
		{"mount", SYS_mount},
		{"move_mount", SYS_move_mount},
		{"open_tree", SYS_open_tree},
		{"pivot_root", SYS_pivot_root},
		{"chroot", SYS_chroot},
		{"bpf", SYS_bpf},
		{"io_uring_setup", SYS_io_uring_setup},
		{"userfaultfd", SYS_userfaultfd},
		{"keyctl", SYS_keyctl},
		{"init_module", SYS_init_module},
		{"finit_module", SYS_finit_module},
		{"kexec_load", SYS_kexec_load},
		{"openat2", SYS_openat2},
		{"open_by_handle_at", SYS_open_by_handle_at},
		{"memfd_create", SYS_memfd_create},
		{"linkat", SYS_linkat},
		{"symlinkat", SYS_symlinkat},
		{"mkdirat", SYS_mkdirat},
		{"mknodat", SYS_mknodat},
		{"fchmodat", SYS_fchmodat},
		{"fchownat", SYS_fchownat},
		{"truncate", SYS_truncate},
		{"setuid", SYS_setuid},
		{"setresuid", SYS_setresuid},
		{"seccomp", SYS_seccomp},
		{"listen", SYS_listen},
		{"socketpair", SYS_socketpair},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		never(f, calls[i].what, calls[i].nr, 0, 0, 0);
	never(f, "open to write", SYS_openat, 0, 0, O_WRONLY | O_CLOEXEC);
	never(f, "open to read and write", SYS_openat, 0, 0, O_RDWR);
	never(f, "open to create", SYS_openat, 0, 0, O_RDONLY | O_CREAT);
	never(f, "memory that is code", SYS_mmap, 0, 0, PROT_READ | PROT_EXEC);
	never(f, "memory that becomes code", SYS_mprotect, 0, 0, PROT_EXEC);
	never(f, "raw packets", SYS_socket, AF_PACKET, SOCK_RAW, 0);
	never(f, "AF_VSOCK", SYS_socket, AF_VSOCK, SOCK_STREAM, 0);
	never(f, "AF_ALG", SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
	never(f, "ioctl", SYS_ioctl, 0, 0x5412, 0); /* TIOCSTI */
	may(f, "memory", SYS_mmap, 0, 0, PROT_READ | PROT_WRITE);
	may(f, "its end", SYS_exit_group, 0, 0, 0);
	ok(answer(f, AUDIT_ARCH_I386, 11, 0, 0, 0) != SECCOMP_RET_ALLOW, "%s: never by int 0x80",
	   f->name);
	ok(answer(f, AUDIT_ARCH_I386, 102, 1, 0, 0) != SECCOMP_RET_ALLOW, "%s: never socketcall",
	   f->name);
#ifdef __x86_64__
	ok(answer(f, ARCH, 0x40000000 | SYS_read, 0, 0, 0) != SECCOMP_RET_ALLOW, "%s: never by x32",
	   f->name);
	never(f, "open(2) to write", SYS_open, 0, O_WRONLY, 0);
	never(f, "unlink", SYS_unlink, 0, 0, 0);
	never(f, "chmod", SYS_chmod, 0, 0, 0);
#endif
}

static void test_broker(void)
{
	const struct filter *f = &broker;

	may(f, "AF_UNIX", SYS_socket, AF_UNIX, SOCK_SEQPACKET, 0);
	may(f, "a pair for a worker", SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0);
	never(f, "route netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
	never(f, "netfilter's netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 12);
	never(f, "uevents", SYS_socket, AF_NETLINK, SOCK_DGRAM, 15);
	never(f, "bind", SYS_bind, 0, 0, 0);
	never(f, "capset", SYS_capset, 0, 0, 0);
	never(f, "AF_INET", SYS_socket, AF_INET, SOCK_STREAM, 0);
	never(f, "AF_INET6", SYS_socket, AF_INET6, SOCK_DGRAM, 0);
	may(f, "to open to read", SYS_openat, 0, 0, O_RDONLY | O_CLOEXEC);
	never(f, "to ask whose a namespace is", SYS_ioctl, 0, NS_GET_OWNER_UID, 0);
	may(f, "a child", SYS_clone, 0x11 /* SIGCHLD */, 0, 0);
	never(f, "a namespace by clone", SYS_clone, 0x40000000 /* CLONE_NEWNET */, 0, 0);
	never(f, "a user namespace by clone", SYS_clone, 0x10000000, 0, 0);
	ok(answer(f, ARCH, SYS_clone3, 0, 0, 0) != SECCOMP_RET_ALLOW, "broker: never clone3");
	never(f, "dumpable again by prctl's others", SYS_prctl, PR_SET_SECCOMP, 2, 0);
	never(f, "securebits", SYS_prctl, PR_SET_SECUREBITS, 0, 0);
	never(f, "unlinkat", SYS_unlinkat, 0, 0, 0);
	never(f, "renameat", SYS_renameat2, 0, 0, 0);
}

static void test_plugger(void)
{
	const struct filter *f = &plugger;

	may(f, "to hear a request", SYS_recvmsg, 0, 0, 0);
	may(f, "to answer", SYS_sendto, 0, 0, 0);
	may(f, "to open to read", SYS_openat, 0, 0, O_RDONLY | O_CLOEXEC);
	may(f, "to ask whose a namespace is", SYS_ioctl, 0, NS_GET_OWNER_UID, 0);
	never(f, "accept", SYS_accept, 0, 0, 0);
	never(f, "accept4", SYS_accept4, 0, 0, 0);
	never(f, "connect", SYS_connect, 0, 0, 0);
	never(f, "ppoll", SYS_ppoll, 0, 0, 0);
	never(f, "epoll", SYS_epoll_create1, 0, 0, 0);
	never(f, "epoll_pwait", SYS_epoll_pwait, 0, 0, 0);
	never(f, "pselect6", SYS_pselect6, 0, 0, 0);
	never(f, "a child", SYS_clone, 0x11 /* SIGCHLD */, 0, 0);
	never(f, "a child by clone3", SYS_clone3, 0, 0, 0);
	never(f, "kill", SYS_kill, 1, 9, 0);
	never(f, "to sleep", SYS_nanosleep, 0, 0, 0);
	never(f, "to sleep by a clock", SYS_clock_nanosleep, 0, 0, 0);
	never(f, "descriptors fro", SYS_sendmsg, 0, 0, 0);
	never(f, "capset", SYS_capset, 0, 0, 0);
	never(f, "prctl", SYS_prctl, PR_SET_DUMPABLE, 1, 0);
	never(f, "AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	never(f, "AF_INET", SYS_socket, AF_INET, SOCK_STREAM, 0);
	never(f, "route netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
	never(f, "netfilter's netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 12);
	never(f, "another netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 16);
	never(f, "bind", SYS_bind, 0, 0, 0);
	never(f, "setsockopt", SYS_setsockopt, 0, 0, 0);
#ifdef __x86_64__
	never(f, "fork", SYS_fork, 0, 0, 0);
	never(f, "vfork", SYS_vfork, 0, 0, 0);
	never(f, "poll", SYS_poll, 0, 0, 0);
	never(f, "select", SYS_select, 0, 0, 0);
#endif
}

static void test_relay(void)
{
	const struct filter *f = &relay;

	may(f, "AF_INET", SYS_socket, AF_INET, SOCK_STREAM, 0);
	may(f, "AF_INET6", SYS_socket, AF_INET6, SOCK_DGRAM, 0);
	may(f, "to carry bytes", SYS_splice, 0, 0, 0);
	never(f, "AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	never(f, "netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
	never(f, "open to read", SYS_openat, 0, 0, O_RDONLY);
	never(f, "descriptors to and fro", SYS_sendmsg, 0, 0, 0);
	never(f, "descriptors fro", SYS_recvmsg, 0, 0, 0);
	may(f, "to choose where it comes from", SYS_bind, 0, 0, 0);
	never(f, "listen", SYS_listen, 0, 0, 0);
	never(f, "a child", SYS_clone, 0x11, 0, 0);
	never(f, "kill", SYS_kill, 1, 9, 0);
	never(f, "unlinkat", SYS_unlinkat, 0, 0, 0);
}

static void test_session(void)
{
	const struct filter *f = &session;

	may(f, "AF_UNIX", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	may(f, "to open to read", SYS_openat, 0, 0, O_RDONLY | O_CLOEXEC);
	may(f, "to take its own socket away", SYS_unlinkat, 0, 0, 0);
	may(f, "to end its bus", SYS_kill, 1, 15, 0);
	may(f, "descriptors to and fro", SYS_recvmsg, 0, 0, 0);
	never(f, "AF_INET", SYS_socket, AF_INET, SOCK_STREAM, 0);
	never(f, "AF_INET6", SYS_socket, AF_INET6, SOCK_DGRAM, 0);
	never(f, "netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
	never(f, "bind", SYS_bind, 0, 0, 0);
	never(f, "a child", SYS_clone, 0x11, 0, 0);
	never(f, "a child by clone3", SYS_clone3, 0, 0, 0);
	never(f, "prctl", SYS_prctl, PR_SET_DUMPABLE, 1, 0);
#ifdef __x86_64__
	never(f, "fork", SYS_fork, 0, 0, 0);
	never(f, "vfork", SYS_vfork, 0, 0, 0);
#endif
}

int main(void)
{
	tap_begin();
	test_all(&broker);
	test_all(&plugger);
	test_all(&relay);
	test_all(&session);
	test_broker();
	test_plugger();
	test_relay();
	test_session();
	return tap_done();
}
