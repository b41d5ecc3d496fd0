/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which names are carried at the moment: those of policy/dbus/ that somebody has outside, or that a
 * call may start there. Must never own a name outside, and inside none that nobody has outside.
 * Everything is asked for without waiting. Called by the main of vpnrun-session.
 */
#include "bus/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus/loop.h"

#define MATCH_MAX 512

static void match(DBusConnection *c, const char *rule)
{
	DBusMessage *m = bridge_bus_call("AddMatch");

	if (!m)
		return;
	dbus_message_set_no_reply(m, TRUE);
	if (dbus_message_append_args(m, DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID))
		bridge_send(c, m);
	else
		dbus_message_unref(m);
}

static DBusMessage *name_call(const char *member, const char *name, const unsigned int *flags)
{
	DBusMessage *m = bridge_bus_call(member);

	if (m &&
	    (!dbus_message_append_args(m, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID) ||
	     (flags && !dbus_message_append_args(m, DBUS_TYPE_UINT32, flags, DBUS_TYPE_INVALID)))) {
		dbus_message_unref(m);
		return NULL;
	}
	return m;
}

/* --- names inside ---------------------------------------------------------------------------- */

static void got_nothing(DBusMessage *answer, void *arg)
{
	(void)answer;
	(void)arg;
}

/* The last of the first questions: what is not owned by now is not there. */
static void one_less(struct bridge *b)
{
	static const unsigned int flags = 0;

	if (b->unanswered && --b->unanswered == 0 && !b->ready) {
		b->ready = true;
		bridge_query(b->in, name_call("RequestName", BRIDGE_READY_NAME, &flags),
			     got_nothing, NULL);
	}
}

static void got_name(DBusMessage *answer, void *arg)
{
	(void)answer; /* that somebody inside has it is the same as having none */
	one_less(arg);
}

static DBusHandlerResult from_inside(DBusConnection *c, DBusMessage *m, void *arg)
{
	struct bridge_service *s = arg;

	(void)c;
	switch (dbus_message_get_type(m)) {
	case DBUS_MESSAGE_TYPE_METHOD_CALL:
		bridge_carry_call(s, m);
		return DBUS_HANDLER_RESULT_HANDLED;
	case DBUS_MESSAGE_TYPE_SIGNAL:
		if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected"))
			s->b->ended = true;
		else
			bridge_carry_item_signal(s, m);
		return DBUS_HANDLER_RESULT_HANDLED;
	default:
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	}
}

/* Objects of programs tell their news to all: those of the listed interfaces are listened to. */
static void match_items(const struct bridge_service *s)
{
	const char *last = "";
	char rule[MATCH_MAX];

	for (size_t i = 0; i < s->policy->n_rules; i++) {
		const struct bus_rule *r = &s->policy->rules[i];

		if (r->kind == BUS_ITEM_READ && strcmp(last, r->interface) != 0 &&
		    str_fmt(rule, sizeof(rule),
			    "type='signal',interface='" DBUS_INTERFACE_PROPERTIES "',arg0='%s'",
			    r->interface) > 0)
			match(s->in, rule);
		if (r->kind == BUS_ITEM_SIGNAL && strcmp(last, r->interface) != 0 &&
		    str_fmt(rule, sizeof(rule), "type='signal',interface='%s'", r->interface) > 0)
			match(s->in, rule);
		if (r->kind == BUS_ITEM_READ || r->kind == BUS_ITEM_SIGNAL)
			last = r->kind == BUS_ITEM_SIGNAL ? r->interface : "";
	}
}

static bool is_there(const struct bridge_service *s, size_t name)
{
	return *s->names[name].owner || (s->policy->start && s->names[name].startable);
}

static void leave(struct bridge_service *s)
{
	if (!s->in)
		return;
	bridge_ask_forget(s->b, s->in);
	bus_loop_close(s->in);
	s->in = NULL;
	for (size_t i = 0; i < BUS_NAMES_MAX; i++)
		s->names[i].taken = false;
}

static void appear(struct bridge_service *s)
{
	struct err e;

	s->in = bus_loop_open(s->b->inner, from_inside, s, &e);
	if (!s->in)
		return;
	bridge_query(s->in, bridge_bus_call("Hello"), got_nothing, NULL);
	match_items(s);
}

static void settle_name(struct bridge_service *s, size_t i)
{
	static const unsigned int flags = 0; /* whoever has it inside may leave: then it is ours */
	const char *name = s->policy->names[i];
	bool there = is_there(s, i);

	if (there == s->names[i].taken)
		return;
	s->names[i].taken = there;
	if (!there) {
		bridge_query(s->in, name_call("ReleaseName", name, NULL), got_nothing, NULL);
		return;
	}
	s->b->unanswered++;
	if (bridge_query(s->in, name_call("RequestName", name, &flags), got_name, s->b) < 0)
		one_less(s->b);
}

/* Has inside what is there outside. */
static void settle(struct bridge_service *s)
{
	bool any = false;

	for (size_t i = 0; i < s->policy->n_names; i++)
		any |= is_there(s, i);
	if (!any) {
		leave(s);
		return;
	}
	if (!s->in)
		appear(s);
	for (size_t i = 0; s->in && i < s->policy->n_names; i++)
		settle_name(s, i);
}

/* --- names outside --------------------------------------------------------------------------- */

/* One owner may have names of several services. */
static void set_owner(struct bridge *b, const char *name, const char *owner)
{
	for (size_t i = 0; i < b->policy->n_services; i++)
		for (size_t k = 0; k < b->policy->services[i].n_names; k++) {
			struct bridge_service *s = &b->services[i];

			if (strcmp(s->policy->names[k], name) != 0 ||
			    strcmp(s->names[k].owner, owner) == 0)
				continue;
			/* Another one has it now: the name is lost and had anew inside, too, so
			 * that nobody believes to speak to the same as before. */
			if (*s->names[k].owner && *owner)
				leave(s);
			if (str_copy(s->names[k].owner, BUS_UNIQUE_MAX, owner) < 0)
				s->names[k].owner[0] = '\0';
			if (b->looked)
				settle(s);
			return;
		}
}

struct owner_query {
	struct bridge *b;
	const char *name;
};

static void settle_all(struct bridge *b)
{
	/* Nothing is ready before all of it is asked for. */
	b->unanswered++;
	for (size_t i = 0; i < b->policy->n_services; i++)
		settle(&b->services[i]);
	one_less(b);
}

static void got_owner(DBusMessage *answer, void *arg)
{
	struct owner_query *q = arg;
	const char *owner;

	if (answer &&
	    dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
		set_owner(q->b, q->name, owner);
	free(q);
}

static void ask_owner(struct bridge *b, const char *name)
{
	struct owner_query *q = malloc(sizeof(*q));

	if (!q)
		return;
	*q = (struct owner_query){b, name};
	if (bridge_query(b->out, name_call("GetNameOwner", name, NULL), got_owner, q) < 0)
		free(q);
}

/* Answers come in the order of the questions: this is the last. */
static void got_startable(DBusMessage *answer, void *arg)
{
	struct bridge *b = arg;
	char **names = NULL;
	int n = 0;

	if (answer)
		dbus_message_get_args(answer, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &n,
				      DBUS_TYPE_INVALID);
	for (size_t i = 0; i < b->policy->n_services; i++)
		for (size_t k = 0; k < b->policy->services[i].n_names; k++)
			for (int j = 0; j < n; j++)
				if (strcmp(b->policy->services[i].names[k], names[j]) == 0)
					b->services[i].names[k].startable = true;
	dbus_free_string_array(names);
	b->looked = true;
	settle_all(b);
	one_less(b);
}

static void match_signals(const struct bridge *b, const struct bus_service *s)
{
	const char *last = "", *last_read = "";
	char rule[MATCH_MAX];

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct bus_rule *r = &s->rules[i];
		bool read = r->kind == BUS_READ;
		const char **seen = read ? &last_read : &last;

		if ((!read && r->kind != BUS_SIGNAL) || strcmp(*seen, r->interface) == 0)
			continue;
		*seen = r->interface;
		for (size_t k = 0; k < s->n_names; k++)
			if (str_fmt(rule, sizeof(rule), "type='signal',sender='%s',%s='%s'",
				    s->names[k],
				    read ? "interface='" DBUS_INTERFACE_PROPERTIES "',arg0"
					 : "interface",
				    r->interface) > 0)
				match(b->out, rule);
	}
}

static void look_outside(struct bridge *b)
{
	char rule[MATCH_MAX];

	bridge_query(b->out, bridge_bus_call("Hello"), got_nothing, NULL);
	for (size_t i = 0; i < b->policy->n_services; i++) {
		const struct bus_service *s = &b->policy->services[i];

		for (size_t k = 0; k < s->n_names; k++) {
			if (str_fmt(rule, sizeof(rule),
				    "type='signal',sender='" DBUS_SERVICE_DBUS
				    "',member='NameOwnerChanged',arg0='%s'",
				    s->names[k]) > 0)
				match(b->out, rule);
			ask_owner(b, s->names[k]);
		}
		match_signals(b, s);
	}
	if (bridge_query(b->out, bridge_bus_call("ListActivatableNames"), got_startable, b) < 0)
		one_less(b);
}

/* The session ended: nothing is carried any more, and all that was ends. */
static void lose_outside(struct bridge *b)
{
	bridge_client_drop_all(b);
	for (size_t i = 0; i < b->policy->n_services; i++)
		leave(&b->services[i]);
	bus_loop_close(b->out);
	b->out = NULL;
}

static DBusHandlerResult from_outside(DBusConnection *c, DBusMessage *m, void *arg)
{
	struct bridge *b = arg;
	const char *name, *old, *owner;

	(void)c;
	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_SIGNAL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected"))
		lose_outside(b);
	else if (dbus_message_has_sender(m, DBUS_SERVICE_DBUS)) {
		if (dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
		    dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
					  DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
			set_owner(b, name, owner);
	} else
		bridge_carry_signal(b, NULL, m);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* An address that would start a program, or that leads to another machine, is none. */
static DBusHandlerResult from_bus(DBusConnection *c, DBusMessage *m, void *arg)
{
	struct bridge *b = arg;
	const char *name, *old, *owner;
	struct bridge_client *client;

	(void)c;
	if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected"))
		b->ended = true;
	else if (dbus_message_has_sender(m, DBUS_SERVICE_DBUS) &&
		 dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
		 dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				       DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID) &&
		 !*owner && (client = bridge_client_find(b, name)))
		bridge_client_drop(client);
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static void got_hello(DBusMessage *answer, void *arg)
{
	struct bridge *b = arg;

	b->alive = answer;
}

int bridge_start(struct bridge *b, struct err *e)
{
	static const struct bridge_carrier carrier = {
		.item_call = bridge_carry_item_call,
		.signal = bridge_carry_signal,
		.waiting = bridge_carry_waiting,
	};
	struct err none;

	b->carrier = &carrier;
	for (size_t i = 0; i < b->policy->n_services; i++)
		b->services[i] = (struct bridge_service){.b = b, .policy = &b->policy->services[i]};
	b->in = bus_loop_open(b->inner, from_bus, b, e);
	if (!b->in)
		return e->code;
	bridge_query(b->in, bridge_bus_call("Hello"), got_hello, b);
	match(b->in,
	      "type='signal',sender='" DBUS_SERVICE_DBUS "',member='NameOwnerChanged',arg2=''");
	b->unanswered = 1;
	b->out = bridge_open_outside(b, from_outside, b, &none);
	if (b->out)
		look_outside(b);
	else
		one_less(b);
	return 0;
}

/* --- who uses it ----------------------------------------------------------------------------- */

static void got_names(DBusMessage *answer, void *arg)
{
	struct bridge *b = arg;
	char **names = NULL;
	bool used = false;
	int n = 0;

	if (answer)
		dbus_message_get_args(answer, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &n,
				      DBUS_TYPE_INVALID);
	for (int i = 0; i < n; i++) {
		bool ours = strcmp(names[i], BRIDGE_READY_NAME) == 0 ||
			    strcmp(names[i], DBUS_SERVICE_DBUS) == 0;

		for (size_t k = 0; k < b->policy->n_services; k++)
			ours |= bus_policy_lists(b->policy->services[k].names,
						 b->policy->services[k].n_names, names[i]);
		used |= names[i][0] != ':' && !ours &&
			!bus_policy_lists(b->policy->background, b->policy->n_background, names[i]);
	}
	dbus_free_string_array(names);
	b->list_done(used, b->list_arg);
}

int bridge_ask_use(struct bridge *b, void (*done)(bool used, void *arg), void *arg)
{
	b->list_done = done;
	b->list_arg = arg;
	return bridge_query(b->in, bridge_bus_call("ListNames"), got_names, b);
}
