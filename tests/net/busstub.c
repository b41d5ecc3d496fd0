/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of what a session bus is used for, for the tests: a desktop's services and the programs
 * that use them. $DBUS_SESSION_BUS_ADDRESS says which bus.
 *
 *	busstub serve LOG NAME...	has the names, answers, and writes a line a message to LOG
 *					it clicks on each status icon, but with $BUSSTUB_CLICK
 *					with $BUSSTUB_NUMBERS it numbers notifications, and logs
 *numbers busstub own NAME		has a name until it is killed; says "owned" busstub item
 *a status icon: says "activated" when the panel activates it
 *	busstub dialog			a portal's dialog: says what came back
 *	busstub flood N SIZE		N notifications of SIZE bytes at once: what became of them
 *	busstub calls N			N connections, one call each, all held open until the last
 *	busstub hold N			N calls that nobody answers: how many are refused
 *	busstub fds N			a notification with N descriptors: what is answered
 *	busstub types			one of other types than it has
 *	busstub stay			a notification a line of its input: what it is told
 *	busstub noise N			N signals and calls that nobody wants, then a good one
 */
#include <dbus/dbus.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTIFICATIONS "org.freedesktop.Notifications"
#define NOTIFY_PATH   "/org/freedesktop/Notifications"
#define PORTAL	      "org.freedesktop.portal.Desktop"
#define PORTAL_PATH   "/org/freedesktop/portal/desktop"
#define WATCHER	      "org.kde.StatusNotifierWatcher"
#define ITEM	      "org.kde.StatusNotifierItem"
#define SAVER	      "org.freedesktop.ScreenSaver"
#define WAIT_MS	      20000

static FILE *log_file;

static void flatten(DBusMessageIter *i)
{
	for (; dbus_message_iter_get_arg_type(i); dbus_message_iter_next(i)) {
		int type = dbus_message_iter_get_arg_type(i);
		DBusMessageIter inside;
		dbus_uint32_t number;
		const char *s;

		if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH) {
			dbus_message_iter_get_basic(i, &s);
			fprintf(log_file, " [%.200s]", s);
		} else if (type == DBUS_TYPE_UINT32 && getenv("BUSSTUB_NUMBERS")) {
			dbus_message_iter_get_basic(i, &number);
			fprintf(log_file, " [%u]", number);
		} else if (dbus_type_is_container(type)) {
			dbus_message_iter_recurse(i, &inside);
			flatten(&inside);
		}
	}
}

static void note(const char *what, DBusMessage *m)
{
	DBusMessageIter i;

	fprintf(log_file, "%s %s %s %s.%s", what, dbus_message_get_sender(m),
		dbus_message_get_path(m) ? dbus_message_get_path(m) : "-",
		dbus_message_get_interface(m) ? dbus_message_get_interface(m) : "-",
		dbus_message_get_member(m) ? dbus_message_get_member(m) : "-");
	if (dbus_message_iter_init(m, &i))
		flatten(&i);
	fputc('\n', log_file);
	fflush(log_file);
}

static DBusConnection *connect_bus(void)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusConnection *c = dbus_bus_get_private(DBUS_BUS_SESSION, &e);

	if (!c) {
		fprintf(stderr, "busstub: %s\n", e.message);
		exit(1);
	}
	return c;
}

static DBusMessage *call(DBusConnection *c, DBusMessage *m)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusMessage *answer = dbus_connection_send_with_reply_and_block(c, m, WAIT_MS, &e);

	dbus_message_unref(m);
	if (!answer) {
		printf("error %s\n", e.name);
		exit(1);
	}
	return answer;
}

static void append_entry(DBusMessageIter *dict, const char *key, const char *value)
{
	DBusMessageIter entry, variant;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &value);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

static void append_dict(DBusMessage *m, const char *const *pairs)
{
	DBusMessageIter i, dict;

	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &dict);
	for (; *pairs; pairs += 2)
		append_entry(&dict, pairs[0], pairs[1]);
	dbus_message_iter_close_container(&i, &dict);
}

/* --- the desktop ----------------------------------------------------------------------------- */

static void to_caller(DBusConnection *c, DBusMessage *m, const char *path, const char *interface,
		      const char *member, dbus_uint32_t number, const char *text)
{
	static const char *const results[] = {"uris", "file:///chosen", NULL};
	DBusMessage *s = dbus_message_new_signal(path, interface, member);

	dbus_message_set_destination(s, dbus_message_get_sender(m));
	dbus_message_append_args(s, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	if (text)
		dbus_message_append_args(s, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	else
		append_dict(s, results);
	dbus_connection_send(c, s, NULL);
	dbus_message_unref(s);
}

/* As the portal names it: by its caller and the token, which is always "tok" here. */
static void request_path(char *ret, size_t size, const char *sender)
{
	snprintf(ret, size, PORTAL_PATH "/request/%s/tok", sender + 1);
	for (char *s = ret; *s; s++)
		if (*s == '.')
			*s = '_';
}

static void item_answered(DBusPendingCall *p, void *arg)
{
	DBusMessage *m = dbus_pending_call_steal_reply(p);

	(void)arg;
	note(dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_ERROR ? "item-error" : "item", m);
	dbus_message_unref(m);
	dbus_pending_call_unref(p);
}

/* What a panel does with an icon that registers. */
static void use_item(DBusConnection *c, DBusMessage *m)
{
	const char *service = "", *item = ITEM;
	dbus_int32_t x = 1, y = 2;
	DBusPendingCall *p;
	DBusMessage *out;
	bool path;

	dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &service, DBUS_TYPE_INVALID);
	path = *service == '/';
	out = dbus_message_new_method_call(path ? dbus_message_get_sender(m) : service,
					   path ? service : "/StatusNotifierItem",
					   DBUS_INTERFACE_PROPERTIES, "GetAll");
	dbus_message_append_args(out, DBUS_TYPE_STRING, &item, DBUS_TYPE_INVALID);
	dbus_connection_send_with_reply(c, out, &p, WAIT_MS);
	dbus_pending_call_set_notify(p, item_answered, NULL, NULL);
	dbus_message_unref(out);
	if (getenv("BUSSTUB_CLICK"))
		return;
	out = dbus_message_new_method_call(path ? dbus_message_get_sender(m) : service,
					   path ? service : "/StatusNotifierItem", ITEM,
					   "Activate");
	dbus_message_append_args(out, DBUS_TYPE_INT32, &x, DBUS_TYPE_INT32, &y, DBUS_TYPE_INVALID);
	dbus_message_set_no_reply(out, TRUE);
	dbus_connection_send(c, out, NULL);
	dbus_message_unref(out);
}

/* Toolkits ask a desktop for more than is played here. */
static bool is_known(const char *member)
{
	static const char *const known[] = {"Notify",
					    "CloseNotification",
					    "Inhibit",
					    "GetCapabilities",
					    "OpenFile",
					    "GetAll",
					    "RegisterStatusNotifierItem",
					    "GetServerInformation"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(member, known[i]))
			return true;
	return false;
}

/* The real portal refuses whoever's /proc/PID/root it cannot open: it would not know whether that
 * is a flatpak. */
static bool portal_knows(DBusConnection *c, DBusMessage *m)
{
	const char *sender = dbus_message_get_sender(m);
	DBusMessage *ask =
		dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					     "GetConnectionUnixProcessID");
	dbus_uint32_t pid = 0;
	char path[32];
	int fd;

	dbus_message_append_args(ask, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID);
	ask = call(c, ask);
	dbus_message_get_args(ask, NULL, DBUS_TYPE_UINT32, &pid, DBUS_TYPE_INVALID);
	dbus_message_unref(ask);
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_refused(DBusConnection *c, DBusMessage *m)
{
	const char *interface = dbus_message_get_interface(m);

	return !is_known(dbus_message_get_member(m)) ||
	       (interface && !strncmp(interface, "org.freedesktop.portal.", 23) &&
		!portal_knows(c, m));
}

/* A toolkit looks whether a panel is there before it shows an icon: Qt asks what may be asked,
 * first. */
static bool answer_introspection(DBusConnection *c, DBusMessage *m)
{
	static const char *const xml =
		"<node><interface name=\"" WATCHER "\">"
		"<method name=\"RegisterStatusNotifierItem\"><arg type=\"s\" direction=\"in\"/></method>"
		"<property name=\"IsStatusNotifierHostRegistered\" type=\"b\" access=\"read\"/>"
		"</interface><interface name=\"org.example.Hidden\"><method name=\"Do\"/></interface></node>";
	DBusMessage *r;

	if (!dbus_message_is_method_call(m, DBUS_INTERFACE_INTROSPECTABLE, "Introspect"))
		return false;
	r = dbus_message_new_method_return(m);
	dbus_message_append_args(r, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID);
	dbus_connection_send(c, r, NULL);
	dbus_message_unref(r);
	return true;
}

static bool answer_property(DBusConnection *c, DBusMessage *m)
{
	const char *interface, *property;
	dbus_bool_t yes = TRUE;
	DBusMessageIter i, variant;
	DBusMessage *r;

	if (!dbus_message_is_method_call(m, DBUS_INTERFACE_PROPERTIES, "Get") ||
	    !dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
				   &property, DBUS_TYPE_INVALID) ||
	    strcmp(property, "IsStatusNotifierHostRegistered") != 0)
		return false;
	r = dbus_message_new_method_return(m);
	dbus_message_iter_init_append(r, &i);
	dbus_message_iter_open_container(&i, DBUS_TYPE_VARIANT, "b", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_BOOLEAN, &yes);
	dbus_message_iter_close_container(&i, &variant);
	dbus_connection_send(c, r, NULL);
	dbus_message_unref(r);
	return true;
}

/* As a desktop does: that of the one in whose place it comes, else the next. */
static dbus_uint32_t number_of(DBusMessage *m)
{
	static dbus_uint32_t last = 6;
	dbus_uint32_t replaces = 0;
	const char *app;

	if (!getenv("BUSSTUB_NUMBERS"))
		return 7;
	dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &app, DBUS_TYPE_UINT32, &replaces,
			      DBUS_TYPE_INVALID);
	return replaces ? replaces : ++last;
}

static void answer(DBusConnection *c, DBusMessage *m)
{
	static const char *const properties[] = {"version", "1", "Hidden", "x", NULL};
	static const char *const words[] = {"body", "body-images", "body-hyperlinks"};
	const char *const *list = words;
	const char *self = "stub", *version = "1.2";
	const char *member = dbus_message_get_member(m);
	bool refused = is_refused(c, m);
	DBusMessage *r = refused ? dbus_message_new_error(m, DBUS_ERROR_UNKNOWN_METHOD, "Unknown")
				 : dbus_message_new_method_return(m);
	dbus_uint32_t number = strcmp(member, "Notify") ? 7 : number_of(m);
	char path[256];
	const char *p = path;

	request_path(path, sizeof(path), dbus_message_get_sender(m));
	if (refused) {
		dbus_connection_send(c, r, NULL);
		dbus_message_unref(r);
		return;
	}
	if (!strcmp(member, "Notify") || !strcmp(member, "Inhibit"))
		dbus_message_append_args(r, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	else if (!strcmp(member, "GetCapabilities"))
		dbus_message_append_args(r, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list, 3,
					 DBUS_TYPE_INVALID);
	else if (!strcmp(member, "GetServerInformation"))
		dbus_message_append_args(r, DBUS_TYPE_STRING, &self, DBUS_TYPE_STRING, &self,
					 DBUS_TYPE_STRING, &version, DBUS_TYPE_STRING, &version,
					 DBUS_TYPE_INVALID);
	else if (!strcmp(member, "OpenFile"))
		dbus_message_append_args(r, DBUS_TYPE_OBJECT_PATH, &p, DBUS_TYPE_INVALID);
	else if (!strcmp(member, "GetAll"))
		append_dict(r, properties);
	dbus_connection_send(c, r, NULL);
	dbus_message_unref(r);
	if (!strcmp(member, "Notify"))
		to_caller(c, m, NOTIFY_PATH, NOTIFICATIONS, "ActionInvoked", number, "default");
	if (!strcmp(member, "OpenFile"))
		to_caller(c, m, path, "org.freedesktop.portal.Request", "Response", 0, NULL);
	if (!strcmp(member, "RegisterStatusNotifierItem"))
		use_item(c, m);
}

static DBusHandlerResult serve_one(DBusConnection *c, DBusMessage *m, void *arg)
{
	const char *name, *old, *new;

	(void)arg;
	if (dbus_message_is_method_call(m, SAVER, "GetSessionIdleTime"))
		return DBUS_HANDLER_RESULT_HANDLED; /* and never answers */
	if (dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
		note("call", m);
		if (!answer_property(c, m) && !answer_introspection(c, m))
			answer(c, m);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
	    dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				  DBUS_TYPE_STRING, &new, DBUS_TYPE_INVALID) &&
	    !*new) {
		fprintf(log_file, "gone %s\n", name);
		fflush(log_file);
	} else if (dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_SIGNAL &&
		   !dbus_message_has_sender(m, DBUS_SERVICE_DBUS))
		note("signal", m);
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void own(DBusConnection *c, const char *name)
{
	if (dbus_bus_request_name(c, name, DBUS_NAME_FLAG_DO_NOT_QUEUE, NULL) !=
	    DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER) {
		fprintf(stderr, "busstub: cannot own %s\n", name);
		exit(1);
	}
}

static int serve(const char *file, char **names)
{
	DBusConnection *c = connect_bus();

	log_file = fopen(file, "a");
	if (!log_file)
		return 1;
	dbus_connection_add_filter(c, serve_one, NULL, NULL);
	dbus_bus_add_match(c, "type='signal',member='NameOwnerChanged'", NULL);
	dbus_bus_add_match(c, "type='signal',interface='" ITEM "'", NULL);
	while (*names)
		own(c, *names++);
	fprintf(log_file, "ready\n");
	fflush(log_file);
	while (dbus_connection_read_write_dispatch(c, -1))
		;
	return 0;
}

/* --- the programs ---------------------------------------------------------------------------- */

static int own_only(const char *name)
{
	DBusConnection *c = connect_bus();

	own(c, name);
	puts("owned");
	fflush(stdout);
	while (dbus_connection_read_write_dispatch(c, -1))
		;
	return 0;
}

static bool activated;

static DBusHandlerResult item_one(DBusConnection *c, DBusMessage *m, void *arg)
{
	static const char *const properties[] = {
		"IconName", "/tmp/own/icon.png", "IconThemePath", "/net/evil", "Title", "an item",
		NULL};
	DBusMessage *r;

	(void)arg;
	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	activated |= dbus_message_is_method_call(m, ITEM, "Activate");
	r = dbus_message_new_method_return(m);
	if (dbus_message_is_method_call(m, DBUS_INTERFACE_PROPERTIES, "GetAll"))
		append_dict(r, properties);
	if (!dbus_message_get_no_reply(m))
		dbus_connection_send(c, r, NULL);
	dbus_message_unref(r);
	return DBUS_HANDLER_RESULT_HANDLED;
}

static int item(void)
{
	DBusConnection *c = connect_bus();
	char name[64];
	const char *n = name;
	DBusMessage *m = dbus_message_new_method_call(WATCHER, "/StatusNotifierWatcher", WATCHER,
						      "RegisterStatusNotifierItem");

	snprintf(name, sizeof(name), ITEM "-%d-1", getpid());
	own(c, name);
	dbus_connection_add_filter(c, item_one, NULL, NULL);
	dbus_message_append_args(m, DBUS_TYPE_STRING, &n, DBUS_TYPE_INVALID);
	dbus_message_unref(call(c, m));
	while (!activated && dbus_connection_read_write_dispatch(c, -1))
		;
	m = dbus_message_new_signal("/StatusNotifierItem", ITEM, "NewIcon");
	dbus_connection_send(c, m, NULL);
	dbus_message_unref(m);
	dbus_connection_flush(c);
	puts("activated");
	return 0;
}

static bool responded;

static DBusHandlerResult dialog_one(DBusConnection *c, DBusMessage *m, void *arg)
{
	const char *path = arg;

	(void)c;
	if (!dbus_message_is_signal(m, "org.freedesktop.portal.Request", "Response"))
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (strcmp(dbus_message_get_path(m), path) == 0)
		note("response", m);
	responded = true;
	return DBUS_HANDLER_RESULT_HANDLED;
}

static int dialog(void)
{
	static const char *const options[] = {"handle_token", "tok", NULL};
	const char *parent = "", *title = "Open";
	char path[256];
	const char *got = "";
	DBusConnection *c = connect_bus();
	DBusMessage *m = dbus_message_new_method_call(
		PORTAL, PORTAL_PATH, "org.freedesktop.portal.FileChooser", "OpenFile");

	log_file = stdout;
	request_path(path, sizeof(path), dbus_bus_get_unique_name(c));
	dbus_connection_add_filter(c, dialog_one, path, NULL);
	dbus_bus_add_match(c, "type='signal',interface='org.freedesktop.portal.Request'", NULL);
	dbus_message_append_args(m, DBUS_TYPE_STRING, &parent, DBUS_TYPE_STRING, &title,
				 DBUS_TYPE_INVALID);
	append_dict(m, options);
	m = call(c, m);
	dbus_message_get_args(m, NULL, DBUS_TYPE_OBJECT_PATH, &got, DBUS_TYPE_INVALID);
	printf("path %s\n", strcmp(got, path) == 0 ? "as expected" : got);
	while (!responded && dbus_connection_read_write_dispatch(c, -1))
		;
	return 0;
}

static DBusMessage *notification(const char *body)
{
	static const char *const hints[] = {NULL};
	const char *empty = "";
	const char *const none[] = {NULL};
	const char *const *list = none;
	dbus_uint32_t id = 0;
	dbus_int32_t time = -1;
	DBusMessage *m =
		dbus_message_new_method_call(NOTIFICATIONS, NOTIFY_PATH, NOTIFICATIONS, "Notify");

	dbus_message_append_args(m, DBUS_TYPE_STRING, &empty, DBUS_TYPE_UINT32, &id,
				 DBUS_TYPE_STRING, &empty, DBUS_TYPE_STRING, &empty,
				 DBUS_TYPE_STRING, &body, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list,
				 0, DBUS_TYPE_INVALID);
	append_dict(m, hints);
	dbus_message_append_args(m, DBUS_TYPE_INT32, &time, DBUS_TYPE_INVALID);
	return m;
}

static int flood(int n, size_t size)
{
	char *body = malloc(size + 1);
	DBusPendingCall **pending = calloc((size_t)n, sizeof(DBusPendingCall *));
	DBusConnection *c = connect_bus();
	int good = 0, refused = 0;

	if (!body || !pending)
		return 1;
	memset(body, 'x', size);
	body[size] = '\0';
	dbus_connection_set_max_message_size(c, DBUS_MAXIMUM_MESSAGE_LENGTH);
	for (int i = 0; i < n; i++) {
		DBusMessage *m = notification(body);

		dbus_connection_send_with_reply(c, m, &pending[i], DBUS_TIMEOUT_INFINITE);
		dbus_message_unref(m);
	}
	for (int i = 0; i < n; i++) {
		DBusMessage *m;

		dbus_pending_call_block(pending[i]);
		m = dbus_pending_call_steal_reply(pending[i]);
		good += dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_RETURN;
		refused += dbus_message_is_error(m, DBUS_ERROR_LIMITS_EXCEEDED) ||
			   dbus_message_is_error(m, DBUS_ERROR_ACCESS_DENIED);
		dbus_message_unref(m);
		dbus_pending_call_unref(pending[i]);
	}
	printf("%s\n", good + refused != n ? "lost" : good ? "answered" : "refused");
	free(pending);
	free(body);
	return 0;
}

static int calls(int n)
{
	int good = 0, limited = 0;

	for (int i = 0; i < n; i++) {
		DBusConnection *c = connect_bus();
		DBusMessage *m = notification("one of many"), *r;

		r = dbus_connection_send_with_reply_and_block(c, m, WAIT_MS, NULL);
		good += r != NULL;
		limited += r == NULL;
		dbus_message_unref(m);
		if (r)
			dbus_message_unref(r);
	}
	printf("answered %d refused %d\n", good, limited);
	return 0;
}

/* --- a hostile one ---------------------------------------------------------------------------- */

static int hold(int n)
{
	DBusConnection *c = connect_bus();
	DBusPendingCall **pending = calloc((size_t)n, sizeof(DBusPendingCall *));
	DBusMessage *m;
	int limited = 0;

	if (!pending)
		return 1;
	for (int i = 0; i < n; i++) {
		m = dbus_message_new_method_call(SAVER, "/ScreenSaver", SAVER,
						 "GetSessionIdleTime");
		dbus_connection_send_with_reply(c, m, &pending[i], DBUS_TIMEOUT_INFINITE);
		dbus_message_unref(m);
	}
	/* What is refused is refused before what comes later is. */
	m = dbus_message_new_method_call(SAVER, "/ScreenSaver", SAVER, "Nonsense");
	dbus_connection_send_with_reply_and_block(c, m, WAIT_MS, NULL);
	dbus_message_unref(m);
	while (dbus_connection_dispatch(c) == DBUS_DISPATCH_DATA_REMAINS)
		;
	for (int i = 0; i < n; i++) {
		if (!dbus_pending_call_get_completed(pending[i]))
			continue;
		m = dbus_pending_call_steal_reply(pending[i]);
		if (dbus_message_is_error(m, DBUS_ERROR_LIMITS_EXCEEDED))
			limited++;
	}
	printf("limited %d\n", limited);
	return 0;
}

static void print_answer(DBusConnection *c, DBusMessage *m)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusMessage *r = dbus_connection_send_with_reply_and_block(c, m, WAIT_MS, &e);

	puts(r ? "answered" : e.name);
	dbus_message_unref(m);
	if (r)
		dbus_message_unref(r);
}

static int descriptors(int n)
{
	DBusMessage *m = dbus_message_new_method_call(
		PORTAL, PORTAL_PATH, "org.freedesktop.portal.FileChooser", "OpenFile");
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < n; i++)
		dbus_message_append_args(m, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
	print_answer(connect_bus(), m);
	return 0;
}

static int types(void)
{
	DBusMessage *m =
		dbus_message_new_method_call(NOTIFICATIONS, NOTIFY_PATH, NOTIFICATIONS, "Notify");
	dbus_uint32_t number = 1;

	dbus_message_append_args(m, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
	print_answer(connect_bus(), m);
	return 0;
}

static DBusHandlerResult print_signal(DBusConnection *c, DBusMessage *m, void *arg)
{
	dbus_uint32_t number;
	const char *text;

	(void)c;
	(void)arg;
	if (dbus_message_is_signal(m, NOTIFICATIONS, "ActionInvoked") &&
	    dbus_message_get_args(m, NULL, DBUS_TYPE_UINT32, &number, DBUS_TYPE_STRING, &text,
				  DBUS_TYPE_INVALID))
		printf("told %s\n", text);
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* A line of standard input is a notification; what is told of it is printed. It also says news of
 * an icon that it never had. */
static int stay(void)
{
	DBusConnection *c = connect_bus();
	DBusMessage *m;
	char line[16];

	dbus_bus_add_match(c, "type='signal',interface='" NOTIFICATIONS "'", NULL);
	dbus_connection_add_filter(c, print_signal, NULL, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		m = dbus_message_new_signal("/StatusNotifierItem", ITEM, "NewTitle");
		dbus_connection_send(c, m, NULL);
		dbus_message_unref(m);
		dbus_message_unref(call(c, notification(line)));
		for (int i = 0; i < 10; i++)
			dbus_connection_read_write_dispatch(c, 100);
		puts("said");
	}
	return 0;
}

static int noise(int n)
{
	DBusConnection *c = connect_bus();

	for (int i = 0; i < n; i++) {
		DBusMessage *s =
			dbus_message_new_signal(NOTIFY_PATH, NOTIFICATIONS, "ActionInvoked");
		DBusMessage *m = dbus_message_new_method_call(NOTIFICATIONS, NOTIFY_PATH,
							      NOTIFICATIONS, "Nonsense");

		dbus_message_set_destination(s, NOTIFICATIONS);
		dbus_message_set_no_reply(m, i % 2 != 0);
		dbus_connection_send(c, s, NULL);
		dbus_connection_send(c, m, NULL);
		dbus_message_unref(s);
		dbus_message_unref(m);
	}
	print_answer(c, notification("after the noise"));
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv + 3);
	if (argc == 3 && !strcmp(argv[1], "own"))
		return own_only(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "item"))
		return item();
	if (argc == 2 && !strcmp(argv[1], "dialog"))
		return dialog();
	if (argc == 4 && !strcmp(argv[1], "flood"))
		return flood((int)strtol(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "calls"))
		return calls((int)strtol(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold((int)strtol(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "fds"))
		return descriptors((int)strtol(argv[2], NULL, 10));
	if (argc == 2 && !strcmp(argv[1], "stay"))
		return stay();
	if (argc == 2 && !strcmp(argv[1], "types"))
		return types();
	if (argc == 3 && !strcmp(argv[1], "noise"))
		return noise((int)strtol(argv[2], NULL, 10));
	fputs("usage: busstub serve|own|item|dialog|flood|calls|hold|fds|types|noise ...\n",
	      stderr);
	return 2;
}
