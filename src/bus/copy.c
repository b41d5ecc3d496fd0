/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks a message and builds another. The library has checked what comes in: types, lengths, UTF-8,
 * 64 levels at most. Must never copy a value without its type being known here. Called by
 * rewrite.c.
 */
#include "bus/copy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

static int copy_values(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out, bool top);

static int count(struct bus_copy *c, size_t size)
{
	c->size += size;
	return c->size > BUS_CARRIED_MAX ? -E2BIG : 0;
}

static int copy_text(struct bus_copy *c, int type, DBusMessageIter *in, DBusMessageIter *out)
{
	const char *s;
	int r = 0;

	dbus_message_iter_get_basic(in, &s);
	if (c->text)
		r = c->text(c, type, &s);
	c->nth++;
	if (r == 0)
		r = count(c, strlen(s) + sizeof(uint32_t));
	if (r < 0)
		return r;
	return dbus_message_iter_append_basic(out, type, &s) ? 0 : -ENOMEM;
}

/* What is read is a duplicate, and so is what is appended. */
static int copy_descriptor(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out)
{
	AUTO_CLOSE int fd = -1;

	if (++c->fds > BUS_CARRIED_FDS_MAX)
		return -E2BIG;
	dbus_message_iter_get_basic(in, &fd);
	if (fd < 0)
		return -EMFILE;
	return dbus_message_iter_append_basic(out, DBUS_TYPE_UNIX_FD, &fd) ? 0 : -ENOMEM;
}

static int copy_basic(struct bus_copy *c, int type, DBusMessageIter *in, DBusMessageIter *out)
{
	DBusBasicValue value;

	if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH)
		return copy_text(c, type, in, out);
	if (type == DBUS_TYPE_UNIX_FD)
		return copy_descriptor(c, in, out);
	dbus_message_iter_get_basic(in, &value);
	if (count(c, sizeof(value)) < 0)
		return -E2BIG;
	return dbus_message_iter_append_basic(out, type, &value) ? 0 : -ENOMEM;
}

/* Pixels and file names: in one piece. */
static int copy_fixed(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out, int type)
{
	const void *data;
	int n;

	dbus_message_iter_get_fixed_array(in, &data, &n);
	if (n < 0 || count(c, (size_t)n * (type == DBUS_TYPE_BYTE ? 1 : sizeof(uint64_t))) < 0)
		return -E2BIG;
	return !n || dbus_message_iter_append_fixed_array(out, type, &data, n) ? 0 : -ENOMEM;
}

static int copy_entry(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out)
{
	DBusMessageIter pair, copy;
	const char *outer = c->key, *key = "";
	int type, r;

	dbus_message_iter_recurse(in, &pair);
	type = dbus_message_iter_get_arg_type(&pair);
	if (type == DBUS_TYPE_STRING)
		dbus_message_iter_get_basic(&pair, &key);
	if (!dbus_message_iter_open_container(out, DBUS_TYPE_DICT_ENTRY, NULL, &copy))
		return -ENOMEM;
	/* The key itself is no value: whether it may be there is keep()'s. */
	if (type == DBUS_TYPE_STRING)
		r = dbus_message_iter_append_basic(&copy, type, &key) ? 0 : -ENOMEM;
	else
		r = copy_basic(c, type, &pair, &copy);
	dbus_message_iter_next(&pair);
	c->key = key;
	c->nth = 0;
	if (r == 0)
		r = copy_values(c, &pair, &copy, false);
	c->key = outer;
	if (r < 0 || !dbus_message_iter_close_container(out, &copy)) {
		dbus_message_iter_abandon_container_if_open(out, &copy);
		return r < 0 ? r : -ENOMEM;
	}
	return 0;
}

static bool is_kept(struct bus_copy *c, DBusMessageIter *entry)
{
	DBusMessageIter pair;
	const char *key;

	dbus_message_iter_recurse(entry, &pair);
	if (!c->keep || dbus_message_iter_get_arg_type(&pair) != DBUS_TYPE_STRING)
		return true;
	dbus_message_iter_get_basic(&pair, &key);
	dbus_message_iter_next(&pair);
	return c->keep(c, key, &pair);
}

static int copy_entries(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out)
{
	int r = 0;

	for (; r == 0 && dbus_message_iter_get_arg_type(in) != DBUS_TYPE_INVALID;
	     dbus_message_iter_next(in))
		if (is_kept(c, in))
			r = copy_entry(c, in, out);
	return r;
}

static int copy_array(struct bus_copy *c, DBusMessageIter *array, DBusMessageIter *in,
		      DBusMessageIter *out)
{
	int type = dbus_message_iter_get_element_type(array);

	if (type == DBUS_TYPE_DICT_ENTRY)
		return copy_entries(c, in, out);
	if (dbus_type_is_fixed(type) && type != DBUS_TYPE_UNIX_FD)
		return copy_fixed(c, in, out, type);
	return copy_values(c, in, out, false);
}

static int copy_container(struct bus_copy *c, int type, DBusMessageIter *in, DBusMessageIter *out)
{
	DBusMessageIter inside, copy;
	char *signature = NULL;
	int r;

	dbus_message_iter_recurse(in, &inside);
	if (type != DBUS_TYPE_STRUCT) {
		signature = dbus_message_iter_get_signature(&inside);
		if (!signature)
			return -ENOMEM;
	}
	r = dbus_message_iter_open_container(out, type, signature, &copy) ? 0 : -ENOMEM;
	dbus_free(signature);
	if (r < 0)
		return r;
	r = type == DBUS_TYPE_ARRAY ? copy_array(c, in, &inside, &copy)
				    : copy_values(c, &inside, &copy, false);
	if (r < 0 || !dbus_message_iter_close_container(out, &copy)) {
		dbus_message_iter_abandon_container_if_open(out, &copy);
		return r < 0 ? r : -ENOMEM;
	}
	return 0;
}

static int copy_values(struct bus_copy *c, DBusMessageIter *in, DBusMessageIter *out, bool top)
{
	int type, r = count(c, 1);

	while (r == 0 && (type = dbus_message_iter_get_arg_type(in)) != DBUS_TYPE_INVALID) {
		r = dbus_type_is_basic(type) ? copy_basic(c, type, in, out)
					     : copy_container(c, type, in, out);
		dbus_message_iter_next(in);
		c->argument += top;
	}
	return r;
}

int bus_copy_body(struct bus_copy *c, DBusMessage *in, DBusMessage *out)
{
	DBusMessageIter from, to;

	c->argument = 0;
	if (!c->key)
		c->key = "";
	dbus_message_iter_init_append(out, &to);
	if (!dbus_message_iter_init(in, &from))
		return 0;
	return copy_values(c, &from, &to, true);
}
