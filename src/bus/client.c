/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs inside that asked for something, and what they wait for. Must never keep anything of
 * a program that is gone, and never more than the constants of bridge.h say. Called by bridge.c and
 * carry.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus/bridge.h"
#include "bus/loop.h"
#include "bus/text.h"

/* --- what they wait for ---------------------------------------------------------------------- */

struct bridge_ask *bridge_ask_new(struct bridge_client *c, struct bridge_service *s, DBusMessage *m)
{
	const char *caller = dbus_message_get_sender(m);
	struct bridge_ask *a;

	if (c->n_asks == BRIDGE_ASKS_MAX || !caller)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a || str_copy(a->caller, sizeof(a->caller), caller) < 0) {
		free(a);
		return NULL;
	}
	a->client = c;
	a->service = s;
	a->serial = dbus_message_get_serial(m);
	a->message = dbus_message_ref(m);
	/* At the end: what waits for the connection is sent in its order. */
	for (struct bridge_ask **at = &c->asks;; at = &(*at)->next)
		if (!*at) {
			*at = a;
			break;
		}
	c->n_asks++;
	return a;
}

void bridge_ask_free(struct bridge_ask *a)
{
	for (struct bridge_ask **at = &a->client->asks; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			a->client->n_asks--;
			break;
		}
	if (a->pending) {
		dbus_pending_call_cancel(a->pending);
		dbus_pending_call_unref(a->pending);
	}
	if (a->message)
		dbus_message_unref(a->message);
	free(a);
}

/* Whoever asked learns that no answer comes. */
static void fail_ask(struct bridge_ask *a)
{
	DBusConnection *back = a->outwards ? a->service->in : a->client->out;

	if (back)
		bridge_fail(back, a->caller, a->serial, DBUS_ERROR_NO_REPLY,
			    "The one who was asked has left the bus");
	bridge_ask_free(a);
}

void bridge_ask_forget(struct bridge *b, const DBusConnection *on)
{
	struct bridge_ask *next;

	for (struct bridge_client *c = b->clients; c; c = c->next)
		for (struct bridge_ask *a = c->asks; a; a = next) {
			next = a->next;
			if (a->on == on || a->service->in == on)
				fail_ask(a);
		}
}

/* --- the programs ---------------------------------------------------------------------------- */

struct bridge_client *bridge_client_find(struct bridge *b, const char *inside)
{
	for (struct bridge_client *c = b->clients; c; c = c->next)
		if (strcmp(c->names.inside, inside) == 0)
			return c;
	return NULL;
}

struct bridge_client *bridge_client_of_path(struct bridge *b, const char *path)
{
	for (struct bridge_client *c = b->clients; c; c = c->next)
		if (*c->names.outside && bus_text_owner(path, c->names.outside_path) == BUS_OWN)
			return c;
	return NULL;
}

void bridge_client_drop(struct bridge_client *c)
{
	for (struct bridge_client **at = &c->b->clients; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			c->b->n_clients--;
			break;
		}
	while (c->asks)
		fail_ask(c->asks);
	bus_loop_close(c->out);
	free(c);
}

void bridge_client_drop_all(struct bridge *b)
{
	while (b->clients)
		bridge_client_drop(b->clients);
}

/* It comes from outside, to one of them alone. */
static DBusHandlerResult from_outside(DBusConnection *conn, DBusMessage *m, void *arg)
{
	struct bridge_client *c = arg;

	(void)conn;
	switch (dbus_message_get_type(m)) {
	case DBUS_MESSAGE_TYPE_METHOD_CALL:
		c->b->carrier->item_call(c, m);
		return DBUS_HANDLER_RESULT_HANDLED;
	case DBUS_MESSAGE_TYPE_SIGNAL:
		if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected"))
			bridge_client_drop(c);
		else if (dbus_message_get_destination(m))
			c->b->carrier->signal(c->b, c, m);
		return DBUS_HANDLER_RESULT_HANDLED;
	default:
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	}
}

/* The questions below name their client by its name: it may be gone when the answer comes. */
struct about {
	struct bridge *b;
	char inside[BUS_UNIQUE_MAX];
};

static struct bridge_client *take_about(struct about *about)
{
	struct bridge_client *c = bridge_client_find(about->b, about->inside);

	free(about);
	return c;
}

static void got_hello(DBusMessage *answer, void *arg)
{
	struct bridge_client *c = take_about(arg);
	const char *name;

	if (!c)
		return;
	if (!answer ||
	    !dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
	    str_copy(c->names.outside, BUS_UNIQUE_MAX, name) < 0 ||
	    bus_text_sender(name, c->names.outside_path, BUS_UNIQUE_MAX) < 0) {
		bridge_client_drop(c);
		return;
	}
	c->b->carrier->waiting(c);
}

/* It may have left before it was known here: its end would never be told. */
static void got_presence(DBusMessage *answer, void *arg)
{
	struct bridge_client *c = take_about(arg);
	dbus_bool_t there = FALSE;

	if (c &&
	    (!answer ||
	     !dbus_message_get_args(answer, NULL, DBUS_TYPE_BOOLEAN, &there, DBUS_TYPE_INVALID) ||
	     !there))
		bridge_client_drop(c);
}

static int ask_about(struct bridge_client *c, DBusConnection *on, DBusMessage *m,
		     void (*fn)(DBusMessage *answer, void *arg))
{
	struct about *about = malloc(sizeof(*about));
	int r;

	if (!about || !m) {
		free(about);
		if (m)
			dbus_message_unref(m);
		return -1;
	}
	about->b = c->b;
	memcpy(about->inside, c->names.inside, sizeof(about->inside));
	r = bridge_query(on, m, fn, about);
	if (r < 0)
		free(about);
	return r;
}

static DBusMessage *presence_call(const char *name)
{
	DBusMessage *m = bridge_bus_call("NameHasOwner");

	if (m && !dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID)) {
		dbus_message_unref(m);
		return NULL;
	}
	return m;
}

static int begin(struct bridge_client *c, const char *inside)
{
	struct err e;

	if (str_copy(c->names.inside, BUS_UNIQUE_MAX, inside) < 0 ||
	    bus_text_sender(inside, c->names.inside_path, BUS_UNIQUE_MAX) < 0)
		return -1;
	c->out = bridge_open_outside(c->b, from_outside, c, &e);
	return c->out ? 0 : -1;
}

struct bridge_client *bridge_client_get(struct bridge *b, const char *inside)
{
	struct bridge_client *c = bridge_client_find(b, inside);

	if (c || !b->out || b->n_clients == BRIDGE_CLIENTS_MAX)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->b = b;
	if (begin(c, inside) < 0) {
		free(c);
		return NULL;
	}
	c->next = b->clients;
	b->clients = c;
	b->n_clients++;
	if (ask_about(c, c->out, bridge_bus_call("Hello"), got_hello) < 0 ||
	    ask_about(c, b->in, presence_call(inside), got_presence) < 0) {
		bridge_client_drop(c);
		return NULL;
	}
	return c;
}
