/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ports that Docker was asked for and does not hand on. */
#pragma once

#include <jansson.h>

#include "base/err.h"

/* Adds them to the annotation of the container of that name, if it has one. -EINVAL: one cannot be
 * published. */
int docker_ports(json_t *config, const char *id, struct err *e);
