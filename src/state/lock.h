/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock that keeps two commands from one VPN. */
#pragma once

#include "base/err.h"

/* One up, down or default of a VPN at a time: a descriptor that holds it until it is closed. */
int vpn_lock(const char *name, struct err *e);
/* The same without waiting: -EWOULDBLOCK, and no sentence, where another has it. */
int vpn_lock_try(const char *name, struct err *e);
