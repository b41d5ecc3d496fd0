/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of policy/dbus/ as the program was built with it: a file that is missing or changed on
 * the disk opens nothing.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "bus/policy.h"

static const char *const texts[][2] = {
#include "dbus_policy.h"
};

int bus_policy_load(struct bus_policy *ret, struct err *e)
{
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
		char *copy = strdup(texts[i][1]); /* kept for as long as the program runs */

		r = copy ? bus_policy_parse(ret, texts[i][0], copy, e)
			 : err_sys(e, -ENOMEM, "cannot read %s", texts[i][0]);
	}
	return r;
}
