/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a file of /run/vpnrun: records, notes, lists of what was made, health, forwarded
 * ports, sandboxes, sysctls of others. Its writer is root, and the version may be another: what is
 * believed is whole, and every text in it has an end.
 */
#include "fuzz/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "conf/model.h"
#include "ensure/applied.h"
#include "ensure/made.h"
#include "state/boot.h"
#include "state/forwarded.h"
#include "state/health.h"
#include "state/inbound.h"
#include "state/note.h"
#include "state/record.h"
#include "state/sandbox.h"
#include "tunnel/supervise.h"
#include "up/bridge.h"
#include "wall/sysctls.h"

#define TEXT(x) must(memchr((x), '\0', sizeof(x)) != NULL)

static int see_record(const struct record *r, void *arg)
{
	(void)arg;
	TEXT(r->name);
	TEXT(r->bridge);
	TEXT(r->device);
	TEXT(r->search);
	TEXT(r->via);
	TEXT(r->endpoint);
	TEXT(r->hook_user);
	TEXT(r->hook_command);
	TEXT(r->why);
	for (size_t i = 0; i < RECORD_ALLOW_MAX; i++) {
		TEXT(r->allow_users[i]);
		TEXT(r->allow_groups[i]);
	}
	return 0;
}

static int records(struct err *e)
{
	struct names_dns dns[NAMES_DNS_MAX];
	struct lease_pool pool;
	struct record r;
	int rc;

	switch (world_choice(4)) {
	case 0:
		rc = record_read("demo", &r, e);
		break;
	case 1:
		rc = record_read_default(&r, e);
		break;
	case 2:
		rc = record_read_settled("demo", &r, e);
		break;
	default:
		rc = record_read_up("demo", &r, e);
		break;
	}
	if (rc < 0)
		return rc;
	see_record(&r, NULL);
	must(record_servers(&r, dns) <= NAMES_DNS_MAX);
	pool = record_pool(&r);
	must(lease_max(&pool) >= 2);
	inbound_check(&r, &(struct port_map){.outer = 8080, .inner = 80, .proto = 6}, 1, NULL);
	return 0;
}

static int made(struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	char text[WANT_TEXT_LEN];
	struct record r;
	int rc;

	if (world_choice(2)) {
		rc = made_read_record("demo", &r, e);
		if (rc == 0)
			see_record(&r, NULL);
		return rc;
	}
	rc = made_read("demo", &l, e);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		want_describe(&l.at[i], text);
		TEXT(text);
		want_is_same(&l.at[i], &l.at[0]);
	}
	return rc;
}

/* What was applied: a profile behind a head that says how long its parts are. */
static void see_applied(void)
{
	struct err e = ERR_INIT;
	struct profile p;

	if (applied_load("demo", &p, &e) < 0) {
		must_be_sentence(&e);
		return;
	}
	must(p.id >= 1 && p.id <= 99 && p.bridge);
	profile_free(&p);
	applied_is_old("demo");
}

static int former(struct err *e)
{
	struct record r;
	int rc = bridge_note_read("demo", &r, e);

	see_applied();
	if (rc == 0)
		see_record(&r, NULL);
	return rc;
}

static int note(struct err *e)
{
	struct default_note n;
	int rc = default_note_read(&n, e);

	if (rc < 0)
		return rc;
	TEXT(n.now.name);
	TEXT(n.now.search);
	TEXT(n.old.dev);
	default_has(&n, "demo");
	return 0;
}

static int health(struct err *e)
{
	struct health h;
	char why[200];

	(void)e;
	if (health_read("demo", &h) < 0)
		return 0;
	health_is_fresh(&h);
	if (health_is_dead(&h, why, sizeof(why)))
		TEXT(why);
	return 0;
}

static int forwarded(struct err *e)
{
	struct record r = {.name = "demo", .natpmp_gateway.s_addr = 1};
	char why[FORWARDED_WHY];
	uint16_t ports[2];

	(void)e;
	forwarded_ports(&r, ports);
	forwarded_why(&r, why);
	TEXT(why);
	return 0;
}

static int sandbox(struct err *e)
{
	struct sandbox s;
	int rc = world_choice(2) ? sandbox_look_at(7, &s) : sandbox_look(&s, e);

	if (rc == 1) {
		TEXT(s.vpn);
		TEXT(s.policy);
		must(!s.id || str_is_vpn_name(s.vpn));
	}
	return rc;
}

static void see_key(const char *key, const char *before, void *arg)
{
	(void)arg;
	must(strlen(key) < SYSCTL_KEY_MAX && strlen(before) < 8);
}

static int sysctls(struct err *e)
{
	sysctls_is_ours("ipv4/ip_forward");
	return sysctls_for_each("demo", see_key, NULL, e);
}

static int texts(struct err *e)
{
	char *text = world_next_text(), again[INBOUND_TEXT_LEN];
	struct lease_pool pool = {.id = 1, .plen = 24};
	struct port_maps maps, back;
	struct err said = ERR_INIT;

	(void)e;
	inbound_unformat(text, &maps);
	inbound_format(maps.at, maps.n, again);
	inbound_unformat(again, &back);
	must(!memcmp(&maps, &back, sizeof(maps)));
	for (size_t i = 0; i < maps.n; i++)
		must(inbound_is_sound(&maps.at[i]));
	must(lease_from_port(&pool, text) <= lease_max(&pool));
	memset(&maps, 0, sizeof(maps));
	if (inbound_parse(&maps, "-e", text, &said) < 0)
		must(said.code < 0 && strchr(said.msg, ' '));
	free(text);
	supervise_find("demo", NULL);
	return 0;
}

static int wish(struct err *e)
{
	struct boot b;
	int r = boot_read(BOOT_WAIT_PATH, &b, e);

	must(r == -ENOENT || (r == 0) == str_is_vpn_name(b.name));
	return r == -ENOENT ? 0 : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const all[])(struct err *) = {records,   made,    former,	note,  health,
						   forwarded, sandbox, sysctls, texts, wish};
	struct err e = ERR_INIT;
	uint8_t which = size ? data[0] : 0, choice = size > 1 ? data[1] : 0;
	uint8_t first[8] = {which, choice, choice, choice, choice, choice, choice, 0xff};
	struct bytes rest = {data + (size > 2 ? 2 : size), size > 2 ? size - 2 : 0};

	/* Binary: the file is all that follows, whatever is in it. */
	world_begin(first, sizeof(first) - 1);
	world_set_file("", rest);
	if (all[world_choice(ARRAY_SIZE(all))](&e) < 0)
		must_be_sentence(&e);
	world_end();
	return 0;
}
