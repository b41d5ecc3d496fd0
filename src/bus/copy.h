/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The body of a message copied value by value, so that nothing passes that was not looked at.
 */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>

/* Longest string that is ever changed; one that is longer is refused where it may have to be. */
#define BUS_TEXT_MAX 65536

/* The bounds of one message: strings and arrays together, and descriptors. */
#define BUS_CARRIED_MAX	    (4 * 1024 * 1024)
#define BUS_CARRIED_FDS_MAX 4

struct bus_copy {
	/* The place of the value in the message: number of the argument, and the nearest key of a
	 * dictionary around it, "" if there is none. */
	unsigned int argument;
	const char *key;
	unsigned int nth; /* of the strings below that key */
	size_t size;	  /* of what was copied so far */
	unsigned int fds;
	/* Whether an entry of a dictionary stays; value stands at its value. NULL: all do. */
	bool (*keep)(struct bus_copy *c, const char *key, DBusMessageIter *value);
	/* Looks at a string or an object path; *ret, which may be replaced by a string that is
	 * valid until the next call, is what arrives. -EACCES: the message is refused. NULL: as it
	 * is. */
	int (*text)(struct bus_copy *c, int type, const char **ret);
};

/* Appends the body of in to out. -ENOMEM, -E2BIG, or what text() says; then out is no message to
 * send. */
int bus_copy_body(struct bus_copy *c, DBusMessage *in, DBusMessage *out);
