/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One supervisor process per VPN, in the namespace where the tunnel's encrypted socket is: the
 * host's, or that of the VPN which it goes through. Of one in userspace, it starts wireguard-go
 * there, moves the device into the VPN's, and does it again whenever wireguard-go ends. Of any, it
 * keeps the endpoint and the MTU right (SIGUSR2: look at once). It lives as long as it holds the
 * lock on /run/vpnrun/NAME.supervisor, which holds its process id.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Starts `vpnctl supervise NAME MTU`, this very program, detached, in the namespace
 * netns_fd (-1: the caller's), and waits until the device is configured and in its namespace (or e
 * says why not). *ret_pid is its process. */
int supervise_start(const char *name, int netns_fd, uint32_t mtu, int32_t *ret_pid, struct err *e);

/* The same for a device of the kernel's that is there: only keeps it (see keeper/keep.h). One that
 * runs already goes on. */
int supervise_start_keeper(const char *name, int netns_fd, uint32_t mtu, struct err *e);

/* Tells it that the record was written anew, and the tunnel set up anew before that: what was heard
 * of its server is forgotten. */
int supervise_reread(const char *name, struct err *e);

/* Tells it that the ports of the VPN's cables are others now. The tunnel is what it was. */
int supervise_reread_ports(const char *name, struct err *e);

/* Ends it and waits until it is gone; SIGKILL after 3 s. None there: 0. */
int supervise_stop(const char *name, struct err *e);

/* 1, 0 or -errno. */
int supervise_is_alive(const char *name, struct err *e);

/* Its pid, 0 if none lives, or -errno. */
pid_t supervise_find(const char *name, struct err *e);

#define SUPERVISE_STATUS_FD 3
