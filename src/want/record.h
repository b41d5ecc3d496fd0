/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record and the resolv.conf of a VPN, as functions of its profile.
 */
#pragma once

#include "base/err.h"
#include "conf/model.h"
#include "state/record.h"

/* The record of the VPN as it will be once up; namespace and bridge numbers are the caller's. */
int plan_record(const struct profile *p, uint32_t mtu, struct record *ret, struct err *e);

/* resolv.conf as /etc/netns/NAME has it; the caller's to free. */
int plan_resolv_conf(const struct profile *p, char **ret, struct err *e);
