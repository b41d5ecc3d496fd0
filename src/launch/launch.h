/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a launch, in the order of run.c; line/ reads what was asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "line/options.h"
#include "relay/relay.h"
#include "running/check.h"
#include "state/record.h"
#include "state/sandbox.h"

#define LAUNCH_FAILED	 125
#define LAUNCH_NO_EXEC	 126
#define LAUNCH_NOT_FOUND 127

/* 0: nothing is around this process, the launch goes on. 1: it is in a sandbox of the VPN that was
 * asked for, and the command belongs there as it is; *ret says which. Otherwise e says where one
 * is: nothing that was asked for can be had from there. */
int launch_inside(const struct line_options *o, struct sandbox *ret, struct err *e);

/* Leaves SANDBOX_FILE and VPNRUN_VPN for the command. network: LINE_NONE or LINE_VPN. */
int launch_mark(const struct line_options *o, const struct record *r, uint32_t host,
		const char *policy, struct err *e);
/* VPNRUN_VPN of the sandbox that this process has joined. */
void launch_mark_joined(const struct sandbox *s);

/* Takes out of the environment what would lead to what is not there any more, and says where the
 * runtime directory is ("": it is the host's). */
void launch_clean_env(const char *runtime, bool closed_fds);

/* -EBUSY if the command is a program that would hand its window over to an instance that runs in
 * another network than the VPN's (id 0: none), or than that of o->with_pid. Otherwise *ret says
 * what it found on the way. */
int launch_check_running(const struct line_options *o, const struct record *vpn,
			 struct running_state *ret, struct err *e);
/* The command's environment keeps those that it starts from doing so. own_bus: the session bus
 * inside, if there is one, is not that of outside. */
void launch_hold_windows(const struct record *vpn, bool own_bus, const struct running_state *s);

/* Published ports: before the namespaces, and when the network inside is there. Where the line asks
 * for none these do nothing. */
int launch_ports_open(const struct line_options *o, struct relay_sandbox *p, struct err *e);
int launch_ports_serve(const struct line_options *o, const struct record *r, uint32_t host,
		       struct relay_sandbox *p, struct err *e);

/* Notes that a step is done, for launch_steps_print(). */
void launch_step(const char *what);
void launch_steps_print(void);

/* Says a failure on the desktop and ends with status; returns where nobody asked for that, where
 * somebody reads standard error, or where it cannot. */
void launch_notify(const struct line_options *o, int status, const char *sentence);

/* Becomes the program: returns on failure only, with LAUNCH_NOT_FOUND or LAUNCH_NO_EXEC. */
int launch_exec(char **argv, struct err *e);

/* Does it all and becomes the command: returns on failure only, with one of the statuses above. */
int launch_run(const struct line_options *o, struct err *e);
