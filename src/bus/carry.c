/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message from here to there. What no line of policy/dbus/ allows is answered as if the service
 * did not know it. Must never send anything but a copy that rewrite.c made, and must never believe
 * what a message says of its sender beyond whom to answer. Called by bridge.c and client.c.
 */
#include "bus/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus/loop.h"
#include "bus/text.h"

struct decision {
	const char *error; /* NULL: it may pass */
	const struct bus_rule *rule;
	const char *property; /* of a Get */
	bool all;	      /* properties of the rule's interface */
	bool introspect;
};

struct direction {
	enum bus_kind call, read;
	bool write;
};

static const struct direction to_service = {BUS_CALL, BUS_READ, true};
static const struct direction to_item = {BUS_ITEM_CALL, BUS_ITEM_READ, false};

/* --- what may pass --------------------------------------------------------------------------- */

static const struct bus_rule *any_of(const struct bus_service *s, enum bus_kind kind,
				     const char *interface)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].kind == kind && strcmp(s->rules[i].interface, interface) == 0)
			return &s->rules[i];
	return NULL;
}

static struct decision decide_property(const struct bus_service *s, const struct direction *d,
				       DBusMessage *m, const char *member)
{
	struct decision no = {.error = DBUS_ERROR_UNKNOWN_PROPERTY}, yes = {.error = NULL};
	const char *interface = "", *property = "";
	enum bus_kind kind = strcmp(member, "Set") == 0 ? BUS_WRITE : d->read;

	if (!dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID))
		return (struct decision){.error = DBUS_ERROR_INVALID_ARGS};
	if (strcmp(member, "GetAll") == 0 && dbus_message_has_signature(m, "s")) {
		yes.rule = any_of(s, kind, interface);
		yes.all = true;
	} else if (dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
					 &property, DBUS_TYPE_INVALID) &&
		   (kind == BUS_WRITE ? d->write && dbus_message_has_signature(m, "ssv")
				      : dbus_message_has_signature(m, "ss"))) {
		yes.rule = bus_policy_find(s, kind, interface, property);
		yes.property = kind == BUS_WRITE ? NULL : property;
	}
	return yes.rule ? yes : no;
}

static struct decision decide(const struct bus_service *s, const struct direction *d,
			      DBusMessage *m)
{
	const char *interface = dbus_message_get_interface(m), *member = dbus_message_get_member(m);
	struct decision yes = {.error = NULL};

	if (!interface)
		return (struct decision){.error = DBUS_ERROR_UNKNOWN_INTERFACE};
	if (strcmp(interface, DBUS_INTERFACE_PROPERTIES) == 0)
		return decide_property(s, d, m, member);
	if (strcmp(interface, DBUS_INTERFACE_INTROSPECTABLE) == 0 &&
	    dbus_message_has_signature(m, "")) {
		yes.introspect = true;
		return yes;
	}
	yes.rule = bus_policy_find(s, d->call, interface, member);
	if (!yes.rule)
		yes.error = bus_policy_knows(s, d->call, interface) ? DBUS_ERROR_UNKNOWN_METHOD
								    : DBUS_ERROR_UNKNOWN_INTERFACE;
	return yes;
}

/* --- copies ---------------------------------------------------------------------------------- */

static void set_passage(struct bus_passage *p, const struct bridge_ask *a, bool answer)
{
	*p = (struct bus_passage){
		.policy = a->service->b->policy,
		.service = a->service->policy,
		.names = &a->client->names,
		.outwards = a->outwards != answer,
		.answer = answer,
		.rewrite = a->rewrite,
		.property = answer ? a->property : NULL,
		.interface = answer ? a->interface : NULL,
	};
}

/* The copy of a call or a signal; NULL: *ret_error says why, in the bus's words. */
static DBusMessage *copy(const struct bus_passage *p, DBusMessage *m, const char **ret_error)
{
	char buf[BUS_TEXT_MAX];
	const char *path = dbus_message_get_path(m);
	DBusMessage *out = dbus_message_new(dbus_message_get_type(m));
	int r = out && path ? bus_rewrite_path(p, path, buf, sizeof(buf), &path) : -ENOMEM;

	if (r == 0 && (!dbus_message_set_path(out, path) ||
		       !dbus_message_set_interface(out, dbus_message_get_interface(m)) ||
		       !dbus_message_set_member(out, dbus_message_get_member(m))))
		r = -ENOMEM;
	if (r == 0)
		r = bus_rewrite_body(p, m, out);
	if (r == 0)
		return out;
	if (out)
		dbus_message_unref(out);
	*ret_error = r == -EACCES   ? DBUS_ERROR_ACCESS_DENIED
		     : r == -EINVAL ? DBUS_ERROR_INVALID_ARGS
		     : r == -E2BIG  ? DBUS_ERROR_LIMITS_EXCEEDED
				    : DBUS_ERROR_NO_MEMORY;
	return NULL;
}

/* --- answers --------------------------------------------------------------------------------- */

struct keep_interface {
	const struct bus_service *s;
	const struct direction *d;
};

static bool keep_interface(void *arg, const char *interface)
{
	const struct keep_interface *k = arg;

	return bus_policy_knows(k->s, k->d->call, interface) ||
	       bus_policy_knows(k->s, k->d->read, interface) ||
	       bus_policy_knows(k->s, BUS_SIGNAL, interface) ||
	       str_starts(interface, "org.freedesktop.DBus.");
}

static int answer_introspection(const struct bridge_ask *a, DBusMessage *in, DBusMessage *out)
{
	struct keep_interface k = {a->service->policy, a->outwards ? &to_service : &to_item};
	const char *text;
	char *xml;
	bool good;

	if (!dbus_message_has_signature(in, "s") ||
	    !dbus_message_get_args(in, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
		return -EINVAL;
	xml = strdup(text);
	if (!xml)
		return -ENOMEM;
	bus_text_introspection(xml, keep_interface, &k);
	good = dbus_message_append_args(out, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID);
	free(xml);
	return good ? 0 : -ENOMEM;
}

/* An error's name and sentence. */
static int answer_error(DBusMessage *in, DBusMessage *out)
{
	const char *name = dbus_message_get_error_name(in), *text = "";

	dbus_message_get_args(in, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	return dbus_message_set_error_name(out, name) &&
			       dbus_message_append_args(out, DBUS_TYPE_STRING, &text,
							DBUS_TYPE_INVALID)
		       ? 0
		       : -ENOMEM;
}

static int fill_answer(const struct bridge_ask *a, DBusMessage *in, DBusMessage *out)
{
	struct bus_passage p;

	if (dbus_message_get_type(in) == DBUS_MESSAGE_TYPE_ERROR)
		return answer_error(in, out);
	if (a->introspect)
		return answer_introspection(a, in, out);
	set_passage(&p, a, true);
	return bus_rewrite_body(&p, in, out);
}

static void answer(const struct bridge_ask *a, DBusConnection *back, DBusMessage *in)
{
	DBusMessage *out = dbus_message_new(dbus_message_get_type(in));

	if (!out)
		return;
	dbus_message_set_no_reply(out, TRUE);
	if (dbus_message_set_destination(out, a->caller) &&
	    dbus_message_set_reply_serial(out, a->serial) && fill_answer(a, in, out) == 0) {
		bridge_send(back, out);
		return;
	}
	dbus_message_unref(out);
	bridge_fail(back, a->caller, a->serial, DBUS_ERROR_ACCESS_DENIED,
		    "The answer cannot be carried");
}

static void answered(DBusPendingCall *pending, void *arg)
{
	struct bridge_ask *a = arg;
	DBusConnection *back = a->outwards ? a->service->in : a->client->out;
	DBusMessage *in = dbus_pending_call_steal_reply(pending);

	if (in && back)
		answer(a, back, in);
	if (in)
		dbus_message_unref(in);
	bridge_ask_free(a);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void refuse(DBusConnection *back, DBusMessage *m, const char *error, const char *text)
{
	const char *caller = dbus_message_get_sender(m);

	if (!dbus_message_get_no_reply(m) && caller)
		bridge_fail(back, caller, dbus_message_get_serial(m), error, text);
}

static void note(struct bridge_ask *a, const struct decision *d, bool outwards)
{
	a->outwards = outwards;
	a->introspect = d->introspect;
	a->rewrite = d->rule ? d->rule->rewrite : BUS_PLAIN;
	a->interface = d->all ? d->rule->interface : NULL;
	if (d->property && str_copy(a->property, sizeof(a->property), d->property) < 0)
		a->property[0] = '\0';
}

/* By the name that was asked for, or where it was our own unique one, the one that is there. */
static const char *name_of(const struct bridge_service *s, const char *destination)
{
	const char *startable = s->policy->names[0];

	for (size_t i = 0; i < s->policy->n_names; i++) {
		if (destination && strcmp(s->policy->names[i], destination) == 0)
			return s->policy->names[i];
		if (s->names[i].startable)
			startable = s->policy->names[i];
	}
	for (size_t i = 0; i < s->policy->n_names; i++)
		if (*s->names[i].owner)
			return s->policy->names[i];
	return startable;
}

/* Sends the copy of a's message to whom; what fails is answered. */
static void send_call(struct bridge_ask *a, DBusConnection *to, DBusConnection *back,
		      const char *whom, bool start)
{
	const char *error = DBUS_ERROR_LIMITS_EXCEEDED;
	bool quiet = dbus_message_get_no_reply(a->message);
	struct bus_passage p;
	DBusMessage *out;

	set_passage(&p, a, false);
	out = copy(&p, a->message, &error);
	if (out && (!dbus_message_set_destination(out, whom) ||
		    dbus_connection_get_outgoing_size(to) > BUS_OUTGOING_MAX)) {
		dbus_message_unref(out);
		out = NULL;
	}
	if (!out) {
		refuse(back, a->message, error, "vpnrun does not carry this to the other bus");
		bridge_ask_free(a);
		return;
	}
	dbus_message_set_auto_start(out, start);
	dbus_message_set_no_reply(out, quiet);
	dbus_message_unref(a->message);
	a->message = NULL;
	a->on = to;
	if (quiet)
		dbus_connection_send(to, out, NULL);
	else if (dbus_connection_send_with_reply(to, out, &a->pending, DBUS_TIMEOUT_INFINITE) &&
		 a->pending)
		dbus_pending_call_set_notify(a->pending, answered, a, NULL);
	dbus_message_unref(out);
	if (!a->pending)
		bridge_ask_free(a);
}

static void send_outwards(struct bridge_ask *a)
{
	struct bridge_service *s = a->service;

	send_call(a, a->client->out, s->in, name_of(s, dbus_message_get_destination(a->message)),
		  s->policy->start);
}

void bridge_carry_waiting(struct bridge_client *c)
{
	struct bridge_ask *next;

	for (struct bridge_ask *a = c->asks; a; a = next) {
		next = a->next;
		if (a->message && a->outwards)
			send_outwards(a);
	}
}

void bridge_carry_call(struct bridge_service *s, DBusMessage *m)
{
	const char *caller = dbus_message_get_sender(m);
	struct decision d = decide(s->policy, &to_service, m);
	struct bridge_client *c;
	struct bridge_ask *a;

	if (d.error || !caller) {
		refuse(s->in, m, d.error ? d.error : DBUS_ERROR_ACCESS_DENIED,
		       "vpnrun does not carry this out of the VPN");
		return;
	}
	c = bridge_client_get(s->b, caller);
	a = c ? bridge_ask_new(c, s, m) : NULL;
	if (!a) {
		refuse(s->in, m, DBUS_ERROR_LIMITS_EXCEEDED,
		       "Too many programs or calls at once go out of the VPN");
		return;
	}
	c->used |= 1ull << (s - s->b->services);
	note(a, &d, true);
	if (*c->names.outside)
		send_outwards(a);
}

/* --- objects of the programs ----------------------------------------------------------------- */

static bool uses(const struct bridge_client *c, const struct bridge_service *s)
{
	return s->in && (c->used & 1ull << (s - c->b->services));
}

static bool has_items(const struct bus_service *s)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].kind == BUS_ITEM_CALL)
			return true;
	return false;
}

void bridge_carry_item_call(struct bridge_client *c, DBusMessage *m)
{
	struct decision d = {.error = DBUS_ERROR_UNKNOWN_INTERFACE};
	struct bridge_service *s = NULL;
	struct bridge_ask *a;

	for (size_t i = 0; d.error && i < c->b->policy->n_services; i++) {
		s = &c->b->services[i];
		/* Objects are had by services that call them. */
		if (uses(c, s))
			d = decide(s->policy, &to_item, m);
		if (d.introspect && !has_items(s->policy))
			d.error = DBUS_ERROR_UNKNOWN_INTERFACE;
	}
	a = d.error ? NULL : bridge_ask_new(c, s, m);
	if (!a) {
		refuse(c->out, m, d.error ? d.error : DBUS_ERROR_LIMITS_EXCEEDED,
		       "vpnrun does not carry this into the VPN");
		return;
	}
	note(a, &d, false);
	send_call(a, s->in, c->out, c->names.inside, false);
}

/* --- signals --------------------------------------------------------------------------------- */

/* *ret_interface: whose properties it tells of, NULL: it is another signal. */
static const struct bus_rule *find_signal(const struct bus_service *s, DBusMessage *m,
					  enum bus_kind tell, enum bus_kind read,
					  const char **ret_interface)
{
	const char *interface = dbus_message_get_interface(m), *about;

	*ret_interface = NULL;
	if (!dbus_message_is_signal(m, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"))
		return bus_policy_find(s, tell, interface, dbus_message_get_member(m));
	if (!dbus_message_has_signature(m, "sa{sv}as") ||
	    !dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &about, DBUS_TYPE_INVALID))
		return NULL;
	*ret_interface = about;
	return any_of(s, read, about);
}

void bridge_carry_signal(struct bridge *b, struct bridge_client *to, DBusMessage *m)
{
	const char *error, *path = dbus_message_get_path(m), *sender = dbus_message_get_sender(m);
	struct bus_passage p = {.outwards = false};
	const struct bus_rule *rule = NULL;
	struct bridge_service *s = NULL;
	DBusMessage *out;

	for (size_t i = 0; !rule && i < b->policy->n_services; i++) {
		s = &b->services[i];
		if (bridge_service_is(s, sender))
			rule = find_signal(s->policy, m, BUS_SIGNAL, BUS_READ, &p.interface);
	}
	if (!rule || !path)
		return;
	/* Some portals tell all of what is one caller's: his path says whose it is. */
	if (!to)
		to = bridge_client_of_path(b, path);
	p.service = s->policy;
	p.names = to ? &to->names : NULL;
	p.rewrite = rule->rewrite;
	out = copy(&p, m, &error);
	if (out && to && !dbus_message_set_destination(out, to->names.inside)) {
		dbus_message_unref(out);
		out = NULL;
	}
	if (out)
		bridge_send(s->in, out);
}

void bridge_carry_item_signal(struct bridge_service *s, DBusMessage *m)
{
	const char *sender = dbus_message_get_sender(m), *error;
	struct bridge_client *c = sender ? bridge_client_find(s->b, sender) : NULL;
	struct bus_passage p = {.outwards = true};
	const struct bus_rule *rule;
	DBusMessage *out;

	if (!c || !*c->names.outside || !uses(c, s))
		return;
	rule = find_signal(s->policy, m, BUS_ITEM_SIGNAL, BUS_ITEM_READ, &p.interface);
	if (!rule)
		return;
	p.service = s->policy;
	p.names = &c->names;
	p.rewrite = rule->rewrite;
	out = copy(&p, m, &error);
	if (out)
		bridge_send(c->out, out);
}
