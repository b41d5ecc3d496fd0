/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any words as the command line of vpnrun, a word a line; and any text as a port, an address, a
 * number, a name. What is refused has a sentence, and what is taken is in its bounds.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "conf/subtract.h"
#include "conf/value.h"
#include "line/options.h"
#include "relay/ports.h"
#include "state/inbound.h"

#define WORDS 40

static void ports(const char *text)
{
	struct relay_specs specs = {.n = 0};
	struct port_maps maps = {.n = 0};
	struct err e = ERR_INIT;

	for (int i = 0; i < RELAY_SPECS_MAX + 1; i++)
		if (relay_spec_add(&specs, "-p", text, &e) < 0) {
			must_be_sentence(&e);
			break;
		}
	must(specs.n <= RELAY_SPECS_MAX);
	for (size_t i = 0; i < specs.n; i++)
		must(specs.at[i].listen && specs.at[i].target);
	specs.n = 0;
	if (relay_reach_add(&specs, "--reach", text, &e) < 0)
		must_be_sentence(&e);
	for (int i = 0; i < PORT_MAPS_MAX + 1; i++)
		if (inbound_parse(&maps, "-e", text, &e) < 0) {
			must_be_sentence(&e);
			break;
		}
	must(maps.n <= PORT_MAPS_MAX);
	for (size_t i = 0; i < maps.n; i++)
		must(inbound_is_sound(&maps.at[i]));
}

static void values(const char *text)
{
	struct ipaddr a;
	uint64_t v;

	if (str_uint(text, 2, 77, &v) == 0)
		must(v >= 2 && v <= 77);
	if (str_is_vpn_name(text))
		must(strlen(text) <= NAME_MAX_LEN && !str_is_reserved(text));
	str_is_device_name(text);
	if (ipaddr_parse(text, &a) == 0)
		must(a.family == AF_INET || a.family == AF_INET6);
}

static void line(char *text)
{
	static char name[] = "vpnrun";
	struct line_options o = {0};
	struct err e = ERR_INIT;
	char *argv[WORDS + 2] = {name}, *save;
	int n = 1;

	for (char *s = strtok_r(text, "\n", &save); s && n <= WORDS;
	     s = strtok_r(NULL, "\n", &save))
		argv[n++] = s;
	argv[n] = NULL;
	if (line_parse(n, argv, &o, &e) < 0) {
		must_be_sentence(&e);
		return;
	}
	must(o.n_dns <= NAMES_DNS_MAX && o.n_allow <= LINE_ALLOW_MAX &&
	     o.n_keep_fd <= LINE_KEEP_MAX && o.expose.n <= PORT_MAPS_MAX);
	if (o.command)
		must(o.command >= argv && o.command <= argv + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = world_text((struct bytes){data, size});

	world_begin_whole(data, size);
	ports(text);
	values(text);
	line(text);
	free(text);
	world_end();
	return 0;
}
