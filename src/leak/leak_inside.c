/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See leak_inside.h. In the namespaces of somebody else's process nothing is run and no library is
 * loaded: its files are not ours. What looks around there has that process's user and no
 * capability, because more would see doors that the process has not, and could be turned. Called
 * by leak/leak_test.c.
 */
#include "leak/leak_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/child.h"
#include "base/same.h"
#include "base/util.h"
#include "box/caps.h"
#include "conf/model.h"

#define ARGS_MAX   (LEAK_ADDR_MAX + 8)
#define LOOK_MS	   10000
#define LOOK_BYTES (4u << 20)

/* The name servers that the host itself asks: what a leaking program would reach first. */
static int host_servers(char ret[][INET6_ADDRSTRLEN], int max)
{
	AUTO_FREE char *text = NULL;
	char *line, *rest;
	struct in6_addr a;
	int n = 0;

	if (file_read("/etc/resolv.conf", 65536, &text, NULL, NULL) < 0)
		return 0;
	for (rest = text; n < max && (line = strsep(&rest, "\n"));) {
		if (!str_starts(line, "nameserver") || (line[10] != ' ' && line[10] != '\t'))
			continue;
		line += 10 + strspn(line + 10, " \t");
		line[strcspn(line, " \t\r")] = '\0';
		if (inet_pton(strchr(line, ':') ? AF_INET6 : AF_INET, line, &a) == 1 &&
		    str_copy(ret[n], INET6_ADDRSTRLEN, line) == 0)
			n++;
	}
	return n;
}

/* --- a sandbox of its own -------------------------------------------------------------------- */

static _Noreturn void become_sandbox(const char *vpn, const struct leak_mark *m,
				     char servers[][INET6_ADDRSTRLEN], int n_servers)
{
	static char arg1[] = "--", arg3[] = "leak-probe";
	char port[8], name[NAME_MAX_LEN + 1], self[PATH_MAX], vpnrun[PATH_MAX + 8];
	char mark[LEAK_TEXT_LEN + 1], *argv[ARGS_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int argc = 0;

	if (n <= 0)
		_exit(125);
	self[n] = '\0';
	snprintf(vpnrun, sizeof(vpnrun), "%.*s/vpnrun", (int)(strrchr(self, '/') - self), self);
	snprintf(port, sizeof(port), "%u", m->port);
	str_copy(mark, sizeof(mark), m->text);
	str_copy(name, sizeof(name), vpn);
	argv[argc++] = vpnrun;
	argv[argc++] = name;
	argv[argc++] = arg1;
	argv[argc++] = self;
	argv[argc++] = arg3;
	argv[argc++] = mark;
	argv[argc++] = port;
	for (int i = 0; i < n_servers; i++)
		argv[argc++] = servers[i];
	argv[argc] = NULL;
	execv(vpnrun, argv);
	_exit(126);
}

/* --- where a process is ---------------------------------------------------------------------- */

struct ids {
	uid_t uid;
	gid_t gid;
};

/* The number of an id of ours in the namespace of pid. */
static uint32_t map_id(pid_t pid, const char *map, uint32_t id)
{
	AUTO_FREE char *text = NULL;
	unsigned int inside, outside, count;
	char path[48];

	str_fmt(path, sizeof(path), "/proc/%d/%s", pid, map);
	if (file_read(path, 65536, &text, NULL, NULL) < 0)
		return id;
	for (const char *l = text; l && *l; l = strchr(l, '\n'), l += l != NULL)
		if (sscanf(l, "%u %u %u", &inside, &outside, &count) == 3 && id >= outside &&
		    id - outside < count)
			return inside + (id - outside);
	return id;
}

static int read_ids(pid_t pid, struct ids *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *uid, *gid;
	char path[48];
	int r;

	str_fmt(path, sizeof(path), "/proc/%d/status", pid);
	r = file_read(path, 65536, &text, NULL, NULL);
	if (r < 0)
		return err_set(e, -ESRCH, "there is no process %d", pid);
	uid = strstr(text, "\nUid:");
	gid = strstr(text, "\nGid:");
	if (!uid || !gid || sscanf(uid, " Uid: %u", &ret->uid) != 1 ||
	    sscanf(gid, " Gid: %u", &ret->gid) != 1)
		return err_set(e, -EIO, "cannot read whose process %d is", pid);
	if (geteuid() != 0 && ret->uid != geteuid())
		return err_set(e, -EPERM, "process %d is not yours", pid);
	return 0;
}

static bool is_other(pid_t pid, const char *kind)
{
	char mine[40], its[40];
	struct stat a, b;

	str_fmt(mine, sizeof(mine), "/proc/self/ns/%s", kind);
	str_fmt(its, sizeof(its), "/proc/%d/ns/%s", pid, kind);
	return stat(mine, &a) == 0 && stat(its, &b) == 0 && !same_stat(&a, &b);
}

static int namespaces_of(pid_t pid)
{
	static const struct {
		const char *kind;
		int flag;
	} all[] = {
		{"user", CLONE_NEWUSER},
		{"mnt", CLONE_NEWNS},
		{"net", CLONE_NEWNET},
		{"ipc", CLONE_NEWIPC},
	};
	int flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (is_other(pid, all[i].kind))
			flags |= all[i].flag;
	return flags;
}

/* Runs as that process's user, in its place. What fails is said on standard error, which is
 * ours. */
static int enter(int pidfd, int flags, const struct ids *ids)
{
	struct err e = ERR_INIT;

	if (setns(pidfd, flags) < 0)
		return -errno;
	if (chdir("/") < 0 || (setgroups(0, NULL) < 0 && errno != EPERM))
		return -errno;
	if (setresgid(ids->gid, ids->gid, ids->gid) < 0 ||
	    setresuid(ids->uid, ids->uid, ids->uid) < 0)
		return -errno;
	/* Whoever has changed its user has no capability left to give away. */
	box_caps_limit(0, &e);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* --- start, end ------------------------------------------------------------------------------ */

struct plan {
	const char *name;
	const struct leak_mark *mark;
	int pidfd, flags;
	struct ids ids;
	int in[2], out[2]; /* pipes */
};

static int look_from(const struct plan *p, char servers[][INET6_ADDRSTRLEN], int n)
{
	char *argv[LEAK_ADDR_MAX];

	for (int i = 0; i < n; i++)
		argv[i] = servers[i];
	if (enter(p->pidfd, p->flags, &p->ids) < 0 || leak_look(STDIN_FILENO, STDOUT_FILENO) < 0)
		return 125;
	return leak_probe_rounds(p->mark, argv, n, false);
}

static int run_inside(void *arg)
{
	const struct plan *p = arg;
	char servers[LEAK_ADDR_MAX][INET6_ADDRSTRLEN];
	int n = host_servers(servers, LEAK_ADDR_MAX);

	/* Where it becomes nothing else, its own end would keep its input open. */
	close(p->in[1]);
	close(p->out[0]);
	signal(SIGINT, SIG_IGN); /* it ends with its input */
	if (dup2(p->in[0], STDIN_FILENO) < 0 || dup2(p->out[1], STDOUT_FILENO) < 0)
		return 125;
	if (p->pidfd >= 0)
		return look_from(p, servers, n);
	become_sandbox(p->name, p->mark, servers, n);
}

static int plan_pid(struct plan *p, pid_t pid, struct err *e)
{
	int r;

	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0)
		return err_set(e, -ESRCH, "there is no process %d", pid);
	r = read_ids(pid, &p->ids, e);
	if (r < 0)
		return r;
	p->flags = namespaces_of(pid);
	if (!(p->flags & CLONE_NEWNET))
		return err_set(e, -EINVAL, "process %d is not confined: its network is this one's",
			       pid);
	if (p->flags & CLONE_NEWUSER) {
		p->ids.uid = map_id(pid, "uid_map", p->ids.uid);
		p->ids.gid = map_id(pid, "gid_map", p->ids.gid);
	}
	return 0;
}

static int open_pipes(struct plan *p, struct err *e)
{
	if (pipe2(p->in, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	if (pipe2(p->out, O_CLOEXEC) < 0) {
		int code = -errno;

		close(p->in[0]);
		close(p->in[1]);
		return err_sys(e, code, "cannot make a pipe");
	}
	return 0;
}

/* Starts it and keeps its pipes. */
static int start(struct leak_inside *in, struct plan *p, struct err *e)
{
	int r = open_pipes(p, e);
	pid_t pid;

	if (r < 0)
		return r;
	pid = child_start(CHILD_DIES_WITH_US, run_inside, p);
	close(p->in[0]);
	close(p->out[1]);
	if (pid < 0) {
		close(p->in[1]);
		close(p->out[0]);
		return err_sys(e, pid, "cannot start a program in %s", p->name);
	}
	in->child = pid;
	in->to = p->in[1];
	in->from = p->out[0];
	return 0;
}

int leak_inside_start(struct leak_inside *in, const char *name, pid_t pid,
		      const struct leak_mark *m, struct err *e)
{
	struct plan p = {.name = name, .mark = m, .pidfd = -1};
	int r = pid ? plan_pid(&p, pid, e) : 0;

	if (r == 0)
		r = start(in, &p, e);
	util_close(&p.pidfd);
	return r;
}

void leak_inside_end(struct leak_inside *in)
{
	util_close(&in->to);
	util_close(&in->from);
	if (in->child > 0)
		child_reap(in->child);
	in->child = 0;
}

/* --- what it sees ---------------------------------------------------------------------------- */

/* Lines up to an empty one. It may be hostile: bounded in time and size. */
static int read_answer(int fd, char **ret)
{
	int64_t end = util_now_ms() + LOOK_MS;
	size_t len = 0, room = 4096;
	char *text = malloc(room);

	while (text && len < LOOK_BYTES) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end - util_now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0 || read(fd, text + len, 1) != 1)
			break;
		len++;
		if (text[len - 1] == '\n' && (len == 1 || text[len - 2] == '\n')) {
			text[len - 1] = '\0';
			*ret = text;
			return 0;
		}
		if (len + 1 == room) {
			char *more = realloc(text, room *= 2);

			if (!more)
				break;
			text = more;
		}
	}
	free(text);
	return -EIO;
}

static bool is_in_vpn(const struct leak_inside *in, const struct record *rec)
{
	struct stat st;
	char path[40];

	str_fmt(path, sizeof(path), "/proc/%d/ns/net", in->child);
	return stat(path, &st) == 0 && record_is_netns(rec, &st);
}

static bool is_of_vpn(const struct record *rec, const char *device)
{
	char port[16];

	str_fmt(port, sizeof(port), "vr%u.", rec->id);
	return !strcmp(device, rec->device) || !strcmp(device, rec->bridge) ||
	       str_starts(device, port);
}

int leak_inside_look(const struct leak_inside *in, const struct record *rec, struct leak_table *t,
		     struct err *e)
{
	AUTO_FREE char *outside = NULL, *answer = NULL;
	char *line, *save;
	int r = leak_doors_outside(&outside, e);

	if (r < 0)
		return r;
	signal(SIGPIPE, SIG_IGN);
	if (fd_write_all(in->to, outside, strlen(outside)) < 0 ||
	    read_answer(in->from, &answer) < 0)
		return err_set(e, -ECHILD,
			       "the program inside has ended before it has looked around");
	leak_doors_looked(t);
	for (line = strtok_r(answer, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		*tab = '\0';
		if (!strcmp(line, "device-of-net") && is_of_vpn(rec, tab + 1) && is_in_vpn(in, rec))
			continue;
		leak_doors_judge(t, line, tab + 1);
	}
	return 0;
}
