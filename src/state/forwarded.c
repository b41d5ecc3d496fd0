/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See forwarded.h. The files are of whoever runs VPNs, so a wrong one says nothing.
 */
#include "state/forwarded.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void forwarded_path(const char *name, const char *what, char ret[64])
{
	str_fmt(ret, 64, RUN_DIR "/%s.%s", name, what);
}

static void share_path(const char *name, char dir[64], char file[72])
{
	forwarded_path(name, "forwarded", dir);
	str_fmt(file, 72, "%s/port", dir);
}

int forwarded_share(const char *name, const char *line, struct err *e)
{
	char dir[64], file[72];

	share_path(name, dir, file);
	/* Whatever the umask is: who is inside is not root. */
	if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || chmod(dir, 0755) < 0)
		return err_sys(e, -errno, "cannot make %s", dir);
	return line[0] ? file_replace(file, line, strlen(line), 0644, e) : file_remove(file, e);
}

void forwarded_unshare(const char *name)
{
	char dir[64], file[72];

	share_path(name, dir, file);
	unlink(file);
	rmdir(dir);
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
