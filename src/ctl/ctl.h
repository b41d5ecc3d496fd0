/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl's commands. argv[0] is the command's name. Each parses its own options, prints its own
 * errors with log_error(), and returns the exit status: 0 done, 1 failed, 2 wrong usage.
 */
#pragma once

#include <stdbool.h>

int ctl_allowed_ips(int argc, char **argv);
int ctl_check(int argc, char **argv);
int ctl_confine(int argc, char **argv);
int ctl_confined_etc(int argc, char **argv); /* hidden: what a confined unit runs first */
int ctl_default(int argc, char **argv);
int ctl_down(int argc, char **argv);
int ctl_failover(int argc, char **argv); /* hidden: what the keeper runs */
int ctl_load(int argc, char **argv);	 /* hidden: what the keeper runs for its firewall */
int ctl_hold(int argc, char **argv);
int ctl_import(int argc, char **argv);
int ctl_ip(int argc, char **argv);
int ctl_kick(int argc, char **argv);
int ctl_leak_probe(int argc, char **argv); /* hidden: what leak-test runs inside */
int ctl_leak_test(int argc, char **argv);
int ctl_list(int argc, char **argv);
int ctl_oci(int argc, char **argv);
int ctl_plan(int argc, char **argv);
int ctl_policy(int argc, char **argv);
int ctl_publish(int argc, char **argv);
int ctl_release(int argc, char **argv);
int ctl_remove(int argc, char **argv);
int ctl_rename(int argc, char **argv);
int ctl_restart(int argc, char **argv);
int ctl_revive(int argc, char **argv);	      /* hidden: what vpnrun-keeper@ and the keeper run */
int ctl_serve_default(int argc, char **argv); /* hidden: what vpnrun-default.socket starts */
int ctl_status(int argc, char **argv);
int ctl_supervise(int argc, char **argv); /* hidden: what `up` starts */
int ctl_switch(int argc, char **argv);
int ctl_unwrap(int argc, char **argv);
int ctl_up(int argc, char **argv);
int ctl_wrap(int argc, char **argv);

/* Within a sandbox of vpnrun, where nothing of the host can be seen: answers for the command, and
 * returns its exit status. -1: not inside, or the command needs nothing of the host's. */
int ctl_inside(int argc, char **argv);

/* Whether there is a VPN of that name, configured or up: else -errno and a sentence with those that
 * there are. */
struct err;
int ctl_check_known(const char *name, struct err *e);

/* Whether vpnrun would find that policy. */
int ctl_check_policy(const char *name, struct err *e);

/* `vpnctl up NAME`, for `import --up`; wait: for the server. */
int ctl_up_name(const char *name, bool wait);
