/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl default: the whole machine's traffic through one VPN, and back. Parse, call
 * default/default, say what came of it and which public address that gives; nobody who has no
 * answer is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/progress.h"
#include "ctl/ctl.h"
#include "command/default_door.h"
#include "command/default_keep.h"
#include "command/fetch.h"
#include "command/ip_answer.h"
#include "ctl/show.h"
#include "default/default.h"
#include "state/health.h"

#define ASK_TIMEOUT_MS 3000

struct default_options {
	const char *name;
	const char *url; /* NULL: the public address is not asked for */
	bool strict;
	bool boot; /* also from the machine's next start on */
	bool hold; /* the machine is closed, as it has to be then */
};

static int usage(void)
{
	log_error("usage: vpnctl default [--strict] [--boot] [--url URL|--no-ip] NAME|none; or: "
		  "vpnctl default --hold");
	return CTL_USAGE;
}

static int parse(int argc, char **argv, struct default_options *o)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--strict"))
			o->strict = true;
		else if (!strcmp(argv[i], "--boot"))
			o->boot = true;
		else if (!strcmp(argv[i], "--hold"))
			o->hold = true;
		else if (!strcmp(argv[i], "--no-ip"))
			o->url = NULL;
		else if (!strcmp(argv[i], "--url") && i + 1 < argc)
			o->url = argv[++i];
		else if (argv[i][0] == '-' || o->name)
			return usage();
		else
			o->name = argv[i];
	}
	/* What it closes for is what /etc says. */
	if (o->hold)
		return o->name || o->strict || o->boot ? usage() : CTL_OK;
	if (!o->name || (o->boot && !strcmp(o->name, "none")))
		return usage();
	return CTL_OK;
}

struct ip_question {
	const char *url;
};

static int ask_in_child(void *arg, void *answer, size_t *len, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const struct ip_question *q = arg;
	struct fetch *f = NULL;
	struct ip_answer a;
	int r = fetch_open(&f, e);

	if (r == 0)
		r = fetch_get(f, q->url, &(struct fetch_how){AF_UNSPEC, ASK_TIMEOUT_MS}, &text, e);
	if (r == 0)
		r = ip_answer_parse(text, &a, e);
	if (r < 0)
		return r;
	*len = strlen(a.text);
	memcpy(answer, a.text, *len);
	return 0;
}

/* The address that a server out there sees us at; "" where nobody answers. In a child, which is
 * ended in time: a resolver without a server takes longer than anybody wants to wait. */
static void ask(const char *url, char *ret, size_t size)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct ip_question q = {url};
	const struct child_job job = {.fn = ask_in_child,
				      .arg = &q,
				      .answer = ret,
				      .size = size - 1,
				      .timeout_ms = ASK_TIMEOUT_MS,
				      .silent = "nobody answers"};
	size_t len = 0;

	fflush(stdout);
	if (url)
		progress_begin(&progress, ASK_TIMEOUT_MS, "asking %s for the public address", url);
	if (!url || child_call(&job, &len, NULL) < 0)
		len = 0;
	ret[len] = '\0';
}

static void say_addresses(const struct default_options *o, const char *before)
{
	char after[64];

	if (!o->url)
		return;
	ask(o->url, after, sizeof(after));
	say("public address: %s, was %s\n", after[0] ? after : "unknown",
	    before[0] ? before : "unknown");
}

/* A user whom a VPN's file names takes it away for now: from its start on is root's to say. */
static int clear_all(char name[16], char kept[16], struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int r;

	progress_begin(&progress, 0, "taking the machine's default away");
	r = geteuid() ? door_ask("none", false, name, e) : default_clear(NULL, name, e);

	if (r == 0 && geteuid() == 0)
		r = keep_no_default(kept, e);
	return r;
}

static int clear(struct default_options *o, const char *before)
{
	struct err e = ERR_INIT;
	struct boot b = {0};
	char name[16], kept[16] = "";
	int was_closed = default_awaited(&e);

	if (was_closed < 0 || clear_all(name, kept, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (!name[0] && !kept[0] && !was_closed) {
		say("there was no default\n");
		return CTL_OK;
	}
	if (name[0])
		say("%s is not the default any more: traffic goes through the uplink\n", name);
	else if (was_closed)
		say("this machine is not closed any more: traffic goes through the uplink\n");
	if (kept[0])
		say("%s is not the default at the machine's start any more\n", kept);
	else if (boot_read(BOOT_WISH_PATH, &b, NULL) != -ENOENT)
		say("when the machine starts again, it is closed until %s is its default; root ends "
		    "that: sudo vpnctl default none\n",
		    b.name[0] ? b.name : "a VPN");
	say_addresses(o, before);
	return CTL_OK;
}

/* Says what is not in effect before a restart. */
static int keep(const struct default_options *o)
{
	struct err e = ERR_INIT;
	struct boot b = {0};
	bool has_unit = true;

	if (o->boot && keep_default(o->name, o->strict, &has_unit, &e) < 0) {
		log_error("%s is the default, but not when the machine starts again: %s", o->name,
			  e.msg);
		return CTL_FAILED;
	}
	if (o->boot)
		say("and when the machine starts, it is closed from before its network is up until "
		    "%s is its default; that ends by: vpnctl default none\n",
		    o->name);
	else if (boot_read(BOOT_WISH_PATH, &b, NULL) == 0 && strcmp(b.name, o->name) != 0)
		say("when the machine starts again, it is %s that becomes it; to change that: vpnctl "
		    "default %s --boot\n",
		    b.name, o->name);
	if (!has_unit)
		log_info("systemd has no unit vpnrun-boot@.service here: let a script of the "
			 "machine's start run, before the network is up, 'vpnctl default --hold', "
			 "and later 'vpnctl up %s'",
			 o->name);
	return CTL_OK;
}

/* This is for the machine's start. */
static int hold(void)
{
	struct err e = ERR_INIT;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct boot b;
	int r;

	progress_begin(&progress, 0, "closing this machine");
	r = default_close(&b, &e);
	progress_end(&progress);
	if (r == -ENOENT)
		say("no VPN is to be the default from the machine's start on (vpnctl default NAME "
		    "--boot says which)\n");
	else if (r < 0)
		return ctl_fail(&e);
	else if (r > 0)
		say("there is a default already, and it stays\n");
	else
		say("the machine is closed, but for its LAN, until %s is its default: vpnctl up %s\n",
		    b.name, b.name);
	return CTL_OK;
}

/* It is made so all the same, closed: who has asked for a way that is dead must not go another. */
static void say_dead(const char *name)
{
	char why[RECORD_WHY_LEN];

	if (health_is_of_no_use(name, why, sizeof(why)))
		log_info("VPN '%s' is of no use now: %s; until that is mended this machine reaches "
			 "no more than its LAN; back: vpnctl default none",
			 name, why);
}

/* systemd-resolved asks for everybody, from a unit of its own. */
static void say_names(const char *name)
{
	struct default_note n;

	if (default_note_read(&n, NULL) == 0 && default_is_way_of(&n.now, name) &&
	    n.dns == DEFAULT_DNS_RESOLVED && (n.now.n_users || n.now.n_units))
		log_info("what \"default_exclude\" names goes by the uplink, but not its names: "
			 "systemd-resolved asks the VPN's servers for everybody");
}

static int set_it(const struct default_options *o, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	char was[16];

	progress_begin(&progress, 0, "making %s the machine's default", o->name);
	return geteuid() ? door_ask(o->name, o->strict, was, e)
			 : default_set(o->name, o->strict, NULL, e);
}

static int set(struct default_options *o, const char *before)
{
	struct err e = ERR_INIT;

	if (set_it(o, &e) < 0)
		return ctl_fail(&e);
	say("%s is the default: all traffic but the LAN's goes through it\n", o->name);
	say_dead(o->name);
	say_names(o->name);
	say_addresses(o, before);
	return keep(o);
}

/* All of it, before anybody is asked and anything is done. */
static int check(const struct default_options *o)
{
	struct err e = ERR_INIT;

	if (o->url && fetch_check_url(o->url, &e) < 0)
		return ctl_fail(&e);
	if (!strcmp(o->name, "none"))
		return CTL_OK;
	return ctl_check_known(o->name, &e) < 0 ? ctl_fail(&e) : CTL_OK;
}

int ctl_default(int argc, char **argv)
{
	struct default_options o = {.url = CTL_IP_URL};
	char before[64];
	int rc = parse(argc, argv, &o);

	if (rc == CTL_OK && o.hold)
		return hold();
	if (rc == CTL_OK)
		rc = check(&o);
	if (rc != CTL_OK)
		return rc;
	ask(o.url, before, sizeof(before));
	return !strcmp(o.name, "none") ? clear(&o, before) : set(&o, before);
}
