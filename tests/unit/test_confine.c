/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a unit's own RestrictAddressFamilies= counts, ours must never allow what it forbids; and a
 * unit's name where systemd reads it in two ways (L54).
 */
#include "tap.h"

#include "confine/confine_dropin.c"
#include "confine/confine_unit.c"

static const char *result(const char *const *lines)
{
	static char out[128];
	struct confine_unit u = {0};
	int mode = MODE_NONE;

	out[0] = '\0';
	for (; *lines; lines++)
		confine_add_families(&u, &mode, *lines);
	if (!u.has_families)
		return "any";
	for (unsigned int i = 0; i < CONFINE_N_FAMILIES; i++)
		if (u.families >> i & 1) {
			strcat(out, confine_families[i] + 3);
			strcat(out, " ");
		}
	return out;
}

static void test_escapes(void)
{
	struct confine c = {.unit = "a\\x2db.service", .vpn = "demo"};
	struct err e = ERR_INIT;
	char *text = NULL;

	is_int(confine_make_etc_unit(&c, &text, &e) < 0, 0, "a unit with an escape in its name");
	ok(text && strstr(text, "\nPartOf=a\\x2db.service\n"), "L54 is named as it is");
	ok(text && strstr(text, " confined-etc demo a\\\\x2db.service\n"),
	   "L54 and handed on so that systemd gives its name");
	free(text);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

int main(void)
{
	tap_begin();
	test_escapes();
	is_str(result(LINES("AF_INET AF_INET6\nX=y")), "INET INET6 ", "L54 a list that allows");
	is_str(result(LINES("AF_INET", "AF_UNIX")), "UNIX INET ",
	       "L54 two lists that allow add up");
	is_str(result(LINES("~AF_NETLINK AF_PACKET")), "UNIX INET INET6 ", "L54 one that denies");
	is_str(result(LINES("~AF_NETLINK", "AF_NETLINK")), "UNIX INET INET6 NETLINK ",
	       "what a later line takes from a list that denies");
	is_str(result(LINES("AF_INET AF_UNIX", "~AF_UNIX")), "INET ", "and from one that allows");
	is_str(result(LINES("none")), "", "L54 none at all");
	is_str(result(LINES("AF_INET", "")), "any", "an empty line forgets all");
	is_str(result(LINES("AF_INET", "\n", "~AF_UNIX")), "INET INET6 NETLINK ",
	       "and starts anew");
	ok(confine_text_says("[Service]\n ProtectSystem = full\n", "ProtectSystem", "full"),
	   "blanks around a key");
	ok(!confine_text_says("#ProtectSystem=full\nProtectSystemX=full", "ProtectSystem", NULL),
	   "a comment and another key are none");
	return tap_done();
}
