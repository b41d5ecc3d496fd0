/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Docker was asked for and does not hand on: ports, and a network that it makes later. */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* Adds the ports to the annotation of the container of that name, if it has one. Returns -EINVAL if
 * one cannot be published, -EPERM if there is a network. */
int docker_look(json_t *config, const char *id, struct err *e);
