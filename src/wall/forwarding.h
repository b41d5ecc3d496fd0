/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether and how the kernel forwards what comes from a bridge in the host's namespace: the
 * switches of the machine and of devices that are not the VPN's own. Root.
 */
#pragma once

#include "base/err.h"
#include "conf/model.h"
#include "want/want.h"

/* Notes, and with set also sets, what the profile asks for: the switch of the whole machine for
 * IPv6, and the devices that lead to "allow_lan". Given back by sysctls_give_back(). */
int forwarding_take(const struct profile *p, bool set, struct err *e);

/* Lists what forwarding_take() would set. */
int forwarding_want(const struct profile *p, struct want_list *l, struct err *e);

/* Calls fn for each device that was opened for the answers from the LAN, and was closed before. */
int forwarding_opened(const struct profile *p, void (*fn)(int family, const char *dev, void *arg),
		      void *arg, struct err *e);

/* The sentence for the user where forwarding_lacks_ip6(). */
void forwarding_say_no_ip6(const struct profile *p, char *ret, size_t size);

/* Whether that VPN has IPv6 to forward, and the kernel does not. */
bool forwarding_lacks_ip6(const struct profile *p);

/* Whether IPv6 of that VPN's bridge, or of its cable to the LAN, is forwarded: by its devices' own
 * setting (6.17), because the profile asked for the machine's switch, or because somebody else has
 * set it. */
bool forwarding_has_ip6(const struct profile *p);
