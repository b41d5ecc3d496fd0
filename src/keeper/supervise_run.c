/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor process: a wireguard-go in the namespace that it is in itself, whose device is in
 * the VPN's, and again whenever it ends. Runs as root, reads the profile anew each time, keeps no
 * key between starts. Must never outlive the namespace that it was started for, never touch a
 * device of that name that is not its child's, and never leave the child running when it ends
 * itself, however it ends. Started by supervise_start(); the only code here that logs.
 */
#include "tunnel/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/same.h"
#include "base/util.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "up/finish.h"
#include "keeper/port_forward.h"
#include "keeper/inbound_serve.h"
#include "keeper/keep.h"
#include "conf/profile.h"
#include "keeper/reap.h"
#include "state/record.h"
#include "tunnel/resolve.h"
#include "tunnel/supervise_lock.h"
#include "tunnel/tunnel_wg.h"
#include "tunnel/uapi.h"
#include "tunnel/via.h"

#define READY_TIMEOUT_MS 5000
#define STOP_TIMEOUT_MS	 2000
#define PORT_LOOK_MS	 20
#define PORT_RETRY_MS	 5000
#define LOG_LOOK_MS	 600000
#define LOG_MAX		 (256 * 1024)
#define STEADY_MS	 10000 /* a start that lived as long was a good one */

static const int backoff_ms[] = {0, 200, 1000, 5000};

struct sup {
	const char *name;
	uint32_t mtu;
	dev_t ns_dev; /* of the namespace that this is all for */
	ino_t ns_ino;
	enum vpn_layout layout; /* as it was at the first start */
	int lock_fd;
	int signal_fd;
	bool told;   /* to end */
	pid_t child; /* 0: none */
	int child_fd;
	int64_t child_since;
	int ifindex;	    /* that the device had where it was born */
	uint16_t want_port; /* ListenPort, to be set once wireguard-go is up; 0: nothing to do */
	int64_t port_at;    /* when to look next */
	bool port_taken;    /* it was in use: wireguard-go has none at all until it gets it */
	unsigned int failures;
	bool kernel; /* there is no wireguard-go to run: the keeper is all */
	struct keeper keeper;
	struct reaper reaper;
	bool look_now;
	bool reread; /* the record has changed */
	struct forwarder forwarder;
	int inbound_fd; /* where ports are asked for, -1: nowhere */
};

/* --- what it stands on ----------------------------------------------------------------------- */

/* The lock says that the supervisor lives: no child that ends a moment later, as the one that loads
 * the firewall, may say so in its place. Children that exec lose it there. */
static int lock_of_parent = -1;

static void close_lock_in_child(void)
{
	util_close(&lock_of_parent);
}

/* Holds the lock until the process ends, and says so in the file. */
static int take_lock(struct sup *s, struct err *e)
{
	char path[64], text[16];
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int r = supervise_path(s->name, "supervisor", path, sizeof(path), e);

	if (r < 0)
		return r;
	for (int tries = 0; tries < 10; tries++) {
		AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return err_sys(e, -errno, "cannot open %s", path);
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
			return err_sys(e, -errno, "another supervisor of %s is running", s->name);
		/* A predecessor may have removed the file between our open and our lock. */
		if (!same_fd_path(fd, path))
			continue;
		str_fmt(text, sizeof(text), "%d\n", getpid());
		if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
			return err_sys(e, -errno, "cannot write %s", path);
		s->lock_fd = take_fd(&fd);
		lock_of_parent = s->lock_fd;
		r = pthread_atfork(NULL, NULL, close_lock_in_child);
		return r ? err_sys(e, -r, "cannot keep %s to this process", path) : 0;
	}
	return err_set(e, -EBUSY, "%s does not stay", path);
}

static void drop_lock(struct sup *s)
{
	char path[64];

	if (s->lock_fd >= 0 && supervise_path(s->name, "supervisor", path, sizeof(path), NULL) == 0)
		unlink(path);
	util_close(&s->lock_fd);
}

/* The namespace called NAME, if it is still the one that we began with. Not kept open: that would
 * keep it alive. */
static int open_namespace(struct sup *s, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (s->layout == LAYOUT_BRIDGE)
		fd = ns_netns_open("/proc/self/ns", "net", e);
	else
		fd = ns_netns_open(NETNS_DIR, s->name, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot stat " NETNS_DIR "/%s", s->name);
	if (s->ns_ino == 0) {
		s->ns_dev = st.st_dev;
		s->ns_ino = st.st_ino;
	}
	if (!same_numbers(&st, s->ns_dev, s->ns_ino))
		return err_set(e, -ESTALE, NETNS_DIR "/%s is another namespace by now", s->name);
	return take_fd(&fd);
}

static bool is_wanted(struct sup *s)
{
	AUTO_CLOSE int ns = open_namespace(s, NULL);
	char path[64];

	return ns >= 0 && supervise_path(s->name, "supervisor", path, sizeof(path), NULL) == 0 &&
	       same_fd_path(s->lock_fd, path);
}

/* --- wireguard-go ---------------------------------------------------------------------------- */

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

	if (str_copy(arg2, sizeof(arg2), p->name) == 0)
		execve(p->path, argv, envp);
	return 127;
}

static int spawn(struct sup *s, struct err *e)
{
	struct wireguard_go program = {.path = find_wireguard_go(), .name = s->name};
	pid_t pid;

	if (!program.path)
		return err_set(e, -ENOENT,
			       "this kernel has no WireGuard and wireguard-go is not "
			       "installed: apt install wireguard-go");
	if (uapi_is_alive(s->name))
		return err_set(e, -EADDRINUSE,
			       "another program serves " UAPI_DIR
			       "/%s.sock already: end it, or give "
			       "the VPN another name",
			       s->name);
	pid = child_start(CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, exec_wireguard_go, &program);
	if (pid < 0)
		return err_sys(e, pid, "cannot start wireguard-go");
	s->child = pid;
	s->child_since = util_now_ms();
	s->child_fd = child_pidfd(s->child);
	if (s->child_fd < 0)
		return err_sys(e, s->child_fd, "cannot watch wireguard-go");
	return 0;
}

static void end_child(struct sup *s)
{
	if (s->child > 0) {
		kill(s->child, SIGTERM); /* not waited for yet: the number is ours */
		if (s->child_fd < 0 || !child_wait_pidfd(s->child_fd, STOP_TIMEOUT_MS))
			kill(s->child, SIGKILL);
		waitpid(s->child, NULL, 0);
		uapi_remove_stale(s->name);
	}
	s->child = 0;
	util_close(&s->child_fd);
	s->want_port = 0;
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
static int wait_listening(struct sup *s, struct err *e)
{
	int64_t end = util_now_ms() + READY_TIMEOUT_MS;

	while (!uapi_is_alive(s->name)) {
		char words[208];

		if (child_wait_pidfd(s->child_fd, 2)) {
			last_words(s->name, words, sizeof(words));
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
static int configure(struct sup *s, const struct tunnel *t, const struct endpoint_set *es,
		     struct err *e)
{
	struct tunnel_wg w;
	int r = tunnel_wg_make(s->name, t, es, &w, e);

	if (r < 0)
		return r;
	s->want_port = w.dev.listen_port;
	s->port_at = 0;
	s->port_taken = false;
	w.dev.listen_port = 0;
	r = uapi_device_set(s->name, &w.dev, e);
	tunnel_wg_free(&w);
	return r;
}

static int start_device(struct sup *s, const struct profile *p, const struct endpoint_set *es,
			int ns, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock host = NL_SOCK_INIT;
	struct rtnl_link link;
	int r = nl_sock_open(&host, NETLINK_ROUTE, e);

	r = r ?: check_name_free(&host, s->name, e);
	r = r ?: spawn(s, e);
	r = r ?: wait_listening(s, e);
	r = r ?: rtnl_link_get(&host, RTNL_HERE, s->name, &link, e);
	/* wireguard-go pads packets up to the MTU, and hears of it only where it was born. */
	if (r == 0 && link.mtu != s->mtu)
		r = rtnl_link_set_mtu(&host, s->name, s->mtu, e);
	r = r ?: configure(s, &p->tunnel, es, e);
	if (r < 0)
		return r;
	s->ifindex = link.ifindex;
	return rtnl_link_set_netns(&host, s->name, ns, e);
}

/* wireguard-go hears at once of its device's state only in its own namespace; for one elsewhere it
 * looks every second. What it would hear is sent to it, and to nobody else. Should it not listen
 * as expected, it finds out at its next look. Never before the device is up: it must not be told
 * what is not so. */
static void nudge(const struct sup *s)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} msg = {
		.nlh = {.nlmsg_len = sizeof(msg), .nlmsg_type = RTM_NEWLINK},
		.ifi = {.ifi_index = s->ifindex, .ifi_flags = IFF_UP | IFF_RUNNING},
	};
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || s->child <= 0)
		return;
	to.nl_pid = (uint32_t)s->child;
	sendto(fd, &msg, sizeof(msg), MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
}

/* One start. The first leaves the device down, for `up` to finish; later ones finish themselves. */
static int launch(struct sup *s, bool first, struct err *e)
{
	AUTO_CLOSE int ns = -1;
	struct endpoint_set es = {0};
	struct profile p = {0};
	int r = profile_load_name(s->name, &p, e);

	if (r == 0 && first)
		s->layout = p.layout;
	if (r == 0 && s->layout != p.layout)
		r = err_set(e, -ESTALE, "the layout of %s was changed: down and up again", s->name);
	if (r == 0) {
		ns = open_namespace(s, e);
		r = ns < 0 ? ns : 0;
	}
	r = r ?: via_resolve_here(&p, first ? RESOLVE_RETRIES : 0, &es, e);
	r = r ?: start_device(s, &p, &es, ns, e);
	if (r == 0 && !first) {
		r = tunnel_finish(&p, ns, s->mtu, e);
		if (r == 0)
			nudge(s);
	}
	endpoint_set_free(&es);
	profile_free(&p);
	if (r < 0)
		end_child(s);
	return r;
}

/* --- the loop -------------------------------------------------------------------------------- */

static void set_port(struct sup *s)
{
	struct wg_stats st;
	struct err e = ERR_INIT;

	s->port_at = util_now_ms() + PORT_LOOK_MS;
	if (uapi_device_get(s->name, &st, NULL) < 0 || (st.listen_port == 0 && !s->port_taken))
		return;
	if (st.listen_port == s->want_port || uapi_port_set(s->name, s->want_port, &e) == 0) {
		s->want_port = 0;
		return;
	}
	if (!s->port_taken)
		log_error("%s", e.msg);
	s->port_taken = true;
	s->port_at = util_now_ms() + PORT_RETRY_MS;
}

static void trim_log(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > LOG_MAX &&
	    ftruncate(STDERR_FILENO, 0) < 0)
		log_error("cannot empty the log: %s", strerror(errno));
}

/* The record was written anew, and the tunnel was set up anew before that. */
static void reread(struct sup *s)
{
	s->reread = true;
	keeper_forget(&s->keeper);
}

static void read_signal(struct sup *s)
{
	struct signalfd_siginfo si;

	if (read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGUSR2)
		s->look_now = true;
	else if (si.ssi_signo == SIGHUP)
		reread(s);
	else if (si.ssi_signo == SIGUSR1)
		nudge(s);
	else
		s->told = true;
}

static void keep(struct sup *s)
{
	AUTO_CLOSE int ns = -1;
	struct err e = ERR_INIT;

	if (!keeper_wake(&s->keeper) && !s->look_now)
		return;
	ns = open_namespace(s, &e);
	if (ns >= 0)
		keeper_look(&s->keeper, ns, s->look_now);
	else if (s->kernel)
		s->told = true; /* the namespace is gone, and the device with it */
	else
		keeper_defer(&s->keeper);
	s->look_now = false;
}

/* Shuts what those who have left had open. */
static void reap_flows(struct sup *s)
{
	AUTO_CLOSE int ns = -1;

	if (!reaper_wake(&s->reaper))
		return;
	ns = open_namespace(s, NULL);
	if (ns >= 0)
		reaper_run(&s->reaper, ns);
	else
		s->reaper.due_at = 0; /* it is all gone */
}

/* Ports from the VPN's side. */
static void serve_inbound(struct sup *s, bool asked)
{
	AUTO_CLOSE int ns = -1;

	if (!asked && !s->reread && !forwarder_is_due(&s->forwarder))
		return;
	ns = open_namespace(s, NULL);
	if (ns < 0) {
		forwarder_close(&s->forwarder);
		forwarder_init(&s->forwarder, s->name);
		return;
	}
	if (asked)
		inbound_serve(s->inbound_fd, s->name, ns);
	if (s->reread)
		forwarder_reread(&s->forwarder, ns);
	s->reread = false;
	forwarder_step(&s->forwarder, ns);
}

/* Returns true if the child has ended. */
static bool wait_event(struct sup *s, int timeout_ms)
{
	struct pollfd p[4 + KEEPER_FDS + FORWARD_FDS] = {
		{.fd = s->signal_fd, .events = POLLIN},
		{.fd = s->child_fd, .events = POLLIN},
		{.fd = s->inbound_fd, .events = POLLIN},
	};
	int keeper_ms, forward_ms, reap_ms, n;

	reaper_poll(&s->reaper, p + 3, &reap_ms);
	keeper_poll(&s->keeper, p + 4, &keeper_ms);
	forwarder_poll(&s->forwarder, p + 4 + KEEPER_FDS, &forward_ms);
	if (keeper_ms < timeout_ms)
		timeout_ms = keeper_ms;
	if (forward_ms >= 0 && forward_ms < timeout_ms)
		timeout_ms = forward_ms;
	if (reap_ms >= 0 && reap_ms < timeout_ms)
		timeout_ms = reap_ms;
	n = poll(p, ARRAY_SIZE(p), timeout_ms);
	if (n > 0 && p[0].revents)
		read_signal(s);
	keep(s);
	reap_flows(s);
	serve_inbound(s, n > 0 && p[2].revents);
	return n > 0 && p[1].revents != 0;
}

static void reap(struct sup *s)
{
	int status = 0;

	waitpid(s->child, &status, 0);
	if (WIFSIGNALED(status))
		log_error("wireguard-go for %s was killed by signal %d", s->name, WTERMSIG(status));
	else
		log_error("wireguard-go for %s ended with status %d", s->name, WEXITSTATUS(status));
	if (util_now_ms() - s->child_since >= STEADY_MS)
		s->failures = 0;
	s->child = 0;
	util_close(&s->child_fd);
	uapi_remove_stale(s->name);
}

static void watch(struct sup *s)
{
	int64_t left = s->port_at - util_now_ms();
	int timeout = s->want_port ? (left > 0 ? (int)left : 0) : LOG_LOOK_MS;

	if (wait_event(s, timeout)) {
		reap(s);
		return;
	}
	if (s->want_port && util_now_ms() >= s->port_at)
		set_port(s);
	trim_log();
}

static void restart(struct sup *s)
{
	size_t i = s->failures < ARRAY_SIZE(backoff_ms) ? s->failures : ARRAY_SIZE(backoff_ms) - 1;
	int64_t end = util_now_ms() + backoff_ms[i];
	struct err e = ERR_INIT;

	while (!s->told && util_now_ms() < end)
		wait_event(s, (int)(end - util_now_ms()));
	/* This is asked after the wait: the end of the namespace is what ends wireguard-go, too. */
	if (s->told || !is_wanted(s)) {
		s->told = true;
		return;
	}
	s->failures++;
	if (launch(s, false, &e) < 0)
		log_error("cannot start wireguard-go for %s again: %s", s->name, e.msg);
	else
		log_info("wireguard-go for %s runs again", s->name);
}

static int prepare(struct sup *s, struct err *e)
{
	sigset_t set;

	/* wireguard-go inherits it. */
	if (util_forbid_cores() < 0)
		return err_sys(e, -errno, "cannot forbid core dumps");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_sys(e, -errno, "cannot make a signalfd");
	return take_lock(s, e);
}

/* With the kernel's WireGuard there is a device already, and nothing to run. */
static int begin_kernel(struct sup *s, struct err *e)
{
	AUTO_CLOSE int ns = -1;
	struct profile p = {0};
	int r = profile_load_name(s->name, &p, e);

	s->layout = p.layout;
	profile_free(&p);
	if (r < 0)
		return r;
	ns = open_namespace(s, e);
	return ns < 0 ? ns : 0;
}

/* The tunnel works without it; what is left of others only takes up room for longer. */
static void begin_reaping(struct sup *s)
{
	struct err e = ERR_INIT;
	AUTO_CLOSE int ns = open_namespace(s, &e);

	if (ns < 0 || reaper_open(&s->reaper, s->name, ns, &e) < 0)
		log_error("nobody hears when programs leave %s: %s", s->name, e.msg);
}

static int begin(struct sup *s, struct err *e)
{
	int r = keeper_open(&s->keeper, s->name, !s->kernel, e);

	if (r < 0)
		return r;
	r = s->kernel ? begin_kernel(s, e) : launch(s, true, e);
	if (r == 0)
		begin_reaping(s);
	return r;
}

static void look_after(struct sup *s)
{
	if (s->kernel) {
		wait_event(s, LOG_LOOK_MS);
		trim_log();
	} else if (s->child > 0) {
		watch(s);
	} else {
		restart(s);
	}
}

int supervise_run(const char *name, uint32_t mtu, bool kernel, int status_fd, struct err *e)
{
	struct sup s = {
		.name = name,
		.mtu = mtu,
		.kernel = kernel,
		.lock_fd = -1,
		.signal_fd = -1,
		.child_fd = -1,
		.keeper = {.event_fd = -1, .helper_fd = -1},
		.reaper = {.events = NL_SOCK_INIT},
		.inbound_fd = -1,
		.reread = true,
	};
	struct err report = ERR_INIT;
	int r = prepare(&s, &report);

	forwarder_init(&s.forwarder, name);
	if (r == 0)
		r = begin(&s, &report);
	if (r == 0) {
		s.inbound_fd = inbound_listen(name, &report);
		r = s.inbound_fd < 0 ? s.inbound_fd : 0;
	}
	if (r == 0)
		report = (struct err)ERR_INIT;
	report.code = r;
	/* From the report on it lives without `up`: see exec_supervisor(). */
	prctl(PR_SET_PDEATHSIG, 0);
	/* Nobody is left to finish what was begun if `up` is gone by now. */
	if (status_fd >= 0 && write(status_fd, &report, sizeof(report)) != sizeof(report))
		s.told = true;
	if (status_fd >= 0)
		close(status_fd);
	while (r == 0 && !s.told)
		look_after(&s);
	keeper_close(&s.keeper);
	reaper_close(&s.reaper);
	forwarder_close(&s.forwarder);
	util_close(&s.inbound_fd);
	end_child(&s);
	util_close(&s.signal_fd);
	drop_lock(&s);
	return r < 0 ? err_set(e, r, "%s", report.msg) : 0;
}
