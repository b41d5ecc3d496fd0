/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole machine's traffic through one VPN, in the host's namespace. A note in RUN_DIR, written
 * before anything changes, says what there is to undo: what a killed run left, the next one
 * finishes. Root, in the host's namespace.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "conf/model.h"
#include "state/boot.h"
#include "state/note.h"
#include "ensure/ensure.h"

/* Asked when nobody else can change the default any more: n is what there is, NULL: none. 0: go on;
 * 1: do nothing, which is no error; -errno and a sentence: refused. */
struct default_permit {
	int (*ask)(const struct default_note *n, const void *arg, struct err *e);
	const void *arg;
};

/* Makes that VPN, which is up, the way out; what was it before is it no more. Repeating it repairs
 * what is missing. Waits while another is at it. permit may be NULL. */
int default_set(const char *name, bool strict, const struct default_permit *permit, struct err *e);

/* Puts back all that was found, exactly. *ret_name (16 bytes) is whose it was, "" if nobody's or
 * nothing was done. permit may be NULL. */
int default_clear(const struct default_permit *permit, char *ret_name, struct err *e);

/* A restart of the machine takes a default away, but not what /etc keeps of it: puts that back. To
 * be called before names are needed. */
int default_recover(struct err *e);

/* Closes the machine, but for its LAN, until the VPN that BOOT_WISH_PATH names is its default,
 * which it becomes when it comes up. To be called before there is a network; asks nobody, and needs
 * neither the VPN nor its files. 1: there is a default already. -ENOENT: nothing is to be closed.
 * Closed, too, where that file says nothing of use: then it fails with a sentence. */
int default_close(struct boot *ret, struct err *e);

/* 1: the machine is closed so at this moment; 0: it is not; -errno and a sentence: that cannot be
 * told. */
int default_awaited(struct err *e);

/* Does to a VPN what `up`, `restart` or `revive` does, apply being vpn_up() or the like, with what
 * the default needs before and after it. Returns what apply does. */
int default_around(int (*apply)(const struct profile *p, struct err *note, struct err *e),
		   const struct profile *p, struct err *note, struct err *e);

/* After a VPN came up, or its device was made anew: what of the default depends on it. No default:
 * nothing. What was begun and broken off is undone, and what was to be taken away goes. */
int default_follow(struct err *e);
/* The same, if default_judge() misses something; 1: there was one that was undone. */
int default_repair(struct err *e);

/* Calls fn (may be NULL) with each object of the default that is missing or altered: how many. Only
 * of one that is on. */
int default_missing(ensure_fn fn, void *arg, struct err *e);

/* Of that VPN's default: a descriptor that is readable when a unit may have begun or ended that it
 * leaves out; -1: there is none. It is the caller's, who asks for a new one after that. */
int default_units_watch(const char *name);

/* What is missing of what keeps the default closed: 0, or -ENOENT and a sentence; -EXDEV: it is
 * that of another network namespace than the caller's. */
int default_judge(const struct default_note *n, struct err *e);
