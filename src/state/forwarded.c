/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See forwarded.h. Reads only; the files are of whoever runs VPNs, so a wrong one says nothing.
 */
#include "state/forwarded.h"

#include <stdio.h>
#include <string.h>

void forwarded_path(const char *name, const char *what, char ret[64])
{
	str_fmt(ret, 64, RUN_DIR "/%s.%s", name, what);
}

void forwarded_ports(const struct record *r, uint16_t ret[2])
{
	AUTO_FREE char *text = NULL;
	unsigned int tcp = 0, udp = 0;
	char path[64];
	int n;

	ret[0] = ret[1] = 0;
	forwarded_path(r->name, "port", path);
	if (!r->natpmp_gateway.s_addr || file_read(path, FORWARDED_SIZE, &text, NULL, NULL) < 0)
		return;
	n = sscanf(text, "%5u %5u", &tcp, &udp);
	if (tcp > 65535 || (n == 2 && udp > 65535))
		return;
	ret[0] = (uint16_t)tcp;
	ret[1] = (uint16_t)(n == 2 ? udp : tcp);
}

void forwarded_why(const struct record *r, char ret[FORWARDED_WHY])
{
	AUTO_FREE char *text = NULL;
	char path[64];

	ret[0] = '\0';
	forwarded_path(r->name, "natpmp", path);
	if (!r->natpmp_gateway.s_addr || file_read(path, FORWARDED_WHY, &text, NULL, NULL) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	str_copy(ret, FORWARDED_WHY, text);
}
