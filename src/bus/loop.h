/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program waits for connections of libdbus and descriptors of its own.
 */
#pragma once

#include <dbus/dbus.h>

#include "base/err.h"

/* The size that a message on a connection may have: no less than session.conf lets through, because
 * the library closes a connection on which there is a larger one. What is carried is less
 * (copy.h). */
#define BUS_MESSAGE_MAX (32 * 1024 * 1024)
#define BUS_MESSAGE_FDS 16
/* What may wait on a connection: above that, no more is read, and nothing is sent. */
#define BUS_RECEIVED_MAX (8 * 1024 * 1024)
#define BUS_OUTGOING_MAX (8 * 1024 * 1024)

/* Connects and watches; waits at most a second for somebody to listen. Messages come to filter, by
 * the loop alone. NULL: e says why. To be given back by bus_loop_close(). */
DBusConnection *bus_loop_open(const char *address, DBusHandleMessageFunction filter, void *arg,
			      struct err *e);
void bus_loop_close(DBusConnection *c); /* NULL is nothing */

/* Calls fn when fd can be read or has ended. At most BUS_LOOP_FDS_MAX. -ENOSPC. */
#define BUS_LOOP_FDS_MAX 4096
int bus_loop_add(int fd, void (*fn)(int fd, void *arg), void *arg);
void bus_loop_remove(int fd);

/* One turn, of at most timeout_ms (-1: for ever). -errno: the loop itself is broken. */
int bus_loop_turn(int timeout_ms);
