/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes into a file which doors of the kernel's are open to it: socket families that belong to no
 * network namespace, and system calls that go around a filter or a namespace.
 *
 *   families FILE
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try_socket(FILE *f, const char *name, int family, int type)
{
	int fd = socket(family, type, 0);

	/* What the kernel does not have is no open door; nor is it a shut one: EAFNOSUPPORT is
	 * what a filter of systemd's answers, too. */
	if (fd >= 0 || errno == EPERM || errno == EPROTONOSUPPORT)
		fprintf(f, "%s ", name);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "w") : NULL;

	if (!f) {
		fputs("usage: families FILE\n", stderr);
		return 2;
	}
	fputc(' ', f);
	try_socket(f, "unix", AF_UNIX, SOCK_STREAM);
	try_socket(f, "inet", AF_INET, SOCK_DGRAM);
	try_socket(f, "inet6", AF_INET6, SOCK_DGRAM);
	try_socket(f, "netlink", AF_NETLINK, SOCK_RAW);
	try_socket(f, "packet", AF_PACKET, SOCK_DGRAM);
	try_socket(f, "alg", 38, SOCK_SEQPACKET);
	try_socket(f, "vsock", 40, SOCK_STREAM);
	if (syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno != ENOSYS && errno != EPERM)
		fputs("io_uring ", f);
	if (syscall(SYS_keyctl, 6, -3, 0) >= 0 || (errno != EPERM && errno != ENOSYS))
		fputs("keyctl ", f);
	if (setns(-1, 0) < 0 && errno == EBADF)
		fputs("setns ", f);
	return fclose(f) == 0 ? 0 : 1;
}
