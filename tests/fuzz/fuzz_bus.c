/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any message that a program of one bus can send, on its way to the other: as bytes, as libdbus
 * reads them, and built of values by a small grammar, because few bytes are a message. Also the
 * texts of a stranger's choice: icons, markup, paths, introspection, addresses, changes of
 * settings, and the files of policy/dbus/. What arrives has no link, no path and no other's name in
 * it.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus/policy.h"
#include "bus/rewrite.h"
#include "bus/settings.h"
#include "bus/text.h"

#define DEPTH_MAX 5

static struct bus_policy policy;
static const struct bus_names names = {":1.7", ":1.9", "1_7", "1_9"};

/* --- a message of values ---------------------------------------------------------------------- */

struct maker {
	const uint8_t *at, *end;
};

static unsigned int next(struct maker *m)
{
	return m->at < m->end ? *m->at++ : 0;
}

/* libdbus takes nothing else than what is well formed. */
static void word(struct maker *m, char ret[64], bool path)
{
	static const char *const known[] = {
		"/org/freedesktop/portal/desktop/request/1_7/token",
		"/org/freedesktop/portal/desktop/session/1_9/token",
		":1.7",
		"image-path",
		"file:///etc/passwd",
		"<a href=\"x\">b</a>",
		"IconName",
		"icon",
	};
	unsigned int n = next(m), len = n % 48;
	size_t k = 0;

	if (n >= 0xf0) {
		const char *s = known[n % ARRAY_SIZE(known)];

		str_copy(ret, 64, path && s[0] != '/' ? "/a" : s);
		return;
	}
	if (path)
		ret[k++] = '/';
	while (k < len && m->at < m->end) {
		char c = (char)(next(m) & 0x7f);

		ret[k++] = (char)(path ? 'a' + c % 26 : c < 1 ? ' ' : c);
	}
	ret[k] = '\0';
}

static void put_value(struct maker *m, DBusMessageIter *it, int depth);

static void put_basic(struct maker *m, DBusMessageIter *it, int type)
{
	char text[64];
	const char *s = text;
	dbus_uint64_t number = next(m) | (dbus_uint64_t)next(m) << 24;
	dbus_bool_t yes = number & 1;

	if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH) {
		word(m, text, type == DBUS_TYPE_OBJECT_PATH);
		dbus_message_iter_append_basic(it, type, &s);
	} else {
		dbus_message_iter_append_basic(
			it, type, type == DBUS_TYPE_BOOLEAN ? (void *)&yes : (void *)&number);
	}
}

static void put_dict(struct maker *m, DBusMessageIter *it, int depth)
{
	DBusMessageIter array, entry;

	dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sv}", &array);
	for (unsigned int n = next(m) % 4; n; n--) {
		DBusMessageIter variant;
		char text[64];
		const char *s = text;

		word(m, text, false);
		dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
		dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &s);
		if (depth < DEPTH_MAX && next(m) % 2) {
			dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "a{sv}",
							 &variant);
			put_dict(m, &variant, depth + 1);
		} else {
			dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &variant);
			put_basic(m, &variant, DBUS_TYPE_STRING);
		}
		dbus_message_iter_close_container(&entry, &variant);
		dbus_message_iter_close_container(&array, &entry);
	}
	dbus_message_iter_close_container(it, &array);
}

static void put_list(struct maker *m, DBusMessageIter *it, const char *type)
{
	DBusMessageIter array;

	dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, type, &array);
	for (unsigned int n = next(m) % 5; n; n--)
		put_basic(m, &array, type[0]);
	dbus_message_iter_close_container(it, &array);
}

static void put_struct(struct maker *m, DBusMessageIter *it, int depth)
{
	DBusMessageIter fields;

	dbus_message_iter_open_container(it, DBUS_TYPE_STRUCT, NULL, &fields);
	put_basic(m, &fields, DBUS_TYPE_INT32);
	put_value(m, &fields, depth + 1);
	dbus_message_iter_close_container(it, &fields);
}

static void put_value(struct maker *m, DBusMessageIter *it, int depth)
{
	DBusMessageIter variant;

	switch (next(m) % 10) {
	case 0:
		put_basic(m, it, DBUS_TYPE_UINT32);
		break;
	case 1:
		put_basic(m, it, DBUS_TYPE_OBJECT_PATH);
		break;
	case 2:
		put_dict(m, it, depth);
		break;
	case 3:
		put_list(m, it, "s");
		break;
	case 4:
		put_list(m, it, "y");
		break;
	case 5:
		put_basic(m, it, DBUS_TYPE_BOOLEAN);
		break;
	case 6:
		if (depth < DEPTH_MAX)
			put_struct(m, it, depth);
		break;
	case 7:
		dbus_message_iter_open_container(it, DBUS_TYPE_VARIANT, "s", &variant);
		put_basic(m, &variant, DBUS_TYPE_STRING);
		dbus_message_iter_close_container(it, &variant);
		break;
	case 8:
		put_basic(m, it, DBUS_TYPE_INT32);
		break;
	default:
		put_basic(m, it, DBUS_TYPE_STRING);
		break;
	}
}

/* Notify's own types, so that the rewrites behind them are reached. */
static void put_notify(struct maker *m, DBusMessageIter *it)
{
	put_basic(m, it, DBUS_TYPE_STRING);
	put_basic(m, it, DBUS_TYPE_UINT32);
	put_basic(m, it, DBUS_TYPE_STRING);
	put_basic(m, it, DBUS_TYPE_STRING);
	put_basic(m, it, DBUS_TYPE_STRING);
	put_list(m, it, "s");
	put_dict(m, it, 0);
	put_basic(m, it, DBUS_TYPE_INT32);
}

static DBusMessage *make(struct bytes b)
{
	DBusMessage *msg = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_CALL);
	struct maker m = {b.at, b.at + b.len};
	DBusMessageIter it;

	must(msg != NULL);
	dbus_message_set_path(msg, "/a");
	dbus_message_set_member(msg, "M");
	dbus_message_iter_init_append(msg, &it);
	if (next(&m) % 2)
		put_notify(&m, &it);
	/* A signature has 255 letters at most; what goes beyond, libdbus leaves half-made. */
	for (int n = 0; n < 16 && m.at < m.end; n++)
		put_value(&m, &it, 0);
	return msg;
}

/* --- on its way ------------------------------------------------------------------------------- */

static void carry(DBusMessage *in)
{
	struct bus_passage p = {
		.policy = &policy,
		.service = &policy.services[world_choice((unsigned int)policy.n_services)],
		.names = world_choice(4) ? &names : NULL,
		.outwards = world_choice(2),
		.answer = world_choice(2),
		.rewrite = (enum bus_rewrite)world_choice(BUS_SETTINGS + 1),
		.property = world_choice(2) ? "IconName" : "",
		.interface = world_choice(2) ? "org.kde.StatusNotifierItem" : NULL,
	};
	DBusMessage *out = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_CALL);
	char buf[256];
	const char *path;

	/* Nobody's are broadcasts, and those come from outside. */
	if (p.outwards || p.answer)
		p.names = &names;
	must(out != NULL);
	dbus_message_set_path(out, "/a");
	dbus_message_set_member(out, "M");
	if (bus_rewrite_body(&p, in, out) == 0)
		must(strlen(dbus_message_get_signature(out)) < 256);
	if (dbus_message_get_path(in) && p.names)
		bus_rewrite_path(&p, dbus_message_get_path(in), buf, sizeof(buf), &path);
	dbus_message_unref(out);
}

static void built(void)
{
	struct bytes b;
	DBusMessage *in;

	world_piece(&b);
	in = make(b);
	carry(in);
	dbus_message_unref(in);
}

static void marshalled(void)
{
	struct bytes b;
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *in;
	char *copy;

	world_piece(&b);
	copy = world_copy(b);
	in = b.len < 1u << 20 ? dbus_message_demarshal(copy, (int)b.len, &error) : NULL;
	dbus_error_free(&error);
	if (in) {
		carry(in);
		dbus_message_unref(in);
	}
	free(copy);
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool keep(void *arg, const char *interface)
{
	(void)arg;
	return strchr(interface, '.') != NULL;
}

static void texts(void)
{
	char *s = world_next_text(), *icon = strdup(s), *markup = strdup(s), *xml = strdup(s);
	char sender[64], moved[128];
	size_t len = strlen(s);

	must(icon && markup && xml);
	bus_text_icon(icon);
	must(!*icon || bus_text_is_word(icon));
	bus_text_markup(markup);
	must(strlen(markup) <= len && !strcasestr(markup, "<a") && !strcasestr(markup, "<img"));
	bus_text_introspection(xml, keep, NULL);
	must(strlen(xml) <= len);
	bus_text_is_address(s);
	if (bus_text_sender(s, sender, sizeof(sender)) >= 0)
		must(!strchr(sender, '.'));
	if (bus_text_owner(s, "1_7") == BUS_OWN)
		bus_text_move(s, "1_7", "1_9", moved, sizeof(moved));
	free(xml);
	free(markup);
	free(icon);
	free(s);
}

static bool see_key(void *arg, const char *key)
{
	(void)arg;
	bus_settings_are_in(policy.desktop, policy.n_desktop, key);
	return true;
}

static void settings(void)
{
	struct bytes b;
	uint8_t *copy;

	world_piece(&b);
	copy = world_copy(b);
	bus_settings_each(copy, b.len, see_key, NULL);
	free(copy);
}

static void policies(void)
{
	static struct bus_policy p;
	char *text = world_next_text();
	struct err e = ERR_INIT;

	memset(&p, 0, sizeof(p));
	if (bus_policy_parse(&p, "f.conf", text, &e) < 0)
		must_be_sentence(&e);
	bus_policy_find(p.services, BUS_CALL, "a.I", "M");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(void) = {built, marshalled, texts, settings, policies};
	struct err e = ERR_INIT;

	if (!policy.n_services)
		must(bus_policy_load(&policy, &e) == 0);
	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))]();
	world_end();
	return 0;
}
