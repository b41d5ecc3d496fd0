/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's price of one launch, as a whole process: what no launcher can go below. Started as
 * the ordinary user, it makes the same namespaces, gets the same cable, sets the same addresses and
 * routes and executes the command. `floor full` adds the mounts, the namespace's sysctls, the
 * dropping of capabilities and the loading of the filter, in the order in which vpnrun does it.
 *
 * It checks nothing, and so must never be used for anything but measuring. The veth needs
 * privilege: the benchmark holds it (cable.h). Called by bench.c.
 *
 *   floor bare|full POLICY-DIRECTORY COMMAND...
 */
#include "cable.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "box/seccomp.h"
#include "nl/msg.h"

#define LO_INDEX    1
#define SECURE_BITS ((SECURE_ALL_BITS | SECURE_ALL_LOCKS) & ~SECBIT_KEEP_CAPS)
#define CABLE_INDEX 2 /* of the only other device in a new namespace */

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void put_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		die(path);
	close(fd);
}

/* Before the cable comes. */
static void set_network(void)
{
	char range[32];

	snprintf(range, sizeof(range), "%u %u", getgid(), getgid());
	put_file("/proc/sys/net/ipv4/ping_group_range", range);
	put_file("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
}

static void new_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		die(path);
	close(fd);
}

/* --- namespaces and the cable ---------------------------------------------------------------- */

static void enter(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0)
		die("unshare");
	put_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	put_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	put_file("/proc/self/gid_map", map);
}

static void ask(void)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = {0};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &netns, sizeof(netns));
	if (netns < 0 || sendmsg(CABLE_FD, &msg, 0) < 0)
		die("cable");
	close(netns);
}

static void take(struct cable *c)
{
	if (recv(CABLE_FD, c, sizeof(*c), 0) != (ssize_t)sizeof(*c))
		die("cable");
	errno = -c->error;
	if (c->error)
		die("cable");
	close(CABLE_FD);
}

/* --- addresses and routes: one batch --------------------------------------------------------- */

static void put_up(struct nl_msg *m, int ifindex)
{
	struct ifinfomsg ifi = {.ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	size_t spec, inet6;

	nl_msg_begin(m, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (ifindex == LO_INDEX)
		return;
	spec = nl_nest(m, IFLA_AF_SPEC);
	inet6 = nl_nest(m, AF_INET6);
	nl_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(m, inet6);
	nl_nest_end(m, spec);
}

static void put_addr_and_route(struct nl_msg *m, uint8_t family, const void *addr, uint8_t plen,
			       const void *gateway, size_t len)
{
	struct ifaddrmsg ifa = {
		.ifa_family = family,
		.ifa_prefixlen = plen,
		.ifa_index = CABLE_INDEX,
	};
	struct rtmsg rt = {
		.rtm_family = family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = RTNH_F_ONLINK,
	};

	nl_msg_begin(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));
	nl_put(m, IFA_LOCAL, addr, len);
	nl_put(m, IFA_ADDRESS, addr, len);
	nl_put_u32(m, IFA_FLAGS, IFA_F_NOPREFIXROUTE | (family == AF_INET6 ? IFA_F_NODAD : 0));
	nl_msg_begin(m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &rt, sizeof(rt));
	nl_put(m, RTA_GATEWAY, gateway, len);
	nl_put_u32(m, RTA_OIF, CABLE_INDEX);
}

static void read_acks(int fd, unsigned int want)
{
	uint8_t buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));

	while (want) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0)
			die("netlink");
		for (size_t at = 0; at + NLMSG_HDRLEN <= (size_t)n; want--) {
			const struct nlmsghdr *h = (const void *)(buf + at);
			const struct nlmsgerr *ne = (const void *)(buf + at + NLMSG_HDRLEN);

			errno = h->nlmsg_type == NLMSG_ERROR ? -ne->error : EPROTO;
			if (errno)
				die("addresses");
			at += NLMSG_ALIGN(h->nlmsg_len);
		}
	}
}

static void configure(const struct cable *c)
{
	struct sockaddr_nl sa = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int one = 1;
	struct nl_msg m;

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("netlink");
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	nl_msg_init(&m);
	put_up(&m, LO_INDEX);
	put_up(&m, CABLE_INDEX);
	if (c->has4)
		put_addr_and_route(&m, AF_INET, &c->addr4, c->plen4, &c->gateway4,
				   sizeof(c->addr4));
	if (c->has6)
		put_addr_and_route(&m, AF_INET6, &c->addr6, 64, &c->gateway6, sizeof(c->addr6));
	if (send(fd, m.buf, m.len, 0) < 0)
		die("netlink");
	read_acks(fd, m.count);
	close(fd);
}

/* --- the full floor: mounts, capabilities, filter -------------------------------------------- */

static void bind_over(const char *src, const char *dst)
{
	if (mount(src, dst, NULL, MS_BIND | MS_REC, NULL) < 0)
		die(dst);
}

/* What src/ns/view.c and src/ns/etc.c do to a tree in which nothing is special. */
static void hide(void)
{
	static const char *const carried[] = {"media", "mount", "udev"};
	const unsigned long flags = MS_NOSUID | MS_NODEV;
	int run = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int sys = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char src[64], dst[64];

	if (run < 0 || sys < 0)
		die("/run, /sys");
	if (mount("tmpfs", "/run", "tmpfs", flags, "mode=0755,size=16m") < 0 ||
	    mkdir("/run/etc", 0755) < 0 || mkdir("/run/run", 0755) < 0)
		die("/run");
	new_file("/run/etc/resolv.conf", "nameserver 10.64.0.1\nnameserver fd64:64::1\n");
	new_file("/run/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
	if (mount("overlay", "/etc", "overlay", MS_RDONLY | flags, "lowerdir=/run/etc:/etc") < 0)
		die("/etc");
	if (mount("/run/run", "/run", NULL, MS_BIND, NULL) < 0)
		die("/run");
	snprintf(src, sizeof(src), "/proc/self/fd/%d/user/%u", run, getuid());
	snprintf(dst, sizeof(dst), "/run/user/%u", getuid());
	if (access(src, F_OK) == 0) {
		if (mkdir("/run/user", 0755) < 0 || mkdir(dst, 0755) < 0)
			die(dst);
		bind_over(src, dst);
	}
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		snprintf(src, sizeof(src), "/proc/self/fd/%d/%s", run, carried[i]);
		snprintf(dst, sizeof(dst), "/run/%s", carried[i]);
		if (access(src, F_OK) == 0 && mkdir(dst, 0755) == 0)
			bind_over(src, dst);
	}
	if (mkdir("/run/lock", 01777) < 0 || symlink("/dev/shm", "/run/shm") < 0)
		die("/run");
	if (mount("sysfs", "/sys", "sysfs", flags | MS_NOEXEC, NULL) < 0)
		die("/sys");
	snprintf(src, sizeof(src), "/proc/self/fd/%d/fs/cgroup", sys);
	if (access(src, F_OK) == 0)
		bind_over(src, "/sys/fs/cgroup");
	close(run);
	close(sys);
}

static void drop(const char *policies)
{
	static struct box_policy policy;
	const char *const dirs[] = {policies, NULL};
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	struct err e = ERR_INIT;

	if (box_seccomp_read(dirs, "default", &policy, &e) < 0) {
		fprintf(stderr, "floor: %s\n", e.msg);
		_exit(125);
	}
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("capabilities");
	if (box_seccomp_load(&policy, &e) < 0) {
		fprintf(stderr, "floor: %s\n", e.msg);
		_exit(125);
	}
}

int main(int argc, char **argv)
{
	struct cable c;
	bool full;

	if (argc < 4) {
		fprintf(stderr, "usage: floor bare|full POLICY-DIRECTORY COMMAND...\n");
		return 125;
	}
	full = !strcmp(argv[1], "full");
	enter();
	if (full)
		set_network();
	ask();
	/* As the launcher does: the cable is made meanwhile. */
	if (full)
		hide();
	take(&c);
	configure(&c);
	if (full)
		drop(argv[2]);
	execvp(argv[3], argv + 3);
	die(argv[3]);
}
