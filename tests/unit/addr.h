/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address of a profile, from text.
 */
#pragma once

#include <arpa/inet.h>
#include <string.h>

#include "conf/model.h"

static struct ipaddr addr(const char *text, uint8_t plen)
{
	struct ipaddr a = {.plen = plen};

	a.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	inet_pton(a.family, text, &a.v6);
	return a;
}
