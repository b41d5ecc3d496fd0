/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the run record of a VPN that a test made by hand, for the namespace at /run/netns/NAME.
 *
 *   mkvpn NAME ID BRIDGE-IFINDEX [down] [held] [plen=N] [limit=N] [everyone] [ip4] [ip6]
 * [user=U]... [group=G]...
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state/record.h"

int main(int argc, char **argv)
{
	struct record r = {.state = RECORD_UP, .mtu = 1420, .subnet4_plen = 24};
	struct err e = ERR_INIT;
	struct stat st;
	char path[64];
	int users = 0, groups = 0;

	if (argc < 4)
		return 99;
	str_copy(r.name, sizeof(r.name), argv[1]);
	r.id = (uint8_t)strtoul(argv[2], NULL, 10);
	r.bridge_ifindex = (uint32_t)strtoul(argv[3], NULL, 10);
	r.subnet4.s_addr = htonl(0x0a140000u | (uint32_t)r.id << 8);
	snprintf(r.bridge, sizeof(r.bridge), "br-%.12s", argv[1]);
	for (int i = 4; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "down"))
			r.state = RECORD_DOWN;
		else if (!strcmp(a, "held"))
			r.flags |= RECORD_HELD;
		else if (!strcmp(a, "everyone"))
			r.flags |= RECORD_EVERYONE;
		else if (!strcmp(a, "ip4"))
			r.flags |= RECORD_HAS_IP4;
		else if (!strcmp(a, "ip6"))
			r.flags |= RECORD_HAS_IP6;
		else if (str_starts(a, "plen="))
			r.subnet4_plen = (uint8_t)strtoul(a + 5, NULL, 10);
		else if (str_starts(a, "limit="))
			r.limit = (uint32_t)strtoul(a + 6, NULL, 10);
		else if (str_starts(a, "user="))
			str_copy(r.allow_users[users++], RECORD_ALLOW_LEN, a + 5);
		else if (str_starts(a, "group="))
			str_copy(r.allow_groups[groups++], RECORD_ALLOW_LEN, a + 6);
		else
			return 99;
	}
	snprintf(path, sizeof(path), NETNS_DIR "/%s", r.name);
	if (stat(path, &st) < 0) {
		perror(path);
		return 1;
	}
	r.netns_dev = st.st_dev;
	r.netns_ino = st.st_ino;
	if (record_write(&r, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return 0;
}
