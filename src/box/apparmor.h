/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AppArmor's profile of vpnrun, policy/apparmor/vpnrun.in.
 */
#pragma once

#include "base/err.h"

/* Back to unconfined, so that the command does not inherit what the profile allows. To be called
 * when all namespaces are made. Nothing happens under any other profile, or without AppArmor. */
int box_apparmor_leave(struct err *e);
