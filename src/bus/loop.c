/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One poll(2) over all that is waited for; the library's watches and timeouts are asked for theirs.
 * Must never let one connection keep the others waiting: each is served a few messages a turn.
 */
#include "bus/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/util.h"

#define TURN_MESSAGES 32

struct list {
	void **at;
	size_t n, room;
};

struct own {
	int fd;
	void (*fn)(int fd, void *arg);
	void *arg;
};

struct due {
	DBusTimeout *timeout;
	int64_t at;
};

/* Slots of what went away are NULL until the next turn begins, so that a walk is never moved. */
static struct list connections, watches, timeouts;
static struct own owns[BUS_LOOP_FDS_MAX];
static size_t n_owns;

static int list_add(struct list *l, void *p)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void **at = realloc(l->at, room * sizeof(*at));

		if (!at)
			return -ENOMEM;
		l->at = at;
		l->room = room;
	}
	l->at[l->n++] = p;
	return 0;
}

static void list_remove(struct list *l, const void *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->at[i] == p)
			l->at[i] = NULL;
}

static void list_squeeze(struct list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->at[i])
			l->at[n++] = l->at[i];
	l->n = n;
}

/* --- the library's --------------------------------------------------------------------------- */

static dbus_bool_t add_watch(DBusWatch *w, void *arg)
{
	(void)arg;
	return list_add(&watches, w) == 0;
}

static void remove_watch(DBusWatch *w, void *arg)
{
	(void)arg;
	list_remove(&watches, w);
}

static void toggle_watch(DBusWatch *w, void *arg)
{
	(void)w; /* whether it is on is asked for each turn */
	(void)arg;
}

static void set_due(DBusTimeout *t)
{
	struct due *d = dbus_timeout_get_data(t);

	if (d)
		d->at = util_now_ms() + dbus_timeout_get_interval(t);
}

static dbus_bool_t add_timeout(DBusTimeout *t, void *arg)
{
	struct due *d = calloc(1, sizeof(*d));

	(void)arg;
	if (!d || list_add(&timeouts, d) < 0) {
		free(d);
		return FALSE;
	}
	d->timeout = t;
	dbus_timeout_set_data(t, d, NULL);
	set_due(t);
	return TRUE;
}

static void remove_timeout(DBusTimeout *t, void *arg)
{
	struct due *d = dbus_timeout_get_data(t);

	(void)arg;
	list_remove(&timeouts, d);
	dbus_timeout_set_data(t, NULL, NULL);
	free(d);
}

static void toggle_timeout(DBusTimeout *t, void *arg)
{
	(void)arg;
	set_due(t);
}

static void be_interrupted(int sig)
{
	(void)sig;
}

/* The library's connect(2) waits where a listener's queue is full, which a flood can bring about: a
 * timer ends it. */
static DBusConnection *connect_in_time(const char *address, DBusError *error)
{
	const struct itimerval second = {.it_value.tv_sec = 1}, never = {.it_value.tv_sec = 0};
	const struct sigaction interrupt = {.sa_handler = be_interrupted};
	DBusConnection *c;

	sigaction(SIGALRM, &interrupt, NULL);
	setitimer(ITIMER_REAL, &second, NULL);
	c = dbus_connection_open_private(address, error);
	setitimer(ITIMER_REAL, &never, NULL);
	return c;
}

static int set_up(DBusConnection *c, DBusHandleMessageFunction filter, void *arg)
{
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	dbus_connection_set_max_message_size(c, BUS_MESSAGE_MAX);
	dbus_connection_set_max_received_size(c, BUS_RECEIVED_MAX);
	dbus_connection_set_max_message_unix_fds(c, BUS_MESSAGE_FDS);
	dbus_connection_set_max_received_unix_fds(c, 4 * BUS_MESSAGE_FDS);
	if (!dbus_connection_set_watch_functions(c, add_watch, remove_watch, toggle_watch, NULL,
						 NULL) ||
	    !dbus_connection_set_timeout_functions(c, add_timeout, remove_timeout, toggle_timeout,
						   NULL, NULL) ||
	    !dbus_connection_add_filter(c, filter, arg, NULL))
		return -ENOMEM;
	return list_add(&connections, c);
}

DBusConnection *bus_loop_open(const char *address, DBusHandleMessageFunction filter, void *arg,
			      struct err *e)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *c = connect_in_time(address, &error);

	if (!c) {
		err_set(e, -ECONNREFUSED, "cannot connect to the bus at %.100s: %.150s", address,
			error.message);
		dbus_error_free(&error);
		return NULL;
	}
	if (set_up(c, filter, arg) < 0) {
		bus_loop_close(c);
		err_sys(e, -ENOMEM, "cannot watch a connection");
		return NULL;
	}
	return c;
}

void bus_loop_close(DBusConnection *c)
{
	if (!c)
		return;
	list_remove(&connections, c);
	dbus_connection_close(c);
	dbus_connection_unref(c);
}

/* --- our own --------------------------------------------------------------------------------- */

int bus_loop_add(int fd, void (*fn)(int fd, void *arg), void *arg)
{
	if (n_owns == BUS_LOOP_FDS_MAX)
		return -ENOSPC;
	owns[n_owns++] = (struct own){fd, fn, arg};
	return 0;
}

void bus_loop_remove(int fd)
{
	for (size_t i = 0; i < n_owns; i++)
		if (owns[i].fd == fd)
			owns[i].fd = -1;
}

static void squeeze_owns(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_owns; i++)
		if (owns[i].fd >= 0)
			owns[n++] = owns[i];
	n_owns = n;
}

/* --- a turn ---------------------------------------------------------------------------------- */

static size_t fill(struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < n_owns; i++)
		fds[n++] = (struct pollfd){.fd = owns[i].fd, .events = POLLIN};
	for (size_t i = 0; i < watches.n; i++) {
		unsigned int flags = dbus_watch_get_flags(watches.at[i]);
		bool on = dbus_watch_get_enabled(watches.at[i]);

		fds[n++] = (struct pollfd){
			.fd = on ? dbus_watch_get_unix_fd(watches.at[i]) : -1,
			.events = (short)((flags & DBUS_WATCH_READABLE ? POLLIN : 0) |
					  (flags & DBUS_WATCH_WRITABLE ? POLLOUT : 0)),
		};
	}
	return n;
}

static void handle(const struct pollfd *fds, size_t own, size_t all)
{
	for (size_t i = 0; i < own; i++)
		if (fds[i].revents && owns[i].fd == fds[i].fd && fds[i].fd >= 0)
			owns[i].fn(owns[i].fd, owns[i].arg);
	for (size_t i = own; i < all; i++) {
		DBusWatch *w = watches.at[i - own];
		short got = fds[i].revents;

		if (got && fds[i].fd >= 0 && w)
			dbus_watch_handle(w, (got & POLLIN ? DBUS_WATCH_READABLE : 0u) |
						     (got & POLLOUT ? DBUS_WATCH_WRITABLE : 0u) |
						     (got & POLLERR ? DBUS_WATCH_ERROR : 0u) |
						     (got & POLLHUP ? DBUS_WATCH_HANGUP : 0u));
	}
}

static void handle_timeouts(void)
{
	int64_t now = util_now_ms();

	for (size_t i = 0; i < timeouts.n; i++) {
		struct due *d = timeouts.at[i];

		if (d && dbus_timeout_get_enabled(d->timeout) && d->at <= now) {
			set_due(d->timeout);
			dbus_timeout_handle(d->timeout);
		}
	}
}

/* Whether there is more. */
static bool dispatch(void)
{
	bool more = false;

	for (size_t i = 0; i < connections.n; i++)
		for (int k = 0; k < TURN_MESSAGES && connections.at[i]; k++) {
			DBusConnection *c = dbus_connection_ref(connections.at[i]);
			DBusDispatchStatus status = dbus_connection_dispatch(c);

			more |= k == TURN_MESSAGES - 1 && status == DBUS_DISPATCH_DATA_REMAINS;
			dbus_connection_unref(c);
			if (status != DBUS_DISPATCH_DATA_REMAINS)
				break;
		}
	return more;
}

static int wait_ms(int timeout_ms)
{
	int64_t now = util_now_ms(), least = timeout_ms < 0 ? INT64_MAX : now + timeout_ms;

	for (size_t i = 0; i < timeouts.n; i++) {
		const struct due *d = timeouts.at[i];

		if (d && dbus_timeout_get_enabled(d->timeout) && d->at < least)
			least = d->at;
	}
	if (least == INT64_MAX)
		return -1;
	return least <= now ? 0 : (int)(least - now < 60000 ? least - now : 60000);
}

int bus_loop_turn(int timeout_ms)
{
	struct pollfd *fds;
	size_t own, n;
	bool more = dispatch();
	int r;

	list_squeeze(&connections);
	list_squeeze(&watches);
	list_squeeze(&timeouts);
	squeeze_owns();
	own = n_owns;
	fds = calloc(own + watches.n + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	n = fill(fds);
	r = poll(fds, n, more ? 0 : wait_ms(timeout_ms));
	r = r < 0 && errno != EINTR ? -errno : r;
	if (r > 0)
		handle(fds, own, n);
	free(fds);
	handle_timeouts();
	return r < 0 ? r : 0;
}
