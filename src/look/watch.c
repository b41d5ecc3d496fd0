/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever wakes it, it looks as `status` does and tells what differs from the look before: so no
 * message has to be understood, and none that was lost is missed. The files of /run/vpnrun and
 * /etc/vpnrun wake it, where the keepers write what they see, and devices, by rtnetlink. What
 * nothing tells is seen by a look now and then. Nothing is kept for a reader that does not read: it
 * gets what is true when it does.
 */
#include "look/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "conf/profile.h"
#include "look/told.h"
#include "nl/gone.h"
#include "ns/netns.h"
#include "state/record.h"

#define SLOW_MS	   5000 /* until the next look, if nothing wakes us */
#define QUIET_MS   100	/* what comes together is one look */
#define BUSY_MS	   500	/* but no longer than this */
#define MAX_PLACES 100	/* namespaces: the host's and each VPN's own */

enum { SIGNALS, OUTPUT, FILES, DEVICES };

struct watch {
	const char *only;
	bool json;
	int files; /* inotify */
	int signals;
	struct nl_sock devices[MAX_PLACES];
	size_t n_devices;
};

/* --- what wakes ------------------------------------------------------------------------------ */

/* A directory may come later: asked at each look, which changes nothing for one that is watched. */
static void watch_directories(struct watch *w)
{
	const uint32_t mask =
		IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_ONLYDIR;

	inotify_add_watch(w->files, RUN_DIR, mask);
	inotify_add_watch(w->files, VPN_CONFIG_DIR, mask);
}

static void add_place(struct watch *w, int netns_fd)
{
	struct nl_sock *s = &w->devices[w->n_devices];
	int r;

	if (w->n_devices == MAX_PLACES)
		return;
	*s = (struct nl_sock)NL_SOCK_INIT;
	r = netns_fd < 0 ? nl_sock_open(s, NETLINK_ROUTE, NULL)
			 : ns_nl_open(s, netns_fd, NETLINK_ROUTE, NULL);
	if (r == 0 && nl_gone_watch(s, NULL) == 0)
		w->n_devices++;
	else
		nl_sock_close(s);
}

static int add_record_place(const struct record *r, void *arg)
{
	AUTO_CLOSE int fd = r->layout == LAYOUT_BRIDGE ? -1 : record_open_netns(r, NULL);

	if (fd >= 0)
		add_place(arg, fd);
	return 0;
}

static void close_places(struct watch *w)
{
	while (w->n_devices)
		nl_sock_close(&w->devices[--w->n_devices]);
}

/* It comes before the look, so that nothing falls between. Only root may enter a VPN's namespace;
 * who may not sees the cables of the layout "bridge" alone, and those of the other by the next slow
 * look. */
static void watch_places(struct watch *w)
{
	close_places(w);
	add_place(w, -1);
	if (geteuid() == 0)
		record_for_each(add_record_place, w, NULL);
}

static void drain(int fd)
{
	char buf[16384] __attribute__((aligned(8)));
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == ENOBUFS));
}

/* Whether one of them is of a file that tells something: our own look opens locks. */
static bool drain_files(int fd)
{
	char buf[16384] __attribute__((aligned(8)));
	bool tells = false;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev = (const void *)(buf + at);
			const char *end = ev->len ? strrchr(ev->name, '.') : NULL;

			if (!end || (strcmp(end, ".lock") != 0 && strcmp(end, ".log") != 0 &&
				     strcmp(end, ".supervisor") != 0))
				tells = true;
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	return tells;
}

/* 1: something may have changed; 0: nothing in that time; -ECANCELED: it is over. */
static int wait_once(struct watch *w, int ms)
{
	struct pollfd p[DEVICES + MAX_PLACES] = {
		[SIGNALS] = {.fd = w->signals, .events = POLLIN},
		[OUTPUT] = {.fd = STDOUT_FILENO}, /* that its reader has gone */
		[FILES] = {.fd = w->files, .events = POLLIN},
	};
	int r, woken = 0;

	for (size_t i = 0; i < w->n_devices; i++)
		p[DEVICES + i] = (struct pollfd){.fd = w->devices[i].fd, .events = POLLIN};
	r = poll(p, DEVICES + w->n_devices, ms);
	if (r <= 0)
		return r < 0 && errno != EINTR ? -errno : 0;
	if (p[SIGNALS].revents || p[OUTPUT].revents & (POLLERR | POLLHUP | POLLNVAL))
		return -ECANCELED;
	if (p[FILES].revents)
		woken = drain_files(w->files);
	for (size_t i = 0; i < w->n_devices; i++)
		if (p[DEVICES + i].revents) {
			drain(w->devices[i].fd);
			woken = 1;
		}
	return woken;
}

static int wait_change(struct watch *w, int ms)
{
	int64_t until = util_now_ms() + ms, busy;
	int r = 0;

	for (int64_t now = until - ms; r == 0 && now < until; now = util_now_ms())
		r = wait_once(w, (int)(until - now));
	busy = util_now_ms() + BUSY_MS;
	while (r > 0 && util_now_ms() < busy) {
		r = wait_once(w, QUIET_MS);
		if (r == 0)
			return 0;
	}
	return r < 0 ? r : 0;
}

/* --- what is told ---------------------------------------------------------------------------- */

/* A line is shorter than what a pipe takes at once, so that we never block in it, and a signal ends
 * us while we wait for the reader. */
static int put(struct watch *w, const char *line, size_t len)
{
	struct pollfd p[2] = {{.fd = w->signals, .events = POLLIN},
			      {.fd = STDOUT_FILENO, .events = POLLOUT}};
	int r;

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (p[0].revents)
		return -ECANCELED;
	r = fd_write_all(STDOUT_FILENO, line, len);
	return r == -EPIPE ? -ECANCELED : r;
}

static void json_lease(struct json_out *out, const struct inside_lease *l)
{
	char addr[INET_ADDRSTRLEN];

	if (!l) {
		json_out_null(out, "lease");
		return;
	}
	json_out_object(out, "lease");
	json_out_str(out, "if", l->port);
	json_out_str(out, "ip4", inet_ntop(AF_INET, &l->ip4, addr, sizeof(addr)));
	json_out_int(out, "uid", l->uid);
	if (l->process.pid)
		json_out_int(out, "pid", l->process.pid);
	else
		json_out_null(out, "pid");
	json_out_str(out, "comm", l->process.pid ? l->process.comm : NULL);
	json_out_end(out);
}

static void json_port(struct json_out *out, const char *key, uint16_t port)
{
	if (port)
		json_out_int(out, key, port);
	else
		json_out_null(out, key);
}

/* why stands last, as the one text that is not a word. */
static int tell_json(struct watch *w, const char *event, const struct told *t,
		     const struct inside_lease *l)
{
	AUTO_FREE char *text = NULL;
	struct json_out out;

	json_out_begin(&out);
	json_out_str(&out, "event", event);
	json_out_str(&out, "name", t->name[0] ? t->name : NULL);
	json_port(&out, "id", (uint16_t)t->id);
	json_out_str(&out, "state", view_state_name(t->state));
	json_out_int(&out, "inside", (int64_t)t->n_leases);
	json_out_bool(&out, "silent", t->is_silent);
	json_out_str(&out, "server", t->server[0] ? t->server : NULL);
	json_port(&out, "forwarded_port", t->ports[0]);
	json_port(&out, "forwarded_udp_port", t->ports[1]);
	json_out_bool(&out, "machine_default", t->is_machine_default);
	json_lease(&out, l);
	json_out_str(&out, "why", t->why[0] ? t->why : NULL);
	if (json_out_finish_line(&out, &text, NULL) < 0)
		return -ENOMEM;
	return put(w, text, strlen(text));
}

static void say_event(const char *event, const struct told *t, const struct inside_lease *l,
		      char *ret, size_t size)
{
	if (l && l->process.pid)
		str_fmt(ret, size, "%s: %s (%s, process %d) %s", t->name, l->port, l->process.comm,
			l->process.pid, !strcmp(event, "enter") ? "is inside" : "has left");
	else if (l)
		str_fmt(ret, size, "%s: %s %s", t->name, l->port,
			!strcmp(event, "enter") ? "is inside" : "has left");
	else if (!strcmp(event, "removed"))
		str_fmt(ret, size, "%s is not there any more", t->name);
	else if (!strcmp(event, "server"))
		str_fmt(ret, size, "%s goes through %s", t->name, t->server);
	else if (!strcmp(event, "forwarded_port") && t->ports[0])
		str_fmt(ret, size, "%s: the provider forwards port %u", t->name, t->ports[0]);
	else if (!strcmp(event, "forwarded_port"))
		str_fmt(ret, size, "%s: the provider does not forward a port", t->name);
	else if (!strcmp(event, "default_on"))
		str_fmt(ret, size, "%s is the machine's default", t->name);
	else if (!strcmp(event, "default_off"))
		str_fmt(ret, size, "%s is not the machine's default any more", t->name);
	else if (!strcmp(event, "machine_closed"))
		str_fmt(ret, size,
			"this machine is closed, but for its LAN, until %s is its default",
			t->name[0] ? t->name : "a VPN");
	else if (!strcmp(event, "machine_open"))
		str_fmt(ret, size, "this machine is not closed any more");
	else if (!strcmp(event, "now") && t->n_leases)
		str_fmt(ret, size, "%s is %s, %zu inside%s%s", t->name, view_state_name(t->state),
			t->n_leases, t->why[0] ? ": " : "", t->why);
	else
		str_fmt(ret, size, "%s is %s%s%s", t->name, view_state_name(t->state),
			t->why[0] ? ": " : "", t->why);
}

static int tell(const char *event, const struct told *t, const struct inside_lease *l, void *arg)
{
	struct watch *w = arg;
	char line[1024];
	size_t len;

	if (w->json)
		return tell_json(w, event, t, l);
	say_event(event, t, l, line, sizeof(line) - 1);
	len = log_clean(line, strlen(line));
	line[len++] = '\n';
	return put(w, line, len);
}

/* --- the loop -------------------------------------------------------------------------------- */

static int look(struct watch *w, struct tolds *was, int *ret_wait_ms, struct err *e)
{
	struct views vs = {0};
	struct tolds is = {0};
	int r;

	watch_directories(w);
	watch_places(w);
	*ret_wait_ms = SLOW_MS;
	r = views_read(geteuid() == 0, &vs, e);
	if (r < 0)
		return r;
	if (w->only && !was->n && !views_find(&vs, w->only, e))
		r = -ENOENT;
	r = r ?: told_read(&vs, w->only, &is, e);
	views_free(&vs);
	if (r < 0)
		return r;
	told_settle(was, &is, util_now_ms(), ret_wait_ms);
	r = told_compare(was, &is, tell, w);
	told_free(was);
	*was = is;
	return r;
}

static int open_watch(struct watch *w, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, -errno, "cannot block signals");
	signal(SIGPIPE, SIG_IGN);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC);
	w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->signals < 0 || w->files < 0)
		return err_sys(e, -errno, "cannot watch " RUN_DIR);
	return 0;
}

int watch_run(const char *only, bool json, struct err *e)
{
	struct watch w = {.only = only, .json = json, .files = -1, .signals = -1};
	struct tolds was = {0};
	int wait_ms = SLOW_MS;
	int r = open_watch(&w, e);

	while (r == 0) {
		r = look(&w, &was, &wait_ms, e);
		if (r == 0)
			r = wait_change(&w, wait_ms);
	}
	told_free(&was);
	close_places(&w);
	util_close(&w.files);
	util_close(&w.signals);
	if (r < 0 && r != -ECANCELED && !e->code)
		err_sys(e, r, "cannot go on watching");
	return r == -ECANCELED ? 0 : r;
}
