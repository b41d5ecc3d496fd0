/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forwarder: what both buses are to each other. On the VPN's bus each service that is carried
 * has a connection of its own, which has its names there; on the session's bus each program that
 * asked for something has one, which is closed when the program leaves the VPN's bus: what it
 * inhibited, asked for or put into the tray ends with it.
 */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bus/rewrite.h"

/* Of all programs together, and of one: what more is asked for is answered with LimitsExceeded. */
#define BRIDGE_CLIENTS_MAX 1024
#define BRIDGE_ASKS_MAX	   64

/* Its presence says that all carried names are there. */
#define BRIDGE_READY_NAME "org.vpnrun.Session"

struct bridge;

struct bridge_service {
	struct bridge *b;
	const struct bus_service *policy;
	DBusConnection *in; /* NULL: nobody outside has a name of it */
	struct {
		bool startable;		    /* outside, by a call */
		bool taken;		    /* asked for inside */
		char owner[BUS_UNIQUE_MAX]; /* outside, "": nobody */
	} names[BUS_NAMES_MAX];
};

/* A call that waits for its answer, or for its client's connection. */
struct bridge_ask {
	struct bridge_ask *next; /* bridge_client::asks */
	struct bridge_client *client;
	struct bridge_service *service;
	DBusPendingCall *pending; /* NULL: not sent yet, message is kept */
	DBusConnection *on;	  /* where it was sent */
	DBusMessage *message;
	bool outwards;
	bool introspect;
	uint32_t serial;
	char caller[BUS_UNIQUE_MAX];
	enum bus_rewrite rewrite;
	char property[BUS_UNIQUE_MAX];
	const char *interface; /* of which all properties are asked for */
};

struct bridge_client {
	struct bridge_client *next; /* bridge::clients */
	struct bridge *b;
	DBusConnection *out;
	struct bus_names names; /* outside is "" until the bus has said hello */
	struct bridge_ask *asks;
	unsigned int n_asks;
	uint64_t used; /* services, a bit each */
};

/* A client's connection hands its messages on to carry.c, which makes clients itself. */
struct bridge_carrier {
	void (*item_call)(struct bridge_client *c, DBusMessage *m);
	void (*signal)(struct bridge *b, struct bridge_client *to, DBusMessage *m);
	void (*waiting)(struct bridge_client *c);
};

struct bridge {
	const struct bus_policy *policy;
	const struct bridge_carrier *carrier;
	const char *addresses; /* of the session's bus, with ';' between them */
	const char *inner;
	DBusConnection *in, *out; /* out NULL: nothing is carried */
	struct bridge_service services[BUS_SERVICES_MAX];
	struct bridge_client *clients;
	unsigned int n_clients;
	unsigned int unanswered; /* questions of the beginning */
	bool alive;		 /* the VPN's bus has said hello */
	bool looked, ready, ended;
	void (*list_done)(bool used, void *arg); /* of bridge_ask_use() */
	void *list_arg;
};

/* Connects to both. That the session's bus is not there is no failure. b and what it points to stay
 * the caller's. */
int bridge_start(struct bridge *b, struct err *e);

/* Whether somebody has a name inside that is no mere helper's: told by done. */
int bridge_ask_use(struct bridge *b, void (*done)(bool used, void *arg), void *arg);

/* --- shared by the files of the forwarder ------------------------------------------------------
 */

/* client.c. The client of that name on the inside, made if need be; NULL: there are too many. */
struct bridge_client *bridge_client_get(struct bridge *b, const char *inside);
struct bridge_client *bridge_client_find(struct bridge *b, const char *inside);
struct bridge_client *bridge_client_of_path(struct bridge *b, const char *path);
void bridge_client_drop(struct bridge_client *c);
void bridge_client_drop_all(struct bridge *b);
/* NULL: it has too many. */
struct bridge_ask *bridge_ask_new(struct bridge_client *c, struct bridge_service *s,
				  DBusMessage *m);
void bridge_ask_free(struct bridge_ask *a);
/* Ends what waits for an answer on a connection that is about to be closed. */
void bridge_ask_forget(struct bridge *b, const DBusConnection *on);

/* carry.c */
void bridge_carry_call(struct bridge_service *s, DBusMessage *m);
void bridge_carry_item_call(struct bridge_client *c, DBusMessage *m);
void bridge_carry_signal(struct bridge *b, struct bridge_client *to, DBusMessage *m);
void bridge_carry_item_signal(struct bridge_service *s, DBusMessage *m);
/* Sends what waited for the client's connection. */
void bridge_carry_waiting(struct bridge_client *c);

/* talk.c. Calls the bus itself; fn gets the answer, or NULL. The message is consumed. */
int bridge_query(DBusConnection *c, DBusMessage *m, void (*fn)(DBusMessage *answer, void *arg),
		 void *arg);
DBusMessage *bridge_bus_call(const char *member);
bool bridge_service_is(const struct bridge_service *s, const char *owner);
/* Refuses to pile up what nobody reads; consumes m. */
int bridge_send(DBusConnection *c, DBusMessage *m);
void bridge_fail(DBusConnection *c, const char *caller, uint32_t serial, const char *name,
		 const char *text);
DBusConnection *bridge_open_outside(const struct bridge *b, DBusHandleMessageFunction filter,
				    void *arg, struct err *e);
