/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what is carried between the session's own bus and a VPN's, as policy/dbus/ lists it. The
 * text is part of the program; it is read once, when the program starts. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define BUS_SERVICES_MAX 48
#define BUS_NAMES_MAX	 4
#define BUS_RULES_MAX	 64
#define BUS_LIST_MAX	 96

enum bus_kind {
	BUS_CALL,	 /* inside asks the service */
	BUS_READ,	 /* a property of the service's that inside may read */
	BUS_WRITE,	 /* and write */
	BUS_SIGNAL,	 /* the service tells inside */
	BUS_ITEM_CALL,	 /* outside asks an object of the program's */
	BUS_ITEM_READ,	 /* a property of such an object */
	BUS_ITEM_SIGNAL, /* the program tells outside */
};

/* Rewrites of values, beside copying them. */
enum bus_rewrite {
	BUS_PLAIN,
	BUS_NOTIFY,	  /* org.freedesktop.Notifications.Notify */
	BUS_CAPABILITIES, /* its answer: nothing that would not be shown */
	BUS_NOTIFICATION, /* the portal's notification */
	BUS_REGISTER,	  /* the one argument names the program on the bus */
	BUS_ITEM,	  /* properties and menus of a status icon */
	BUS_SETTINGS,	  /* a change of settings: none of the desktop's own */
};

struct bus_rule {
	enum bus_kind kind;
	enum bus_rewrite rewrite;
	const char *interface, *member; /* member: "*" is every one */
};

/* One file of policy/dbus/: names that belong together, for they have one owner. */
struct bus_service {
	const char *file;
	const char *names[BUS_NAMES_MAX];
	size_t n_names;
	bool start; /* a call from inside may start it outside */
	struct bus_rule rules[BUS_RULES_MAX];
	size_t n_rules;
};

struct bus_policy {
	struct bus_service services[BUS_SERVICES_MAX];
	size_t n_services;
	const char *hidden[BUS_LIST_MAX]; /* neither carried nor started inside */
	size_t n_hidden;
	const char *background[BUS_LIST_MAX]; /* who owns only these keeps no session alive */
	size_t n_background;
	const char *desktop[BUS_LIST_MAX]; /* settings that nobody inside changes */
	size_t n_desktop;
};

/* Adds what one file says. text is cut into words and kept. */
int bus_policy_parse(struct bus_policy *p, const char *file, char *text, struct err *e);

/* Reads what the program was built with; called once. ret is large: static. */
int bus_policy_load(struct bus_policy *ret, struct err *e);

/* The first rule of that kind, NULL: none, so refused. */
const struct bus_rule *bus_policy_find(const struct bus_service *s, enum bus_kind kind,
				       const char *interface, const char *member);

/* Whether any rule names the interface. */
bool bus_policy_knows(const struct bus_service *s, enum bus_kind kind, const char *interface);

/* Whether name is in a list of names and of beginnings that end in '*'. */
bool bus_policy_lists(const char *const list[], size_t n, const char *name);
