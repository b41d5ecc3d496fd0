/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sandbox.h. What decides is the kernel's: the network namespace is the very one of the record,
 * and it has the VPN's cable, whose hardware address holds the VPN's number (nobody but root can
 * give the host's own namespace such a device), or, without a network, no device that is up. So a
 * record that somebody made up, or an inherited environment, never makes the clear network pass
 * for the VPN's. Called by the launcher and vpnctl.
 */
#include "state/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"
#include "state/lease.h"

#define SANDBOX_MAGIC 0x58425356u /* "VSBX" */
#define NET_DEV_MAX   (256u * 1024u)

int sandbox_write(struct sandbox s, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	s.magic = SANDBOX_MAGIC;
	s.size = sizeof(s);
	if (stat("/proc/self/ns/net", &st) < 0)
		return err_sys(e, -errno, "cannot look at the sandbox's network namespace");
	s.netns_dev = st.st_dev;
	s.netns_ino = st.st_ino;
	fd = open(SANDBOX_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make " SANDBOX_FILE);
	r = fd_write_all(fd, &s, sizeof(s));
	/* The caller's umask must not hide it from who else is inside. */
	if (r == 0 && fchmod(fd, 0444) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(e, r, "cannot write " SANDBOX_FILE);
	/* The program inside has the same uid, and /run is its own: a mount is what it cannot
	 * remove, rename or write, so nobody who joins later is told of a weaker sandbox. */
	if (mount(SANDBOX_FILE, SANDBOX_FILE, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, SANDBOX_FILE, NULL,
		  MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_sys(e, -errno, "cannot protect " SANDBOX_FILE);
	return 0;
}

/* 0: no such file. 1: a whole record. */
static int read_record(const char *path, struct sandbox *ret, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot read " SANDBOX_FILE);
	n = read(fd, ret, sizeof(*ret));
	if (n != sizeof(*ret) || ret->magic != SANDBOX_MAGIC || ret->size != sizeof(*ret) ||
	    !memchr(ret->vpn, '\0', sizeof(ret->vpn)) ||
	    !memchr(ret->policy, '\0', sizeof(ret->policy)) ||
	    (ret->id ? !str_is_vpn_name(ret->vpn) : strcmp(ret->vpn, "none") != 0))
		return err_set(e, -ESTALE,
			       SANDBOX_FILE " is not the record of a sandbox of this version's");
	return 1;
}

static bool has_cable(int sock, uint8_t id)
{
	const struct lease_pool pool = {.id = id, .plen = 24};
	struct ifreq ifr = {.ifr_name = LEASE_CABLE};
	uint8_t mac[6];

	lease_mac(&pool, 0, mac);
	return ioctl(sock, SIOCGIFHWADDR, &ifr) == 0 && memcmp(ifr.ifr_hwaddr.sa_data, mac, 4) == 0;
}

/* Whether a line of /proc/net/dev names a device other than lo that is up. */
static bool is_way_out(int sock, char *line)
{
	struct ifreq ifr = {0};
	char *colon = strchr(line, ':');

	if (!colon)
		return false;
	*colon = '\0';
	line += strspn(line, " ");
	if (!strcmp(line, "lo"))
		return false;
	if (str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), line) < 0 ||
	    ioctl(sock, SIOCGIFFLAGS, &ifr) < 0)
		return true;
	return ifr.ifr_flags & IFF_UP;
}

static bool has_no_network(int sock)
{
	AUTO_FREE char *text = NULL;
	char *line, *save;

	if (file_read("/proc/self/net/dev", NET_DEV_MAX, &text, NULL, NULL) < 0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (is_way_out(sock, line))
			return false;
	return true;
}

int sandbox_look(struct sandbox *ret, struct err *e)
{
	AUTO_CLOSE int sock = -1;
	struct sandbox s;
	struct stat st;
	int r = read_record(SANDBOX_FILE, &s, e);

	if (r <= 0)
		return r;
	if (stat("/proc/self/ns/net", &st) < 0 || !same_numbers(&st, s.netns_dev, s.netns_ino))
		return err_set(e, -ESTALE,
			       "this is inside a sandbox of '%s', but in another network than its "
			       "own",
			       s.vpn);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_sys(e, -errno, "cannot ask the kernel for the sandbox's devices");
	if (s.id ? !has_cable(sock, s.id) : !has_no_network(sock))
		return err_set(e, -ESTALE,
			       s.id ? "this is inside a sandbox of '%s', whose cable is gone"
				    : "this is inside a sandbox of '%s', which has a network all "
				      "the same",
			       s.vpn);
	*ret = s;
	return 1;
}

int sandbox_look_at(int pid, struct sandbox *ret)
{
	char path[64];
	struct sandbox s;
	struct stat st;

	str_fmt(path, sizeof(path), "/proc/%d/root" SANDBOX_FILE, pid);
	if (read_record(path, &s, NULL) != 1)
		return 0;
	str_fmt(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st) < 0 || !same_numbers(&st, s.netns_dev, s.netns_ino))
		return 0;
	*ret = s;
	return 1;
}
