/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gathers what `status`, `list` and `kick` know of the VPNs: profiles, records, and, for root, what
 * the kernel says. Looks only.
 */
#pragma once

#include <stdbool.h>

#include "up/inside.h"
#include "conf/model.h"
#include "state/record.h"
#include "state/health.h"
#include "tunnel/tunnel_dev.h"

enum view_state {
	VIEW_DOWN,
	VIEW_UP,
	VIEW_DEGRADED,
	VIEW_CLOSED, /* not up, and held for those who come before it is */
};

struct view {
	char name[NAME_MAX_LEN + 1];
	int id;			 /* 0: unknown, the profile is broken and there is no record */
	bool is_default;	 /* vpnrun without a name takes it */
	bool is_machine_default; /* see default/default.h */
	bool is_at_boot;	 /* it becomes that when the machine starts; see state/boot.h */
	bool is_strict;
	uint32_t host_lease; /* the host's own cable, 0: none */
	struct err broken;   /* what is wrong with its profile, code 0: nothing */
	bool has_profile;
	struct profile profile; /* without keys; the tunnel is empty where it may not be read */
	char chosen[SERVER_MAX_LEN + 1]; /* of many servers; "": it has one */
	bool is_edited; /* the profile says something else than when it came up, as root sees */
	bool has_record;
	struct record record;
	enum view_state state;
	bool is_silent;			/* why is the server's silence, and says how long that is */
	char why[RECORD_WHY_LEN + 128]; /* it is degraded, as the end of a sentence; else "" */
	char **missing; /* the objects of it that are not as they have to be, a sentence each */
	size_t n_missing;
	bool looked;  /* what follows is known */
	bool glanced; /* or as much of it as the asker may: what the keeper saw, seen_age_s ago,
			 and sandboxes of their own */
	bool glanced_inside; /* those of the asker's own are known */
	int64_t seen_age_s;
	char left[HEALTH_ENDPOINT]; /* the address before this one, which did not answer; else "" */
	struct tunnel_stats stats;
	struct inside inside;
};

struct views {
	struct view *at; /* by id, those without one last */
	size_t n;
	bool is_closed;	  /* the machine, until a VPN is its default; see default_close() */
	char awaited[16]; /* which, "": any */
};

/* Every VPN that has a profile or a record. look: ask the kernel as well (root). */
int views_read(bool look, struct views *ret, struct err *e);
void views_free(struct views *vs);

/* NULL: e lists the names that exist. */
struct view *views_find(struct views *vs, const char *name, struct err *e);

/* The record of that VPN. 1: found, 0: the VPN is known and down, -ENOENT: e lists the names that
 * exist. */
int view_find_record(const char *name, struct record *ret, struct err *e);

const char *view_state_name(enum view_state s);
const char *view_layout_name(const struct view *v);
/* Which of many servers it is up by; NULL: it is not up, or has one. */
const char *view_server(const struct view *v);
/* The first endpoint as written, NULL if not known. */
const char *view_endpoint(const struct view *v);
