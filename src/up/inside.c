/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins three things that the kernel knows: the ports of the bridge, the id by which the VPN's
 * namespace calls the namespace at a port's other end, and which process is in which namespace.
 * Everything is a snapshot: processes may end while it is taken, and what is gone is left out.
 * Must never enter a user's namespace. Called by `vpnctl status`, `kick` and `down`.
 */
#include "up/inside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/same.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "conf/model.h"
#include "state/sandbox.h"

#define SETTLE_MS 2000

void inside_free(struct inside *in)
{
	free(in->leases);
	free(in->services);
	memset(in, 0, sizeof(*in));
}

/* --- ports ----------------------------------------------------------------------------------- */

static int by_host(const void *a, const void *b)
{
	const struct inside_lease *x = a, *y = b;

	return x->h < y->h ? -1 : x->h > y->h;
}

/* To have asked is not enough where the file opens nothing any more. */
static bool has_lan(const struct record *r, bool asked)
{
	return (r->flags & RECORD_LAN) && (asked || r->layout == LAYOUT_BRIDGE);
}

int inside_read_leases(const struct record *r, int vpn_netns_fd, struct inside *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct lease_pool pool = record_pool(r);
	struct inside in = {0};
	size_t n = 0;
	int rc = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, e);

	if (rc == 0)
		rc = rtnl_link_list_counted(&s, &links, &n, e);
	if (rc < 0)
		return rc;
	in.leases = calloc(n + 1, sizeof(*in.leases));
	if (!in.leases)
		return err_sys(e, -ENOMEM, "cannot hold %zu ports", n);
	for (size_t i = 0; i < n; i++) {
		struct inside_lease *l = &in.leases[in.n_leases];
		uint32_t h = lease_from_port(&pool, links[i].name);

		if (!h)
			continue;
		lease_port(&pool, h, l->port);
		l->h = h;
		l->uid = lease_owner(links[i].group);
		l->is_lan = has_lan(r, links[i].group & LEASE_LAN);
		l->peer_nsid = links[i].peer_nsid;
		/* What the port sends is what the program receives. */
		l->counted = true;
		l->rx = links[i].tx_bytes;
		l->tx = links[i].rx_bytes;
		l->ip4 = lease_ip4(&pool, h);
		l->ip6 = lease_ip6(&pool, h);
		in.n_leases++;
	}
	qsort(in.leases, in.n_leases, sizeof(*in.leases), by_host);
	*ret = in;
	return 0;
}

/* --- processes ------------------------------------------------------------------------------- */

struct proc {
	dev_t ns_dev;
	ino_t ns_ino;
	uint64_t start; /* clock ticks since boot */
	pid_t pid;
};

struct procs {
	struct proc *at;
	size_t n, room;
};

/* Field 22 of /proc/PID/stat; the second field may hold anything, blanks and brackets too. */
static int read_start(int proc_fd, const char *pid, uint64_t *ret)
{
	AUTO_CLOSE int fd = -1;
	char path[32], buf[1024], *at;
	ssize_t n;

	str_fmt(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	at = strrchr(buf, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EPROTO;
	*ret = strtoull(at + 1, NULL, 10);
	return 0;
}

static int add_proc(struct procs *all, int proc_fd, const char *pid)
{
	struct proc p = {.pid = (pid_t)strtol(pid, NULL, 10)};
	char path[32];
	struct stat st;

	str_fmt(path, sizeof(path), "%s/ns/net", pid);
	if (fstatat(proc_fd, path, &st, 0) < 0 || read_start(proc_fd, pid, &p.start) < 0)
		return 0; /* ended meanwhile, or a zombie */
	p.ns_dev = st.st_dev;
	p.ns_ino = st.st_ino;
	if (all->n == all->room) {
		size_t room = all->room ? all->room * 2 : 512;
		struct proc *bigger = reallocarray(all->at, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		all->at = bigger;
		all->room = room;
	}
	all->at[all->n++] = p;
	return 0;
}

static int by_namespace_and_age(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	if (x->ns_ino != y->ns_ino)
		return x->ns_ino < y->ns_ino ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* All processes with their namespaces, the oldest of each namespace first. */
static int read_procs(struct procs *ret, struct err *e)
{
	struct procs all = {0};
	DIR *d = opendir("/proc");
	struct dirent *de;
	int r = 0;

	if (!d)
		return err_sys(e, -errno, "cannot open /proc");
	while (r == 0 && (de = readdir(d)))
		if (isdigit((unsigned char)de->d_name[0]) && strlen(de->d_name) <= 10)
			r = add_proc(&all, dirfd(d), de->d_name);
	closedir(d);
	if (r < 0) {
		free(all.at);
		return err_sys(e, r, "cannot list the processes");
	}
	if (all.n)
		qsort(all.at, all.n, sizeof(*all.at), by_namespace_and_age);
	*ret = all;
	return 0;
}

static uint32_t read_uid(pid_t pid)
{
	uint64_t uid;

	return child_status(pid, "Uid", 10, &uid) < 0 ? UINT32_MAX : (uint32_t)uid;
}

static void describe(pid_t pid, struct inside_process *ret)
{
	struct inside_process p = {.pid = pid, .uid = read_uid(pid)};
	AUTO_CLOSE int fd = -1;
	char path[32];
	ssize_t n;

	str_fmt(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, p.comm, sizeof(p.comm) - 1);
	if (n > 0 && p.comm[n - 1] == '\n')
		p.comm[n - 1] = '\0';
	/* The program chose it, and it is going to a terminal. */
	for (char *c = p.comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	*ret = p;
}

static int open_proc_netns(pid_t pid)
{
	char path[32];

	str_fmt(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* The nsid of the namespace that pid is in, if it is still that one. */
static int find_nsid(struct nl_sock *s, const struct proc *p, int *ret)
{
	AUTO_CLOSE int fd = open_proc_netns(p->pid);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !same_numbers(&st, p->ns_dev, p->ns_ino))
		return -ESRCH;
	return rtnl_nsid_get(s, fd, ret, NULL);
}

static void join_leases(struct inside *in, int nsid, pid_t pid)
{
	for (size_t i = 0; i < in->n_leases; i++)
		if (in->leases[i].peer_nsid == nsid && in->leases[i].process.pid == 0)
			describe(pid, &in->leases[i].process);
}

static int add_service(struct inside *in, pid_t pid)
{
	struct inside_process *more = reallocarray(in->services, in->n_services + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	in->services = more;
	describe(pid, &more[in->n_services++]);
	return 0;
}

static int join(struct inside *in, struct nl_sock *s, const struct procs *all,
		const struct stat *vpn, bool is_own_netns)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct proc *p = &all->at[i];
		int nsid = -1;

		if (same_numbers(vpn, p->ns_dev, p->ns_ino)) {
			/* Who lives in the host's namespace is not inside. */
			if (!is_own_netns)
				continue;
			if (add_service(in, p->pid) < 0)
				return -ENOMEM;
			continue;
		}
		if (i > 0 && all->at[i - 1].ns_ino == p->ns_ino)
			continue; /* the oldest stands for its namespace */
		if (in->n_leases && find_nsid(s, p, &nsid) == 0 && nsid >= 0)
			join_leases(in, nsid, p->pid);
	}
	return 0;
}

int inside_read(const struct record *r, int vpn_netns_fd, struct inside *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct inside in = {0};
	struct procs all = {0};
	struct stat vpn;
	/* The ports first: to name the other end, the kernel gives it an id. */
	int rc = inside_read_leases(r, vpn_netns_fd, &in, e);

	if (rc == 0 && fstat(vpn_netns_fd, &vpn) < 0)
		rc = err_sys(e, -errno, "cannot stat the namespace of %s", r->name);
	rc = rc ?: ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, e);
	rc = rc ?: read_procs(&all, e);
	if (rc == 0 && join(&in, &s, &all, &vpn, r->layout != LAYOUT_BRIDGE) < 0)
		rc = err_sys(e, -ENOMEM, "cannot list who is inside %s", r->name);
	free(all.at);
	if (rc < 0) {
		inside_free(&in);
		return rc;
	}
	*ret = in;
	return 0;
}

static size_t count_left(const struct record *r, int vpn_netns_fd)
{
	struct inside in;
	size_t n = 0;

	if (inside_read(r, vpn_netns_fd, &in, NULL) < 0)
		return 0;
	for (size_t i = 0; i < in.n_leases; i++)
		n += in.leases[i].process.pid == 0;
	inside_free(&in);
	return n;
}

void inside_settle(const struct record *r, int vpn_netns_fd)
{
	const struct timespec look = {.tv_nsec = 20000000};
	int64_t end = util_now_ms() + SETTLE_MS;

	while (count_left(r, vpn_netns_fd) && util_now_ms() < end)
		nanosleep(&look, NULL);
}

/* --- one's own ------------------------------------------------------------------------------- */

/* The counters of the cable's other end, which the program's own namespace shows to its user. A
 * cable that was given another name is not found. */
static void count_own(pid_t pid, struct inside_lease *l)
{
	AUTO_FREE char *text = NULL;
	char path[32];
	const char *at;

	str_fmt(path, sizeof(path), "/proc/%d/net/dev", pid);
	if (file_read(path, 65536, &text, NULL, NULL) < 0)
		return;
	at = strstr(text, " " LEASE_CABLE ":");
	/* Bytes are the first of eight columns of what came, and of eight of what went. */
	l->counted = at && sscanf(at + strlen(" " LEASE_CABLE ":"),
				  "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &l->rx,
				  &l->tx) == 2;
}

static int add_own(struct inside *in, const struct record *r, pid_t pid)
{
	struct lease_pool pool = record_pool(r);
	struct inside_lease l = {.peer_nsid = -1}, *more;
	struct sandbox s;

	if (sandbox_look_at(pid, &s) != 1 || s.id != r->id || strcmp(s.vpn, r->name) != 0)
		return 0;
	for (uint32_t h = 2; h <= lease_max(&pool) && !l.h; h++)
		if (lease_ip4(&pool, h).s_addr == s.ip4.s_addr)
			l.h = h;
	if (!l.h)
		return 0;
	more = reallocarray(in->leases, in->n_leases + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	in->leases = more;
	lease_port(&pool, l.h, l.port);
	l.ip4 = s.ip4;
	l.ip6 = lease_ip6(&pool, l.h);
	describe(pid, &l.process);
	count_own(pid, &l);
	l.uid = l.process.uid;
	l.is_lan = has_lan(r, s.lan);
	more[in->n_leases++] = l;
	return 0;
}

int inside_read_own(const struct record *r, struct inside *ret, struct err *e)
{
	struct inside in = {0};
	struct procs all = {0};
	int rc = read_procs(&all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (i == 0 || all.at[i - 1].ns_ino != all.at[i].ns_ino)
			rc = add_own(&in, r, all.at[i].pid);
	free(all.at);
	if (rc < 0) {
		inside_free(&in);
		return err_sys(e, rc, "cannot list who is inside %s", r->name);
	}
	if (in.n_leases)
		qsort(in.leases, in.n_leases, sizeof(*in.leases), by_host);
	*ret = in;
	return 0;
}

/* --- kick ------------------------------------------------------------------------------------ */

static int nsid_of_pid(struct nl_sock *s, int vpn_netns_fd, int64_t pid, int *ret, struct err *e)
{
	AUTO_CLOSE int fd = open_proc_netns((pid_t)pid);
	struct stat theirs, vpn;

	if (fd < 0)
		return errno == ENOENT
			       ? err_set(e, -ESRCH, "there is no process %lld", (long long)pid)
			       : err_sys(e, -errno, "cannot look at process %lld", (long long)pid);
	if (fstat(fd, &theirs) == 0 && fstat(vpn_netns_fd, &vpn) == 0 && same_stat(&theirs, &vpn))
		return err_set(e, -EINVAL,
			       "process %lld lives in the VPN's own namespace: it has no cable",
			       (long long)pid);
	if (rtnl_nsid_get(s, fd, ret, NULL) < 0)
		*ret = -1;
	return 0;
}

int inside_kick(const struct record *r, int vpn_netns_fd, int64_t uid, int64_t pid, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct inside in = {0};
	int nsid = -1, n = 0;
	int rc = inside_read_leases(r, vpn_netns_fd, &in, e);

	if (rc == 0)
		rc = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, e);
	if (rc == 0 && pid >= 0)
		rc = nsid_of_pid(&s, vpn_netns_fd, pid, &nsid, e);
	for (size_t i = 0; rc == 0 && i < in.n_leases; i++) {
		const struct inside_lease *l = &in.leases[i];

		if (pid >= 0 ? nsid < 0 || l->peer_nsid != nsid : uid != (int64_t)l->uid)
			continue;
		rc = rtnl_link_delete(&s, RTNL_HERE, l->port, e);
		if (rc == 0)
			n++;
		else if (rc == -ENODEV) /* its owner has ended meanwhile */
			rc = 0;
	}
	inside_free(&in);
	return rc < 0 ? rc : n;
}
