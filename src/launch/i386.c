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
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

#define PROTOCOLS_MAX 65536
#define CID_NONE      0xffffffffU
#define CID_LOCAL     1	    /* this machine's own loopback, of which nobody serves a network */
#define GET_LOCAL_CID 0x7b9 /* IOCTL_VM_SOCKETS_GET_LOCAL_CID */

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
	AUTO_CLOSE int fd = open("/dev/vsock", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint32_t cid;

	if (fd < 0 || ioctl(fd, GET_LOCAL_CID, &cid) < 0)
		return -errno;
	return cid;
}

const char *launch_reaches_beyond(void)
{
	AUTO_FREE char *protocols = NULL;
	/* The program's first such socket would load these, and more roads with them. */
	AUTO_CLOSE int probe = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (file_read("/proc/net/protocols", PROTOCOLS_MAX, &protocols, NULL, NULL) < 0)
		return "families that /proc/net/protocols does not show";
	return launch_reaches_by(protocols, probe < 0 ? CID_NONE : vsock_cid());
}

const char *launch_default_policy(const char *i386, bool strict)
{
	const char *beyond;

	if (!*i386)
		return strict ? "strict" : "default";
	beyond = strict ? NULL : launch_reaches_beyond();
	if (!strict && !beyond) {
		log_debug("'%.100s' is a 32-bit program: policy 'i386', which lets socketcall "
			  "through",
			  i386);
		return "i386";
	}
	log_info("'%.100s' is a 32-bit program, and most of them make their sockets by socketcall, "
		 "which is refused here: %s%s; to let it: --policy i386",
		 i386, strict ? "--strict" : "no sandbox holds back ", strict ? "" : beyond);
	return strict ? "strict" : "default";
}
