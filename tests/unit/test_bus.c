/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bus/: what policy/dbus/ says, and what becomes of a message on its way out of a VPN and back
 * (L63).
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "bus/policy.h"
#include "bus/rewrite.h"
#include "bus/settings.h"
#include "bus/text.h"

static struct bus_policy policy;

/* --- policy ---------------------------------------------------------------------------------- */

static int parse(const char *text, struct err *e)
{
	static char copies[16][2048];
	static unsigned int used;
	char *copy = copies[used++ % ARRAY_SIZE(copies)];

	str_copy(copy, sizeof(copies[0]), text);
	return bus_policy_parse(&policy, "x.conf", copy, e);
}

static void test_policy(void)
{
	static const char *const bad[] = {
		"name a.b\nallow x y\n",
		"name\n",
		"call a.b C\n",
		"start\n",
		"name a.b\ncall a.b\n",
		"name a.b\ncall a.b C unknown\n",
		"name a.b\ncall a b c d e\n",
		"name a.b\nstart now\n",
		"name a b\n",
		"name a.b\ncall a.b C plain d e f\n",
	};
	const struct bus_service *s = policy.services;
	struct err e = ERR_INIT;
	char long_text[4096] = "name a.b\n";

	is_int(parse("# a comment\n\n  name a.b # and one\nname a.c\nstart\ncall a.I M\n"
		     "call a.J *\nread a.I P item\nhide x.y\nbackground z.*\n",
		     &e),
	       0, "a file is read");
	is_int((long long)policy.n_services, 1, "it is one service");
	is_int((long long)s->n_names, 2, "with its names");
	ok(s->start, "that may be started");
	ok(bus_policy_find(s, BUS_CALL, "a.I", "M"), "a method that is listed");
	ok(!bus_policy_find(s, BUS_CALL, "a.I", "N"), "L63: one that is not");
	ok(!bus_policy_find(s, BUS_READ, "a.I", "M"), "L63: a method is no property");
	ok(!bus_policy_find(s, BUS_CALL, "a.K", "M"), "L63: another interface");
	ok(!bus_policy_find(s, BUS_CALL, NULL, "M"), "L63: no interface");
	ok(bus_policy_find(s, BUS_CALL, "a.J", "Any"), "every method");
	is_int(bus_policy_find(s, BUS_READ, "a.I", "P")->rewrite, BUS_ITEM, "its rewrite");
	ok(bus_policy_lists(policy.hidden, policy.n_hidden, "x.y"), "a hidden name");
	ok(bus_policy_lists(policy.background, policy.n_background, "z.anything"), "a beginning");
	ok(!bus_policy_lists(policy.background, policy.n_background, "z"), "not what is shorter");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(parse(bad[i], &e) < 0, "refused: %s", e.msg);
	is_int((long long)policy.n_services, 1, "what is refused adds nothing");
	for (int i = 0; i < BUS_RULES_MAX + 1; i++)
		strncat(long_text, "call a.I M\n", sizeof(long_text) - strlen(long_text) - 1);
	ok(bus_policy_parse(&policy, "x.conf", long_text, &e) == -E2BIG, "too many lines");
	ok(parse("name a.b\nname a.c\nname a.d\nname a.e\nname a.f\n", &e) == -E2BIG,
	   "too many names");
	is_int(bus_policy_load(&policy, &e), 0, "what is built in can be read");
	ok(policy.n_services > 10, "and is there");
}

/* Whoever adds a line that lets a program inside act outside has to change this. */
static void test_builtin(void)
{
	static const char *const never[] = {
		"org.freedesktop.portal.OpenURI",
		"org.freedesktop.portal.Background",
		"org.freedesktop.portal.DynamicLauncher",
		"org.freedesktop.portal.Screenshot",
		"org.freedesktop.portal.ScreenCast",
		"org.freedesktop.portal.RemoteDesktop",
		"org.freedesktop.portal.ProxyResolver",
		"org.freedesktop.portal.NetworkMonitor",
		"org.freedesktop.portal.Email",
		"org.freedesktop.portal.Location",
		"org.freedesktop.systemd1.Manager",
		"org.freedesktop.Flatpak.Development",
		"org.gtk.vfs.MountTracker",
		"org.freedesktop.Application",
		"org.fcitx.Fcitx.Controller1",
		"org.kde.KWin",
		"org.gnome.Shell",
		"org.freedesktop.FileManager1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		bool known = false;

		for (size_t k = 0; k < policy.n_services; k++)
			known |= bus_policy_knows(&policy.services[k], BUS_CALL, never[i]);
		ok(!known, "L40 L63: %s is not carried", never[i]);
	}
}

static enum bus_rewrite rewrite_of(enum bus_kind kind, const char *interface, const char *member)
{
	for (size_t k = 0; k < policy.n_services; k++) {
		const struct bus_rule *r =
			bus_policy_find(&policy.services[k], kind, interface, member);

		if (r)
			return r->rewrite;
	}
	return BUS_PLAIN;
}

/* Whoever takes a rewrite away lets through what the desktop would fetch. */
static void test_rewrites(void)
{
	static const struct {
		enum bus_kind kind;
		const char *interface, *member;
		enum bus_rewrite rewrite;
	} cases[] = {
		{BUS_CALL, "org.freedesktop.Notifications", "Notify", BUS_NOTIFY},
		{BUS_CALL, "org.freedesktop.Notifications", "GetCapabilities", BUS_CAPABILITIES},
		{BUS_CALL, "org.freedesktop.portal.Notification", "AddNotification",
		 BUS_NOTIFICATION},
		{BUS_CALL, "org.kde.StatusNotifierWatcher", "RegisterStatusNotifierItem",
		 BUS_REGISTER},
		{BUS_ITEM_READ, "org.kde.StatusNotifierItem", "IconName", BUS_ITEM},
		{BUS_ITEM_CALL, "com.canonical.dbusmenu", "GetLayout", BUS_ITEM},
		{BUS_ITEM_CALL, "com.canonical.dbusmenu", "GetGroupProperties", BUS_ITEM},
		{BUS_ITEM_CALL, "com.canonical.dbusmenu", "GetProperty", BUS_ITEM},
		{BUS_ITEM_SIGNAL, "com.canonical.dbusmenu", "ItemsPropertiesUpdated", BUS_ITEM},
		{BUS_CALL, "ca.desrt.dconf.Writer", "Change", BUS_SETTINGS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ok(rewrite_of(cases[i].kind, cases[i].interface, cases[i].member) ==
			   cases[i].rewrite,
		   "L63: %s.%s is rewritten", cases[i].interface, cases[i].member);
	ok(bus_policy_lists(policy.hidden, policy.n_hidden, "org.freedesktop.systemd1"),
	   "L40: systemd is neither carried nor started");
}

/* --- text ------------------------------------------------------------------------------------ */

static void test_icon(void)
{
	static const char *const cases[][2] = {
		{"dialog-information", "dialog-information"},
		{"org.gnome.Text-Editor", "org.gnome.Text-Editor"},
		{"/usr/share/icons/hicolor/48x48/apps/foo.png", "foo"},
		{"/tmp/x.svg", "x"},
		{"/net/evil/share/", ""},
		{"file:///etc/passwd", ""},
		{"http://evil/x.png", ""},
		{"//evil/share/a.png", "a"},
		{"a/b", ""},
		{"../x", ""},
		{"data:image/png,x", ""},
		{"http:x", ""},
		{"a\\b", ""},
		{"<img>", ""},
		{"a\nb", ""},
		{"%2Fetc", ""},
		{"", ""},
	};
	char s[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		str_copy(s, sizeof(s), cases[i][0]);
		bus_text_icon(s);
		is_str(s, cases[i][1], "L63: an icon is a name of the theme");
	}
}

static void test_markup(void)
{
	static const char *const cases[][2] = {
		{"plain & simple", "plain & simple"},
		{"<b>x</b> <i>y</i> <u>z</u>", "<b>x</b> <i>y</i> <u>z</u>"},
		{"<a href=\"http://evil/\">x</a>", "x"},
		{"<img src=\"http://evil/x.png\" alt=\"a\"/>y", "y"},
		{"<img src=\"a>b\">", "b\">"},
		{"<<img src=x>", ""},
		{"<b<img src=x>>", ">"},
		{"<im<b>g src=\"http://evil\">", "g src=\"http://evil\">"},
		{"a < b", "a  b"},
		{"<b onclick=\"x\">y</b>", "y</b>"},
		{"<B>x</B>", "x"},
		{"x<img src=http://evil", "x"},
		{"x<", "x"},
		{"<!-- <img src=x> -->", " -->"},
		{"&lt;img&gt;", "&lt;img&gt;"},
	};
	char s[128];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		str_copy(s, sizeof(s), cases[i][0]);
		bus_text_markup(s);
		is_str(s, cases[i][1], "L63: markup without links and pictures");
	}
}

static void test_paths(void)
{
	char s[128], small[8];

	is_int(bus_text_sender(":1.50", s, sizeof(s)), 0, "a unique name");
	is_str(s, "1_50", "as the portal writes it");
	is_int(bus_text_sender(":1.5000000", small, sizeof(small)), -E2BIG, "too long");
	is_int(bus_text_owner(BUS_PORTAL "request/1_5/t", "1_5"), BUS_OWN, "his own request");
	is_int(bus_text_owner(BUS_PORTAL "request/1_55/t", "1_5"), BUS_FOREIGN,
	       "L63: another's, though it begins alike");
	is_int(bus_text_owner(BUS_PORTAL "session/1_6/t", "1_5"), BUS_FOREIGN,
	       "L63: another's session");
	is_int(bus_text_owner("/org/freedesktop/portal/desktop", "1_5"), BUS_NOBODYS, "nobody's");
	is_int(bus_text_owner("/a/b", "1_5"), BUS_NOBODYS, "another path");
	is_int(bus_text_move(BUS_PORTAL "request/1_5/t", "1_5", "1_77", s, sizeof(s)) < 0, 0,
	       "moved");
	is_str(s, BUS_PORTAL "request/1_77/t", "to the other bus's name");
	is_int(bus_text_move(BUS_PORTAL "request/1_5/t", "1_5", "1_77", small, sizeof(small)),
	       -E2BIG, "no room");
}

static bool keep_good(void *arg, const char *interface)
{
	(void)arg;
	return strcmp(interface, "good") == 0;
}

static void test_introspection(void)
{
	char s[] = "<node><interface name=\"good\"><method name=\"a\"/></interface>"
		   "<interface name=\"bad\"><method name=\"b\"/></interface>"
		   "<interface name=\"good\"></interface><interface name=\"cut";

	bus_text_introspection(s, keep_good, NULL);
	is_str(s,
	       "<node><interface name=\"good\"><method name=\"a\"/></interface>"
	       "<interface name=\"good\"></interface>",
	       "L63: an introspection shows what is carried");
}

static void test_address(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"unix:path=/run/user/1000/bus", true},
		{"unix:abstract=/tmp/dbus-x,guid=1", true},
		{"unix:guid=1,path=/x", true},
		{"unix:tmpdir=/tmp", false},
		{"unixexec:path=/bin/sh,argv1=-c", false},
		{"autolaunch:", false},
		{"abcd:path=/x", false},
		{"tcp:host=127.0.0.1,port=1", false},
		{"nonce-tcp:host=x", false},
		{"launchd:env=X", false},
		{"unix:", false},
		{"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(bus_text_is_address(cases[i].text), cases[i].good, cases[i].text);
}

/* --- messages -------------------------------------------------------------------------------- */

static const struct bus_names names = {":1.5", ":1.77", "1_5", "1_77"};

static DBusMessage *message(void)
{
	return dbus_message_new_method_call("a.b", "/a", "a.b", "C");
}

static void add_entry(DBusMessageIter *dict, const char *key, const char *value)
{
	DBusMessageIter entry, variant;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &value);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

/* All strings of a message, one behind the other. */
static void flatten(DBusMessageIter *i, char *text, size_t size)
{
	for (; dbus_message_iter_get_arg_type(i); dbus_message_iter_next(i)) {
		int type = dbus_message_iter_get_arg_type(i);
		DBusMessageIter inside;
		const char *s;

		if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH) {
			dbus_message_iter_get_basic(i, &s);
			strncat(text, s, size - strlen(text) - 1);
			strncat(text, "|", size - strlen(text) - 1);
		} else if (dbus_type_is_container(type)) {
			dbus_message_iter_recurse(i, &inside);
			flatten(&inside, text, size);
		}
	}
}

static int rewrite(const struct bus_passage *p, DBusMessage *in, char *text, size_t size)
{
	DBusMessage *out = message();
	DBusMessageIter i;
	int r = bus_rewrite_body(p, in, out);

	*text = '\0';
	if (r == 0 && dbus_message_iter_init(out, &i))
		flatten(&i, text, size);
	if (r == 0)
		ok(p->interface || p->rewrite == BUS_CAPABILITIES ||
			   dbus_message_has_signature(out, dbus_message_get_signature(in)),
		   "the types stay");
	dbus_message_unref(out);
	return r;
}

static DBusMessage *notification(void)
{
	const char *app = "app", *icon = "/tmp/i.png", *summary = "1 < 2";
	const char *body = "<a href=\"http://evil\">x</a><img src=\"http://evil/i\"/><b>y</b>";
	dbus_uint32_t id = 0;
	dbus_int32_t time = -1;
	DBusMessageIter i, array;
	DBusMessage *m = message();

	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &app);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_UINT32, &id);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &icon);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &summary);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &body);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "s", &array);
	dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &app);
	dbus_message_iter_close_container(&i, &array);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &array);
	add_entry(&array, "category", "im");
	add_entry(&array, "image-path", "http://evil/i.png");
	add_entry(&array, "sound-file", "/net/evil/s.ogg");
	add_entry(&array, "x-kde-urls", "http://evil");
	add_entry(&array, "desktop-entry", "/tmp/evil.desktop");
	dbus_message_iter_close_container(&i, &array);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_INT32, &time);
	return m;
}

static void test_notify(void)
{
	struct bus_passage p = {.names = &names, .outwards = true, .rewrite = BUS_NOTIFY};
	DBusMessage *m = notification(), *wrong = message();
	char text[1024];

	is_int(rewrite(&p, m, text, sizeof(text)), 0, "a notification");
	is_str(text,
	       "app|i|1 < 2|x<b>y</b>|app|category|im|image-path||desktop-entry|evil.desktop|",
	       "L63: without links, pictures by address, sounds and paths");
	p.rewrite = BUS_PLAIN;
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "as it is");
	ok(strstr(text, "http://evil"), "control: without the rewrite they are there");
	p.rewrite = BUS_NOTIFY;
	is_int(rewrite(&p, wrong, text, sizeof(text)), -EINVAL, "other types are refused");
	dbus_message_unref(m);
	dbus_message_unref(wrong);
}

/* The portal's: what it may hold is listed. */
static void test_notification(void)
{
	struct bus_passage p = {.names = &names, .outwards = true, .rewrite = BUS_NOTIFICATION};
	const char *id = "id";
	DBusMessageIter i, dict;
	DBusMessage *m = message(), *wrong = message();
	char text[1024];

	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &id);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &dict);
	add_entry(&dict, "title", "t");
	add_entry(&dict, "body", "<a href=\"http://evil\">x</a>");
	add_entry(&dict, "sound", "/net/evil/s.ogg");
	add_entry(&dict, "x-url", "http://evil");
	dbus_message_iter_close_container(&i, &dict);
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "a portal's notification");
	is_str(text, "id|title|t|body|x|", "L63: without links, sounds and what is not known");
	is_int(rewrite(&p, wrong, text, sizeof(text)), -EINVAL, "other types are refused");
	dbus_message_unref(m);
	dbus_message_unref(wrong);
}

/* The portal's notification, with an icon of that kind, and of these words or bytes. */
static DBusMessage *with_icon(const char *kind, const char *type, const char *word)
{
	const char *id = "id", *key = "icon", *outer = kind ? "(sv)" : "s";
	DBusMessageIter i, dict, entry, variant, pair, value, words;
	DBusMessage *m = message();

	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &id);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &dict);
	dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, outer, &variant);
	if (kind) {
		dbus_message_iter_open_container(&variant, DBUS_TYPE_STRUCT, NULL, &pair);
		dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &kind);
		dbus_message_iter_open_container(&pair, DBUS_TYPE_VARIANT, type, &value);
		if (*type == 'a') {
			dbus_message_iter_open_container(&value, DBUS_TYPE_ARRAY, type + 1, &words);
			for (int n = 0; type[1] == 's' && n < 2; n++)
				dbus_message_iter_append_basic(&words, DBUS_TYPE_STRING,
							       n ? &word : &key);
			dbus_message_iter_close_container(&value, &words);
		} else {
			dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &word);
		}
		dbus_message_iter_close_container(&pair, &value);
		dbus_message_iter_close_container(&variant, &pair);
	} else {
		dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &word);
	}
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(&dict, &entry);
	dbus_message_iter_close_container(&i, &dict);
	return m;
}

/* The desktop opens what an icon names: words of the theme and the picture itself name no file. */
static void test_notification_icon(void)
{
	static const struct {
		const char *kind, *type, *word, *want, *what;
	} cases[] = {
		{"themed", "as", "mail", "id|icon|themed|icon|mail|", "words of the theme"},
		{"bytes", "ay", "", "id|icon|bytes|", "the picture itself"},
		{"themed", "as", "/net/evil/i", "id|", "not a path among the words"},
		{"themed", "as", "http://evil/i", "id|", "nor an address"},
		{"themed", "s", "mail", "id|", "nor one word that is not a list"},
		{"themed", "ay", "", "id|", "nor a list of something else"},
		{"file", "s", "/net/evil/i", "id|", "nor a file"},
		{"file-descriptor", "s", "x", "id|", "nor a kind that is not known"},
		{NULL, "s", "http://evil/i", "id|", "nor a text"},
	};
	struct bus_passage p = {.names = &names, .outwards = true, .rewrite = BUS_NOTIFICATION};
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		DBusMessage *m = with_icon(cases[i].kind, cases[i].type, cases[i].word);

		is_int(rewrite(&p, m, text, sizeof(text)), 0, "a notification with an icon");
		if (!ok(strcmp(text, cases[i].want) == 0, "L63: an icon: %s", cases[i].what))
			printf("#   got '%s'\n", text);
		dbus_message_unref(m);
	}
}

/* What is longer than can be looked at is refused, not passed as it is. */
static void test_long(void)
{
	struct bus_passage p = {.names = &names, .outwards = true, .rewrite = BUS_NOTIFICATION};
	static char body[BUS_TEXT_MAX + 100];
	const char *id = "id";
	DBusMessageIter i, dict;
	DBusMessage *m = message(), *out = message();

	memset(body, 'x', sizeof(body) - 1);
	memcpy(body, "<a href=\"http://evil\">", 22);
	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_append_basic(&i, DBUS_TYPE_STRING, &id);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &dict);
	add_entry(&dict, "body", body);
	dbus_message_iter_close_container(&i, &dict);
	is_int(bus_rewrite_body(&p, m, out), -EACCES,
	       "L63: a text that is too long to be looked at");
	dbus_message_unref(m);
	dbus_message_unref(out);
}

static int send_fds(int n)
{
	struct bus_passage p = {.names = &names, .outwards = true};
	DBusMessage *m = message(), *out = message();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

	for (int i = 0; i < n; i++)
		dbus_message_append_args(m, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
	r = bus_rewrite_body(&p, m, out);
	close(fd);
	dbus_message_unref(m);
	dbus_message_unref(out);
	return r;
}

static void test_many_descriptors(void)
{
	is_int(send_fds(BUS_CARRIED_FDS_MAX), 0, "as many descriptors as are carried");
	is_int(send_fds(BUS_CARRIED_FDS_MAX + 1), -E2BIG, "one more");
}

/* A text, and behind it as many bytes and numbers: each kind of value counts. */
static int send_bytes(size_t text, size_t bytes, size_t numbers)
{
	struct bus_passage p = {.names = &names, .outwards = true};
	static char s[BUS_CARRIED_MAX], b[BUS_CARRIED_MAX];
	const char *word = s, *all = b;
	DBusMessage *m = message(), *out = message();
	int r;

	memset(s, 'x', sizeof(s));
	s[text] = '\0';
	dbus_message_append_args(m, DBUS_TYPE_STRING, &word, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &all,
				 (int)bytes, DBUS_TYPE_ARRAY, DBUS_TYPE_UINT64, &all, (int)numbers,
				 DBUS_TYPE_INVALID);
	r = bus_rewrite_body(&p, m, out);
	dbus_message_unref(m);
	dbus_message_unref(out);
	return r;
}

static void test_size(void)
{
	const size_t half = BUS_CARRIED_MAX / 2;

	is_int(send_bytes(half - 64, half - 64, 0), 0, "nearly as much as is carried");
	is_int(send_bytes(half - 64, half + 64, 0), -E2BIG, "L63: more than is carried");
	is_int(send_bytes(half + 64, half - 64, 0), -E2BIG, "L63: more, by the text");
	is_int(send_bytes(0, 0, half / 8), 0, "half of it in numbers");
	is_int(send_bytes(half, 0, half / 8), -E2BIG, "L63: more, by the numbers");
}

static void test_register(void)
{
	struct bus_passage p = {.names = &names, .outwards = true, .rewrite = BUS_REGISTER};
	static const char *const cases[][2] = {{"org.kde.StatusNotifierItem-1-1", ":1.77|"},
					       {":1.9", ":1.77|"},
					       {"/org/x/Item", "/org/x/Item|"}};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		DBusMessage *m = message();

		dbus_message_append_args(m, DBUS_TYPE_STRING, &cases[i][0], DBUS_TYPE_INVALID);
		is_int(rewrite(&p, m, text, sizeof(text)), 0, "a status icon");
		is_str(text, cases[i][1], "L63: is registered as the one who asks, by nobody else");
		dbus_message_unref(m);
	}
}

static void test_properties(void)
{
	struct bus_passage p = {.names = &names,
				.answer = true,
				.outwards = true,
				.rewrite = BUS_ITEM,
				.interface = "org.kde.StatusNotifierItem"};
	DBusMessage *m = message();
	DBusMessageIter i, array;
	char text[512];

	for (size_t k = 0; k < policy.n_services; k++)
		if (strcmp(policy.services[k].names[0], "org.kde.StatusNotifierWatcher") == 0)
			p.service = &policy.services[k];
	dbus_message_iter_init_append(m, &i);
	dbus_message_iter_open_container(&i, DBUS_TYPE_ARRAY, "{sv}", &array);
	add_entry(&array, "IconName", "/tmp/a.png");
	add_entry(&array, "IconThemePath", "/net/evil");
	add_entry(&array, "ToolTip", "http://evil");
	add_entry(&array, "Title", "a/b: c");
	dbus_message_iter_close_container(&i, &array);
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "an icon's properties");
	is_str(text, "IconName|a|IconThemePath||ToolTip||Title|a/b: c|",
	       "L63: no path of its own choice");
	p.outwards = false;
	p.interface = "org.kde.StatusNotifierWatcher";
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "the panel's");
	is_str(text, "", "L63: only those that are listed");
	dbus_message_unref(m);
}

static void test_portal(void)
{
	struct bus_passage p = {.names = &names, .outwards = true};
	const char *own = BUS_PORTAL "session/1_5/s", *other = BUS_PORTAL "session/1_6/s";
	const char *back = BUS_PORTAL "request/1_77/t";
	DBusMessage *m = message();
	char text[512];

	dbus_message_append_args(m, DBUS_TYPE_OBJECT_PATH, &own, DBUS_TYPE_STRING, &own,
				 DBUS_TYPE_INVALID);
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "a session's path, also as a string");
	is_str(text, BUS_PORTAL "session/1_77/s|" BUS_PORTAL "session/1_77/s|",
	       "is the other bus's on the other bus");
	dbus_message_unref(m);
	m = message();
	dbus_message_append_args(m, DBUS_TYPE_OBJECT_PATH, &other, DBUS_TYPE_INVALID);
	is_int(rewrite(&p, m, text, sizeof(text)), -EACCES, "L63: another program's is refused");
	dbus_message_unref(m);
	m = message();
	dbus_message_append_args(m, DBUS_TYPE_OBJECT_PATH, &back, DBUS_TYPE_INVALID);
	p.outwards = false;
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "the answer's path");
	is_str(text, BUS_PORTAL "request/1_5/t|", "is the one that the program expects");
	p.names = NULL;
	is_int(rewrite(&p, m, text, sizeof(text)), -EACCES, "L63: nobody's news tell of one");
	dbus_message_unref(m);
}

static void test_descriptors(void)
{
	struct bus_passage p = {.names = &names, .outwards = true};
	DBusMessage *m = message(), *out = message();
	int fd = fileno(stdout), copy = -1;

	dbus_message_append_args(m, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
	is_int(bus_rewrite_body(&p, m, out), 0, "a descriptor");
	ok(dbus_message_get_args(out, NULL, DBUS_TYPE_UNIX_FD, &copy, DBUS_TYPE_INVALID) &&
		   copy >= 0,
	   "is carried");
	util_close(&copy);
	dbus_message_unref(m);
	dbus_message_unref(out);
}

/* As deep as the library takes it. */
static void test_depth(void)
{
	struct bus_passage p = {.names = &names, .outwards = true};
	DBusMessage *m = message(), *out = message();
	DBusMessageIter at[32];
	dbus_uint32_t v = 5;
	int r;

	dbus_message_iter_init_append(m, &at[0]);
	for (int i = 0; i < 30; i++)
		dbus_message_iter_open_container(&at[i], DBUS_TYPE_VARIANT, i == 29 ? "u" : "v",
						 &at[i + 1]);
	dbus_message_iter_append_basic(&at[30], DBUS_TYPE_UINT32, &v);
	for (int i = 29; i >= 0; i--)
		dbus_message_iter_close_container(&at[i], &at[i + 1]);
	r = bus_rewrite_body(&p, m, out);
	is_int(r, 0, "thirty variants in one another");
	dbus_message_unref(m);
	dbus_message_unref(out);
}

static void test_capabilities(void)
{
	struct bus_passage p = {.names = &names, .answer = true, .rewrite = BUS_CAPABILITIES};
	static const char *const all[] = {"body", "body-hyperlinks", "body-images", "actions"};
	const char *const *list = all;
	DBusMessage *m = message(), *wrong = message();
	char text[256];

	dbus_message_append_args(m, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list, 4, DBUS_TYPE_INVALID);
	is_int(rewrite(&p, m, text, sizeof(text)), 0, "what notifications can do");
	is_str(text, "body|actions|", "L63: no links and pictures are promised");
	is_int(rewrite(&p, wrong, text, sizeof(text)), -EINVAL, "an answer of other types");
	dbus_message_unref(m);
	dbus_message_unref(wrong);
}

/* --- settings ----------------------------------------------------------------------------------
 */

/* A change of one key: the key, the value "no such" (a reset), where the key ends, where the entry
 * ends. */
static size_t change_of(const char *key, unsigned char *ret)
{
	size_t n = strlen(key) + 1;

	memcpy(ret, key, n);
	ret[n] = (unsigned char)n;
	ret[n + 1] = (unsigned char)(n + 1);
	return n + 2;
}

static bool note_key(void *arg, const char *key)
{
	strncat(arg, key, 200);
	strncat(arg, "|", 2);
	return true;
}

static DBusMessage *change_message(const unsigned char *data, size_t n)
{
	DBusMessage *m = message();

	dbus_message_append_args(m, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &data, (int)n,
				 DBUS_TYPE_INVALID);
	return m;
}

static void test_settings_form(void)
{
	/* /a/b: the boolean true; /c/d: the same, behind the padding. */
	static const unsigned char good[] = {'/', 'a', '/', 'b', 0,   0,   0,	0,   1,	  0, 'b',
					     0,	  5,   0,   0,	 0,   '/', 'c', '/', 'd', 0, 0,
					     0,	  0,   1,   0,	 'b', 0,   5,	13,  29};
	/* The key has no end of its own, but the padding behind the entry would be one. */
	static const unsigned char ends_in_padding[] = {'/', 'a', '/', 'b', 6, 0, 0, 0, '/',
							'c', 0,	  0,   0,   0, 3, 5, 15};
	/* The second of three ends where the third begins. */
	static const unsigned char backwards[] = {'/', 'a', 0, 0, 3, 0, 0,  0,	 '/',
						  'c', 0,   0, 0, 0, 0, 3,  '/', 'b',
						  0,   0,   0, 0, 0, 3, 16, 8,	 24};
	unsigned char bad[sizeof(good)];
	char keys[256] = "";
	size_t refused = 0;

	ok(bus_settings_each(good, sizeof(good), note_key, keys), "a change of two keys");
	is_str(keys, "/a/b|/c/d|", "both are seen");
	ok(bus_settings_each(good, 0, note_key, keys), "a change of nothing");
	for (size_t n = 1; n < sizeof(good); n++)
		refused += !bus_settings_each(good, n, note_key, keys);
	is_int((long long)refused, sizeof(good) - 1, "L63: cut at any byte it is refused");
	for (size_t i = sizeof(good) - 2; i < sizeof(good); i++) {
		refused = 0;
		for (int v = 0; v < 256; v++) {
			memcpy(bad, good, sizeof(good));
			bad[i] = (unsigned char)v;
			refused += !bus_settings_each(bad, sizeof(bad), note_key, keys);
			keys[0] = '\0';
		}
		is_int((long long)refused, 255, "L63: where an entry ends has one right value");
	}
	memcpy(bad, good, sizeof(good));
	bad[12] = 3;
	ok(!bus_settings_each(bad, sizeof(bad), note_key, keys), "L63: a key that ends early");
	bad[12] = 9;
	ok(!bus_settings_each(bad, sizeof(bad), note_key, keys), "L63: a key with an end in it");
	bad[12] = 200;
	ok(!bus_settings_each(bad, sizeof(bad), note_key, keys), "L63: a key that ends outside");
	bad[12] = 0;
	ok(!bus_settings_each(bad, sizeof(bad), note_key, keys), "L63: no key");
	ok(!bus_settings_each(ends_in_padding, sizeof(ends_in_padding), note_key, keys),
	   "L63: a key that ends behind its entry");
	ok(!bus_settings_each(backwards, sizeof(backwards), note_key, keys),
	   "L63: an entry that ends before it begins");
}

static int send_change(const struct bus_passage *p, const char *key)
{
	unsigned char data[256];
	DBusMessage *m = change_message(data, change_of(key, data)), *out = message();
	int r = bus_rewrite_body(p, m, out);

	dbus_message_unref(m);
	dbus_message_unref(out);
	return r;
}

static void test_settings(void)
{
	static const char *const desktops[] = {
		"/org/gnome/desktop/background/picture-uri",
		"/system/proxy/autoconfig-url",
		"/org/gnome/settings-daemon/plugins/media-keys/custom-keybindings/custom0/command",
		"/org/gnome/terminal/legacy/profiles:/:b1/custom-command",
		"/org/gnome/shell/enabled-extensions",
		"/org/cinnamon/desktop/keybindings/custom-list",
		"/org/mate/desktop/background/picture-filename",
		"/",
		"/org/",
		"/org/gnome/",
		"/org/gnome/desktop/",
	};
	static const char *const own[] = {"/org/gnome/TextEditor/right-margin-position",
					  "/org/gnome/TextEditor/", "/org/gtk/settings/x"};
	struct bus_passage p = {
		.policy = &policy, .names = &names, .outwards = true, .rewrite = BUS_SETTINGS};
	DBusMessage *wrong = message(), *out = message();

	for (size_t i = 0; i < ARRAY_SIZE(desktops); i++)
		is_int(send_change(&p, desktops[i]), -EACCES, desktops[i]);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		is_int(send_change(&p, own[i]), 0, own[i]);
	is_int(bus_rewrite_body(&p, wrong, out), -EINVAL, "L63: a change of another type");
	p.policy = NULL;
	is_int(send_change(&p, own[0]), -EACCES, "L63: without a list none passes");
	for (size_t i = 0; i < policy.n_services; i++) {
		const struct bus_rule *r = bus_policy_find(&policy.services[i], BUS_CALL,
							   "ca.desrt.dconf.Writer", "Change");

		if (r)
			is_int(r->rewrite, BUS_SETTINGS, "L63: a change of settings is looked at");
	}
	dbus_message_unref(wrong);
	dbus_message_unref(out);
}

int main(void)
{
	tap_begin();
	test_policy();
	test_builtin();
	test_rewrites();
	test_icon();
	test_markup();
	test_paths();
	test_introspection();
	test_address();
	test_notify();
	test_notification();
	test_notification_icon();
	test_long();
	test_many_descriptors();
	test_size();
	test_register();
	test_properties();
	test_portal();
	test_descriptors();
	test_depth();
	test_capabilities();
	test_settings_form();
	test_settings();
	return tap_done();
}
