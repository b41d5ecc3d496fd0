/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A launch tells the helper of its session, vpnrun-session, over "control": one message with a
 * pidfd of the process that becomes the command, and when it has a network namespace, that one's
 * inode. Nothing is answered.
 */
#pragma once

#include <stdint.h>

#define USE_MAGIC 0x31736576u

struct use_message {
	uint32_t magic;
	uint32_t reserved;
	uint64_t netns; /* 0: none yet, and a pidfd comes with the message */
};

/* Descriptors that the helper begins with. */
enum use_fd { USE_FD_BUS = 3, USE_FD_CONTROL, USE_FD_DIR, USE_FD_END };

/* Names in the session's directory. */
#define USE_BUS	    "bus"     /* where the bus listens; "run/bus" is the same socket */
#define USE_CONTROL "control" /* where launches say that they are there */
#define USE_LOCK    "lock"    /* flock(2) of whoever makes or removes the two */
