/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run in a sandbox as its program: whether the network is ready in its very first moment, or what
 * is missing. It looks before it does anything else. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* RTF_LOCAL of <linux/ipv6_route.h>, in the tenth field of /proc/net/ipv6_route. */
static int has_local(void)
{
	unsigned int flags, found = 0;
	char line[256], dev[64];
	FILE *f = fopen("/proc/net/ipv6_route", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %x %63s", &flags, dev) == 2 &&
		    !strcmp(dev, "vpn0") && (flags & 0x80000000))
			found = 1;
	if (f)
		fclose(f);
	return (int)found;
}

int main(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_name = "vpn0"};

	if (!has_local())
		puts("IPv6 does not know its own address");
	else if (s < 0 || ioctl(s, SIOCGIFFLAGS, &ifr) < 0 || !(ifr.ifr_flags & IFF_RUNNING))
		puts("the port does not forward yet");
	else
		puts("ready");
	return 0;
}
