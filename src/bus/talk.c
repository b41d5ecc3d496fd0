/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the forwarder's own, and the way to the session's bus. Nothing is waited for.
 */
#include "bus/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus/loop.h"
#include "bus/text.h"

DBusMessage *bridge_bus_call(const char *member)
{
	return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					    member);
}

int bridge_send(DBusConnection *c, DBusMessage *m)
{
	int r = -ENOMEM;

	if (m && dbus_connection_get_outgoing_size(c) > BUS_OUTGOING_MAX)
		r = -ENOBUFS;
	else if (m && dbus_connection_send(c, m, NULL))
		r = 0;
	if (m)
		dbus_message_unref(m);
	return r;
}

void bridge_fail(DBusConnection *c, const char *caller, uint32_t serial, const char *name,
		 const char *text)
{
	DBusMessage *m = dbus_message_new(DBUS_MESSAGE_TYPE_ERROR);

	if (!m)
		return;
	dbus_message_set_no_reply(m, TRUE);
	if (!dbus_message_set_error_name(m, name) || !dbus_message_set_reply_serial(m, serial) ||
	    !dbus_message_set_destination(m, caller) ||
	    !dbus_message_append_args(m, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID)) {
		dbus_message_unref(m);
		return;
	}
	bridge_send(c, m);
}

struct query {
	void (*fn)(DBusMessage *answer, void *arg);
	void *arg;
};

static void answered(DBusPendingCall *pending, void *data)
{
	const struct query *q = data;
	DBusMessage *m = dbus_pending_call_steal_reply(pending);

	q->fn(m && dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_RETURN ? m : NULL, q->arg);
	if (m)
		dbus_message_unref(m);
}

int bridge_query(DBusConnection *c, DBusMessage *m, void (*fn)(DBusMessage *answer, void *arg),
		 void *arg)
{
	struct query *q = calloc(1, sizeof(*q));
	DBusPendingCall *pending = NULL;
	bool good;

	good = q && m && dbus_connection_send_with_reply(c, m, &pending, DBUS_TIMEOUT_INFINITE) &&
	       pending;
	if (m)
		dbus_message_unref(m);
	if (good) {
		*q = (struct query){fn, arg};
		good = dbus_pending_call_set_notify(pending, answered, q, free);
	}
	if (!good)
		free(q);
	if (pending)
		dbus_pending_call_unref(pending);
	return good ? 0 : -ENOMEM;
}

DBusConnection *bridge_open_outside(const struct bridge *b, DBusHandleMessageFunction filter,
				    void *arg, struct err *e)
{
	const char *at = b->addresses;
	char address[512];

	err_set(e, -ENOENT, "the session has no bus that can be used");
	while (*at) {
		size_t len = strcspn(at, ";");
		DBusConnection *c = NULL;

		if (len && len < sizeof(address)) {
			memcpy(address, at, len);
			address[len] = '\0';
			if (bus_text_is_address(address))
				c = bus_loop_open(address, filter, arg, e);
		}
		if (c)
			return c;
		at += len + (at[len] == ';');
	}
	return NULL;
}

/* --- the VPN's bus --------------------------------------------------------------------------- */

bool bridge_service_is(const struct bridge_service *s, const char *owner)
{
	for (size_t k = 0; owner && s->in && k < s->policy->n_names; k++)
		if (*s->names[k].owner && strcmp(s->names[k].owner, owner) == 0)
			return true;
	return false;
}
