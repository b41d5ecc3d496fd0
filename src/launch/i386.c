/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the policy of a 32-bit program. socketcall(2) passes the family of a socket in memory, so
 * it is let through whole or not at all. What it can reach then must be shut by other means: the
 * network namespace holds back all but few families, and of those that it does not, the machine
 * must have none in use. Must never widen the policy of any other program. Called by launch/run.c
 * before the namespaces are made.
 */
#include "launch/i386.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define PROTOCOLS_MAX 65536
#define CID_NONE      0xffffffffU
#define CID_LOCAL     1	    /* this machine's own loopback, of which nobody serves a network */
#define GET_LOCAL_CID 0x7b9 /* IOCTL_VM_SOCKETS_GET_LOCAL_CID */

#if defined(__x86_64__)

/* Opens what execvp(3) would run; -1: it would not, or may not be read. */
static int open_program(const char *command)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(command, '/') || !path)
		return open(command, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	while (*path) {
		size_t len = strcspn(path, ":");
		struct stat st;
		int fd = -1;

		if (len > 0 && len < sizeof(file) &&
		    str_fmt(file, sizeof(file), "%.*s/%s", (int)len, path, command) > 0)
			fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return fd;
		util_close(&fd);
		path += len + (path[len] == ':');
	}
	return -1;
}

bool launch_is_i386(const char *command)
{
	AUTO_CLOSE int fd = open_program(command);
	unsigned char head[20];

	/* The magic number, 32 bits, and at 18 the machine: 3, the lower half first. */
	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
	       memcmp(head, "\177ELF\1", 5) == 0 && head[18] == 3 && head[19] == 0;
}

#else

bool launch_is_i386(const char *command)
{
	(void)command;
	return false;
}

#endif

static bool is_listed(const char *protocols, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = protocols; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && (line[len] == ' ' || line[len] == '\t'))
			return true;
	}
	return false;
}

const char *launch_reaches_by(const char *protocols, long long vsock_cid)
{
	if (is_listed(protocols, "AF_VSOCK") && vsock_cid != CID_NONE && vsock_cid != CID_LOCAL)
		return "AF_VSOCK between virtual machines and their host";
	if (is_listed(protocols, "QIPCRTR"))
		return "AF_QIPCRTR to the processors of a modem or a wireless card";
	return NULL;
}

/* -errno where nobody may ask: then it is not known to lead nowhere. */
static long long vsock_cid(void)
{
	AUTO_CLOSE int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
	uint32_t cid;

	if (fd < 0 || ioctl(fd, GET_LOCAL_CID, &cid) < 0)
		return -errno;
	return cid;
}

const char *launch_reaches_beyond(void)
{
	AUTO_FREE char *protocols = NULL;
	/* What the program's first such socket would load, and more roads with it. */
	AUTO_CLOSE int probe = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (file_read("/proc/net/protocols", PROTOCOLS_MAX, &protocols, NULL, NULL) < 0)
		return "families that /proc/net/protocols does not show";
	return launch_reaches_by(protocols, probe < 0 ? CID_NONE : vsock_cid());
}

const char *launch_default_policy(const char *command, bool strict)
{
	const char *beyond;

	if (!launch_is_i386(command))
		return strict ? "strict" : "default";
	beyond = strict ? NULL : launch_reaches_beyond();
	if (!strict && !beyond) {
		log_debug("'%.100s' is a 32-bit program: policy 'i386', which lets socketcall "
			  "through",
			  command);
		return "i386";
	}
	log_info("'%.100s' is a 32-bit program, and most of them make their sockets by socketcall, "
		 "which is refused here: %s%s; to let it: --policy i386",
		 command, strict ? "--strict" : "no sandbox holds back ", strict ? "" : beyond);
	return strict ? "strict" : "default";
}
