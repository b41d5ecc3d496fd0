/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes a message on its way, by what kind of message it is. Outwards: no URL and no path that
 * the desktop would fetch or open by itself. Both ways: a portal's paths name their caller as the
 * bus in question knows him, and another caller's are refused. Called by carry.c.
 */
#include "bus/rewrite.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "bus/settings.h"
#include "bus/text.h"

struct work {
	struct bus_copy copy; /* first: the callbacks get this */
	const struct bus_passage *p;
	char buf[BUS_TEXT_MAX];
};

static const struct work *work_of(const struct bus_copy *c)
{
	return (const struct work *)(const void *)c;
}

/* --- text ------------------------------------------------------------------------------------ */

static bool is(const char *key, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(key, list[i]) == 0)
			return true;
	return false;
}

static const char *const icon_keys[] = {"IconName",   "AttentionIconName", "OverlayIconName",
					"icon-name",  "image-path",	   "image_path",
					"sound-name", "desktop-entry",	   "AttentionMovieName"};
static const char *const dropped_keys[] = {"IconThemePath"};

enum treatment { AS_IT_IS, ICON, MARKUP, NOTHING };

static enum treatment treat_notify(const struct bus_copy *c)
{
	if (c->argument == 2)
		return ICON;
	if (c->argument == 4)
		return MARKUP;
	return is(c->key, icon_keys, ARRAY_SIZE(icon_keys)) ? ICON : AS_IT_IS;
}

static enum treatment treat_item(const struct bus_copy *c)
{
	if (is(c->key, dropped_keys, ARRAY_SIZE(dropped_keys)))
		return NOTHING;
	if (is(c->key, icon_keys, ARRAY_SIZE(icon_keys)))
		return ICON;
	/* The first string of a tool tip is its icon. */
	if (strcmp(c->key, "ToolTip") == 0)
		return c->nth == 0 ? ICON : MARKUP;
	return AS_IT_IS;
}

static enum treatment treat(const struct work *w)
{
	if (!w->p->outwards)
		return AS_IT_IS;
	switch (w->p->rewrite) {
	case BUS_NOTIFY:
		return treat_notify(&w->copy);
	case BUS_NOTIFICATION:
		return strcmp(w->copy.key, "body") == 0 ? MARKUP : AS_IT_IS;
	case BUS_ITEM:
		return treat_item(&w->copy);
	case BUS_PLAIN:
	case BUS_CAPABILITIES:
	case BUS_REGISTER:
	case BUS_SETTINGS:
		break;
	}
	return AS_IT_IS;
}

static int change(struct work *w, enum treatment how, const char **s)
{
	if (how == AS_IT_IS)
		return 0;
	if (str_copy(w->buf, sizeof(w->buf), how == NOTHING ? "" : *s) < 0)
		return -EACCES;
	if (how == ICON)
		bus_text_icon(w->buf);
	else
		bus_text_markup(w->buf);
	*s = w->buf;
	return 0;
}

/* --- paths and names ------------------------------------------------------------------------- */

int bus_rewrite_path(const struct bus_passage *p, const char *path, char *buf, size_t size,
		     const char **ret)
{
	const char *from, *to;

	*ret = path;
	if (!p->names)
		return bus_text_owner(path, "") == BUS_NOBODYS ? 0 : -EACCES;
	from = p->outwards ? p->names->inside_path : p->names->outside_path;
	to = p->outwards ? p->names->outside_path : p->names->inside_path;
	switch (bus_text_owner(path, from)) {
	case BUS_NOBODYS:
		return 0;
	case BUS_FOREIGN:
		return -EACCES;
	case BUS_OWN:
		break;
	}
	if (bus_text_move(path, from, to, buf, size) < 0)
		return -EACCES;
	*ret = buf;
	return 0;
}

static int look_at_text(struct bus_copy *c, int type, const char **s)
{
	struct work *w = (struct work *)(void *)c;
	int r;

	/* A program is registered by its name on the bus, or by the path of its object there. */
	if (w->p->rewrite == BUS_REGISTER && w->p->outwards && !w->p->answer && **s != '/') {
		*s = w->p->names->outside;
		return 0;
	}
	r = bus_rewrite_path(w->p, *s, w->buf, sizeof(w->buf), s);
	if (r < 0 || *s == w->buf || type == DBUS_TYPE_OBJECT_PATH)
		return r;
	return change(w, treat(w), s);
}

/* --- dictionaries ---------------------------------------------------------------------------- */

/* Copies those of the hints of which the whole meaning is known. */
static bool keep_hint(const char *key)
{
	static const char *const known[] = {
		"urgency",
		"category",
		"transient",
		"resident",
		"image-data",
		"image_data",
		"icon_data",
		"image-path",
		"image_path",
		"suppress-sound",
		"sound-name",
		"action-icons",
		"desktop-entry",
		"value",
		"x",
		"y",
		"sender-pid",
		"synchronous",
		"transient-id",
		"x-canonical-append",
		"x-canonical-private-synchronous",
		"x-canonical-private-icon-only",
		"x-dunst-stack-tag",
	};

	return is(key, known, ARRAY_SIZE(known));
}

/* Copies those of the ways to write an icon that name no file: a list of words, or the picture
 * itself. */
static bool is_harmless_icon(DBusMessageIter *value)
{
	DBusMessageIter variant, pair, names, word;
	const char *s;

	dbus_message_iter_recurse(value, &variant);
	if (dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_STRUCT)
		return false;
	dbus_message_iter_recurse(&variant, &pair);
	if (dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_STRING)
		return false;
	dbus_message_iter_get_basic(&pair, &s);
	if (strcmp(s, "bytes") == 0)
		return true;
	if (strcmp(s, "themed") != 0 || !dbus_message_iter_next(&pair) ||
	    dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_VARIANT)
		return false;
	dbus_message_iter_recurse(&pair, &names);
	if (dbus_message_iter_get_arg_type(&names) != DBUS_TYPE_ARRAY ||
	    dbus_message_iter_get_element_type(&names) != DBUS_TYPE_STRING)
		return false;
	dbus_message_iter_recurse(&names, &word);
	for (; dbus_message_iter_get_arg_type(&word) == DBUS_TYPE_STRING;
	     dbus_message_iter_next(&word)) {
		dbus_message_iter_get_basic(&word, &s);
		if (!bus_text_is_word(s))
			return false;
	}
	return true;
}

static bool keep_notification(const char *key, DBusMessageIter *value)
{
	static const char *const known[] = {"title",   "body",		 "priority",
					    "buttons", "default-action", "default-action-target",
					    "label",   "action",	 "target"};

	if (strcmp(key, "icon") == 0)
		return is_harmless_icon(value);
	return is(key, known, ARRAY_SIZE(known));
}

static bool keep(struct bus_copy *c, const char *key, DBusMessageIter *value)
{
	const struct bus_passage *p = work_of(c)->p;
	enum bus_kind kind = p->outwards ? BUS_ITEM_READ : BUS_READ;

	if (p->interface && !*c->key)
		return bus_policy_find(p->service, kind, p->interface, key);
	if (!p->outwards)
		return true;
	if (p->rewrite == BUS_NOTIFY)
		return keep_hint(key);
	return p->rewrite != BUS_NOTIFICATION || *c->key || keep_notification(key, value);
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool has_types(const struct bus_passage *p, DBusMessage *m)
{
	switch (p->answer ? BUS_PLAIN : p->rewrite) {
	case BUS_NOTIFY:
		return dbus_message_has_signature(m, "susssasa{sv}i");
	case BUS_NOTIFICATION:
		return dbus_message_has_signature(m, "sa{sv}");
	case BUS_REGISTER:
		return dbus_message_has_signature(m, "s");
	case BUS_SETTINGS:
		return dbus_message_has_signature(m, "ay");
	case BUS_PLAIN:
	case BUS_CAPABILITIES:
	case BUS_ITEM:
		break;
	}
	return true;
}

/* A program that is told that links and pictures are shown would write them. */
static int answer_capabilities(DBusMessage *in, DBusMessage *out)
{
	static const char *const dropped[] = {"body-hyperlinks", "body-images"};
	DBusMessageIter from, list, to, copy;
	int r = 0;

	if (!dbus_message_has_signature(in, "as") || !dbus_message_iter_init(in, &from))
		return -EINVAL;
	dbus_message_iter_recurse(&from, &list);
	dbus_message_iter_init_append(out, &to);
	if (!dbus_message_iter_open_container(&to, DBUS_TYPE_ARRAY, "s", &copy))
		return -ENOMEM;
	for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRING;
	     dbus_message_iter_next(&list)) {
		const char *s;

		dbus_message_iter_get_basic(&list, &s);
		if (!is(s, dropped, ARRAY_SIZE(dropped)) &&
		    !dbus_message_iter_append_basic(&copy, DBUS_TYPE_STRING, &s))
			r = -ENOMEM;
	}
	return dbus_message_iter_close_container(&to, &copy) ? r : -ENOMEM;
}

static bool is_the_programs(void *arg, const char *key)
{
	const struct bus_passage *p = arg;

	return !bus_settings_are_in(p->policy->desktop, p->policy->n_desktop, key);
}

/* A wallpaper's address, a proxy, the command of a key or of a terminal: what the desktop fetches,
 * goes through or runs by itself. */
static int check_settings(const struct bus_passage *p, DBusMessage *m)
{
	struct bus_passage copy = *p;
	DBusMessageIter i, bytes;
	const unsigned char *data = NULL;
	int n = 0;

	if (!p->policy || !dbus_message_iter_init(m, &i))
		return -EACCES;
	dbus_message_iter_recurse(&i, &bytes);
	dbus_message_iter_get_fixed_array(&bytes, &data, &n);
	return bus_settings_each(data, (size_t)n, is_the_programs, &copy) ? 0 : -EACCES;
}

int bus_rewrite_body(const struct bus_passage *p, DBusMessage *in, DBusMessage *out)
{
	static struct work w; /* 64 KiB, and one message at a time */

	if (!has_types(p, in))
		return -EINVAL;
	if (p->answer && p->rewrite == BUS_CAPABILITIES)
		return answer_capabilities(in, out);
	if (p->outwards && !p->answer && p->rewrite == BUS_SETTINGS && check_settings(p, in) < 0)
		return -EACCES;
	w.copy = (struct bus_copy){
		.key = p->property ? p->property : "", .keep = keep, .text = look_at_text};
	w.p = p;
	return bus_copy_body(&w.copy, in, out);
}
