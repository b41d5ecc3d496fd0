/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wireguard-go as a child of the supervisor: started in the caller's own namespace, where its
 * encrypted socket stays, its device moved into the VPN's. Must never touch a device of that name
 * that is not its child's, and never leave the child running when the supervisor ends, however it
 * ends. Called by keeper/supervise_run.c.
 */
#include "keeper/userspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/util.h"
#include "nl/link.h"
#include "tunnel/supervise_lock.h"
#include "tunnel/tunnel_wg.h"
#include "tunnel/uapi.h"

#define READY_TIMEOUT_MS 5000
#define STOP_TIMEOUT_MS	 2000
#define TAKE_UP_MS	 2000 /* it sees its device up within a second */
#define TAKE_UP_LOOK_MS	 10
#define PORT_LOOK_MS	 20
#define PORT_RETRY_MS	 5000
#define STEADY_MS	 10000 /* a start that lived as long was a good one */

static const char *find_wireguard_go(void)
{
	static const char *const places[] = {
		"/usr/bin/wireguard-go",
		"/usr/local/bin/wireguard-go",
		"/usr/sbin/wireguard-go",
		"/usr/local/sbin/wireguard-go",
		"/run/current-system/sw/bin/wireguard-go",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

struct wireguard_go {
	const char *path, *name;
	bool quiet;
};

/* Whatever ends the supervisor ends the tunnel: without it, nobody would close it. */
static int exec_wireguard_go(void *arg)
{
	const struct wireguard_go *p = arg;

	static char arg0[] = "wireguard-go", arg1[] = "-f";
	static char env0[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char env1[] = "WG_PROCESS_FOREGROUND=1", env2[] = "LOG_LEVEL=error";
	char arg2[NAME_MAX_LEN + 1];
	char *argv[] = {arg0, arg1, arg2, NULL}, *envp[] = {env0, env1, env2, NULL};

	if (p->quiet) {
		AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
			return 127;
	}
	if (str_copy(arg2, sizeof(arg2), p->name) == 0)
		execve(p->path, argv, envp);
	return 127;
}

static int spawn(struct userspace *u, struct err *e)
{
	struct wireguard_go program = {
		.path = find_wireguard_go(), .name = u->name, .quiet = u->quiet};
	pid_t pid;

	if (!program.path)
		return err_set(e, -ENOENT,
			       "this kernel has no WireGuard and wireguard-go is not "
			       "installed: apt install wireguard-go");
	if (uapi_is_alive(u->name))
		return err_set(e, -EADDRINUSE,
			       "another program serves " UAPI_DIR
			       "/%s.sock already: end it, or give "
			       "the VPN another name",
			       u->name);
	pid = child_start(CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, exec_wireguard_go, &program);
	if (pid < 0)
		return err_sys(e, pid, "cannot start wireguard-go");
	u->pid = pid;
	u->since = util_now_ms();
	u->fd = child_pidfd(u->pid);
	if (u->fd < 0)
		return err_sys(e, u->fd, "cannot watch wireguard-go");
	return 0;
}

void userspace_end(struct userspace *u)
{
	if (u->pid > 0) {
		kill(u->pid, SIGTERM); /* not waited for yet: the number is ours */
		if (u->fd < 0 || !child_wait_pidfd(u->fd, STOP_TIMEOUT_MS))
			kill(u->pid, SIGKILL);
		waitpid(u->pid, NULL, 0);
		uapi_remove_stale(u->name);
	}
	u->pid = 0;
	util_close(&u->fd);
	u->want_port = 0;
}

/* The last line that wireguard-go wrote, where it says more than an exit status does. */
static void last_words(const char *name, char *ret, size_t size)
{
	AUTO_CLOSE int fd = -1;
	char path[64], buf[512], *nl;
	struct stat st;
	ssize_t n;

	str_copy(ret, size, "it says nothing");
	if (supervise_path(name, "log", path, sizeof(path), NULL) < 0)
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	n = pread(fd, buf, sizeof(buf) - 1,
		  st.st_size > (off_t)sizeof(buf) - 1 ? st.st_size - (off_t)sizeof(buf) + 1 : 0);
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	buf[n] = '\0';
	nl = strrchr(buf, '\n');
	for (char *c = buf; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	str_fmt(ret, size, "%.200s", nl ? nl + 1 : buf);
}

/* wireguard-go has made its device before it listens. */
static int wait_listening(struct userspace *u, struct err *e)
{
	int64_t end = util_now_ms() + READY_TIMEOUT_MS;

	while (!uapi_is_alive(u->name)) {
		char words[208];

		if (child_wait_pidfd(u->fd, 2)) {
			last_words(u->name, words, sizeof(words));
			return err_set(e, -ECHILD, "wireguard-go ended at once: %s", words);
		}
		if (util_now_ms() > end)
			return err_set(e, -ETIMEDOUT, "wireguard-go does not answer");
	}
	return 0;
}

static int check_name_free(struct nl_sock *host, const char *name, struct err *e)
{
	struct rtnl_link link;

	if (rtnl_link_get(host, RTNL_HERE, name, &link, NULL) == 0)
		return err_set(
			e, -EEXIST,
			"this machine has an interface %s already, which is not vpnrun's (wg-quick "
			"down %s, or give the VPN another name)",
			name, name);
	return 0;
}

/* The ListenPort is left out: wireguard-go takes one silently that is in use, and then never comes
 * up. Once it is up, it says so. */
static int configure(struct userspace *u, const struct tunnel *t, const struct endpoint_set *es,
		     struct err *e)
{
	struct tunnel_wg w;
	int r = tunnel_wg_make(u->name, t, es, &w, e);

	if (r < 0)
		return r;
	u->want_port = w.dev.listen_port;
	u->port_at = 0;
	u->port_taken = false;
	w.dev.listen_port = 0;
	r = uapi_device_set(u->name, &w.dev, e);
	tunnel_wg_free(&w);
	return r;
}

int userspace_start(struct userspace *u, const struct tunnel *t, const struct endpoint_set *es,
		    int vpn_netns_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock host = NL_SOCK_INIT;
	struct rtnl_link link;
	int r = nl_sock_open(&host, NETLINK_ROUTE, e);

	r = r ?: check_name_free(&host, u->name, e);
	r = r ?: spawn(u, e);
	r = r ?: wait_listening(u, e);
	r = r ?: rtnl_link_get(&host, RTNL_HERE, u->name, &link, e);
	/* wireguard-go pads packets up to the MTU, and hears of it only where it was born. */
	if (r == 0 && link.mtu != u->mtu)
		r = rtnl_link_set_mtu(&host, u->name, u->mtu, e);
	r = r ?: configure(u, t, es, e);
	if (r < 0)
		return r;
	u->ifindex = link.ifindex;
	return rtnl_link_set_netns(&host, u->name, vpn_netns_fd, e);
}

void userspace_nudge(const struct userspace *u)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} msg = {
		.nlh = {.nlmsg_len = sizeof(msg), .nlmsg_type = RTM_NEWLINK},
		.ifi = {.ifi_index = u->ifindex, .ifi_flags = IFF_UP | IFF_RUNNING},
	};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || u->pid <= 0)
		return;
	to.nl_pid = (uint32_t)u->pid;
	sendto(fd, &msg, sizeof(msg), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

int userspace_take_up(const struct userspace *u, struct err *e)
{
	int64_t end = util_now_ms() + TAKE_UP_MS;
	struct wg_stats st = {0};
	int r = 0;

	userspace_nudge(u);
	while (r == 0 && !st.listen_port && util_now_ms() < end) {
		poll(NULL, 0, TAKE_UP_LOOK_MS);
		r = uapi_device_get(u->name, &st, e);
	}
	return r;
}

void userspace_set_port(struct userspace *u)
{
	struct wg_stats st;
	struct err e = ERR_INIT;

	u->port_at = util_now_ms() + PORT_LOOK_MS;
	if (uapi_device_get(u->name, &st, NULL) < 0 || (st.listen_port == 0 && !u->port_taken))
		return;
	if (st.listen_port == u->want_port || uapi_port_set(u->name, u->want_port, &e) == 0) {
		u->want_port = 0;
		return;
	}
	if (!u->port_taken)
		log_error("%s", e.msg);
	u->port_taken = true;
	u->port_at = util_now_ms() + PORT_RETRY_MS;
}

bool userspace_reap(struct userspace *u)
{
	int status = 0;

	waitpid(u->pid, &status, 0);
	if (WIFSIGNALED(status))
		log_error("wireguard-go for %s was killed by signal %d", u->name, WTERMSIG(status));
	else
		log_error("wireguard-go for %s ended with status %d", u->name, WEXITSTATUS(status));
	u->pid = 0;
	util_close(&u->fd);
	uapi_remove_stale(u->name);
	return util_now_ms() - u->since >= STEADY_MS;
}
