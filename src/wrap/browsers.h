/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Native-messaging hosts: programs that a browser starts by a manifest with their whole path.
 */
#pragma once

#include "wrap/plan.h"

/* Plans, for each browser, a manifest of the user's that leads to the wrapper. */
int wrap_plan_browsers(struct wrap_job *j, struct err *e);
