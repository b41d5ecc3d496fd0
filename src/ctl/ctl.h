/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl's commands. Each is called with argv[0] = its own name, prints its own errors, and returns
 * the exit status: 0 ok, 1 failed, 2 usage.
 */
#pragma once

#include "base/json.h"
#include "vpn/model.h"

enum ctl_exit { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

int ctl_check(int argc, char **argv);
int ctl_import(int argc, char **argv);

/* Brings one VPN up, as `up NAME` does: says what went wrong, returns the exit status. */
int ctl_up_name(const char *name);

/* The tunnel's keys of `check --json`, into the object that is open. */
void ctl_tunnel_json(struct json_out *out, const struct tunnel *t);

/* A tunnel's warnings, a line each, to stderr. */
void ctl_print_warnings(const struct tunnel *t);
