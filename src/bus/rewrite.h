/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One message from one bus as it appears on the other.
 */
#pragma once

#include "bus/copy.h"
#include "bus/policy.h"

#define BUS_UNIQUE_MAX                                                            \
	64 /* a bus's name for a connection: ours are ":1.2", a stranger's is cut \
	    */

/* The two names of one program. */
struct bus_names {
	char inside[BUS_UNIQUE_MAX];
	char outside[BUS_UNIQUE_MAX];
	char inside_path[BUS_UNIQUE_MAX]; /* in the portal's spelling */
	char outside_path[BUS_UNIQUE_MAX];
};

struct bus_passage {
	const struct bus_policy *policy; /* NULL: no change of settings may pass */
	const struct bus_service *service;
	const struct bus_names *names; /* NULL: it is nobody's, a broadcast */
	bool outwards;
	bool answer; /* to a call of that rewrite */
	enum bus_rewrite rewrite;
	const char *property;  /* of the answer to a Get, "" otherwise */
	const char *interface; /* whose properties a dictionary lists; NULL: it is none */
};

/* Fills out, whose headers are set, with the body of in. -EACCES: it names what is another's;
 * -E2BIG; -EINVAL: not the types that the method has. */
int bus_rewrite_body(const struct bus_passage *p, DBusMessage *in, DBusMessage *out);

/* The path of a message on the other side; *ret is path itself or buf. -EACCES, -E2BIG. */
int bus_rewrite_path(const struct bus_passage *p, const char *path, char *buf, size_t size,
		     const char **ret);
