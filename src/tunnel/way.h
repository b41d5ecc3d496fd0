/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out of a profile with "device": a device that vpnrun did not make, never configures and
 * never deletes. Which device it is, where its gateway is and whom the uplink asks for names may
 * change at any time, and is asked for anew each time. Looks only.
 */
#pragma once

#include "base/err.h"
#include "conf/model.h"

/* Fills p->way; a device that is not there, or has no default route, is no way, and no error.
 * -EINVAL: the device is one of ours. Of a profile without "device": 0. */
int way_find(const struct profile *p, struct err *e);
