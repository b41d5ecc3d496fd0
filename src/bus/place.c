/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes the helper out of what it was started in. Must never fail a session: what cannot be had is
 * left as it is. Called by the main of vpnrun-session, before it confines itself.
 */
#include "bus/place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "bus/loop.h"
#include "ipc/use.h"

#define JOURNAL	      "/run/systemd/journal/stdout"
#define SYSTEMD	      "org.freedesktop.systemd1"
#define WAIT_MS	      5000
#define ROUND_MS      10
#define COME_MS	      2000
#define COME_ROUND_MS 50

/* The lines that such a stream begins with: name, unit, priority, whether lines begin with one of
 * their own, and three copies that are not wanted. */
static const char head[] = "vpnrun-session\n\n6\n0\n0\n0\n0\n";

void place_journal(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = JOURNAL};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int flags;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    shutdown(fd, SHUT_RD) < 0 ||
	    send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) != sizeof(head) - 1)
		return;
	/* What the bus starts writes there, too, and expects to be waited for. */
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		dup2(fd, STDERR_FILENO);
}

/* --- a scope --------------------------------------------------------------------------------- */

static bool add_property(DBusMessageIter *list, const char *key, const char *signature,
			 const void *value)
{
	DBusMessageIter pair, variant, array;
	bool good = dbus_message_iter_open_container(list, DBUS_TYPE_STRUCT, NULL, &pair) &&
		    dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &key) &&
		    dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, signature, &variant);

	if (good && *signature == DBUS_TYPE_ARRAY)
		good = dbus_message_iter_open_container(&variant, DBUS_TYPE_ARRAY, signature + 1,
							&array) &&
		       dbus_message_iter_append_basic(&array, signature[1], value) &&
		       dbus_message_iter_close_container(&variant, &array);
	else if (good)
		good = dbus_message_iter_append_basic(&variant, *signature, value);
	return good && dbus_message_iter_close_container(&pair, &variant) &&
	       dbus_message_iter_close_container(list, &pair);
}

static bool fill(DBusMessage *m, const char *unit, const char *what)
{
	const char *mode = "fail", *collect = "inactive-or-failed";
	dbus_uint32_t pid = (dbus_uint32_t)getpid();
	DBusMessageIter i, list;

	dbus_message_iter_init_append(m, &i);
	return dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &unit) &&
	       dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &mode) &&
	       dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "(sv)", &list) &&
	       add_property(&list, "Description", "s", &what) &&
	       add_property(&list, "CollectMode", "s", &collect) &&
	       add_property(&list, "PIDs", "au", &pid) &&
	       dbus_message_iter_close_container(&i, &list) &&
	       dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "(sa(sv))", &list) &&
	       dbus_message_iter_close_container(&i, &list);
}

/* 0: it is begun; -ENOENT: nobody has systemd's name; it is not started for this. */
static int ask(DBusConnection *c, const char *unit, const char *what)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusMessage *m = dbus_message_new_method_call(SYSTEMD, "/org/freedesktop/systemd1",
						      SYSTEMD ".Manager", "StartTransientUnit");
	DBusMessage *answer = NULL;
	int r = -EIO;

	if (!m)
		return -ENOMEM;
	dbus_message_set_auto_start(m, FALSE);
	if (fill(m, unit, what))
		answer = dbus_connection_send_with_reply_and_block(c, m, WAIT_MS, &e);
	if (dbus_error_has_name(&e, DBUS_ERROR_SERVICE_UNKNOWN) ||
	    dbus_error_has_name(&e, DBUS_ERROR_NAME_HAS_NO_OWNER))
		r = -ENOENT;
	dbus_error_free(&e);
	dbus_message_unref(m);
	if (!answer)
		return r;
	dbus_message_unref(answer);
	return 0;
}

/* Where the user has a systemd, it comes to a bus that has just been started a moment later. */
static int ask_until_there(DBusConnection *c, const char *unit, const char *what)
{
	bool may_come = faccessat(USE_FD_DIR, "../../systemd/private", F_OK, 0) == 0;
	int r = ask(c, unit, what);

	for (int i = 0; r == -ENOENT && may_come && i < COME_MS / COME_ROUND_MS; i++) {
		poll(NULL, 0, COME_ROUND_MS);
		r = ask(c, unit, what);
	}
	return r;
}

static bool is_in(const char *unit)
{
	AUTO_FREE char *text = NULL;

	return file_read("/proc/self/cgroup", 65536, &text, NULL, NULL) < 0 || strstr(text, unit);
}

static DBusHandlerResult ignore(DBusConnection *c, DBusMessage *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

void place_scope(const struct bridge *b, const char *vpn)
{
	char unit[128], what[128];
	struct err e = ERR_INIT;
	DBusConnection *c = bridge_open_outside(b, ignore, NULL, &e);

	/* The answer says that it was begun. What is started before it is done would stay behind.
	 */
	if (c && str_fmt(unit, sizeof(unit), "vpnrun-session-%s-%d.scope", vpn, getpid()) > 0 &&
	    str_fmt(what, sizeof(what), "Session bus of the programs in VPN '%s'", vpn) > 0 &&
	    dbus_bus_register(c, NULL) && ask_until_there(c, unit, what) == 0)
		for (int i = 0; i < WAIT_MS / ROUND_MS && !is_in(unit); i++)
			poll(NULL, 0, ROUND_MS);
	bus_loop_close(c);
}
