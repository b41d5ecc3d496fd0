/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See twin.h. Keys are compared where they came, and wiped; none is printed. Called by `up` and
 * `import`.
 */
#include "tunnel/twin.h"

#include <dirent.h>
#include <string.h>

#include "base/util.h"
#include "conf/value.h"
#include "nl/link.h"
#include "nl/wg.h"
#include "state/record.h"
#include "tunnel/uapi.h"

/* A VPN's own, or of who is just being asked beside one (keeper/ask.h). */
static bool is_ours(const char *device, const char *name)
{
	struct record r;

	return !strcmp(device, name) ||
	       (str_starts(device, ASK_PREFIX) && device[3] >= '0' && device[3] <= '9') ||
	       (str_is_vpn_name(device) && record_read(device, &r, NULL) == 0);
}

static bool find_in_kernel(const char *name, const uint8_t key[WG_KEY_LEN], char ret[IFNAMSIZ])
{
	AUTO_NL_SOCK struct nl_sock route = NL_SOCK_INIT, genl = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	bool found = false;
	size_t n = 0;

	if (nl_sock_open(&route, NETLINK_ROUTE, NULL) < 0 ||
	    rtnl_link_list(&route, RTNL_HERE, &links, &n, NULL) < 0)
		return false;
	/* Where there is no such device, the module is not to be loaded for the question. */
	for (size_t i = 0; i < n && !found; i++) {
		if (strcmp(links[i].kind, "wireguard") != 0 || is_ours(links[i].name, name))
			continue;
		if (genl.fd < 0 && nl_sock_open(&genl, NETLINK_GENERIC, NULL) < 0)
			return false;
		found = wg_device_has_key(&genl, links[i].name, key) &&
			str_copy(ret, IFNAMSIZ, links[i].name) == 0;
	}
	return found;
}

static bool find_in_userspace(const char *name, const uint8_t key[WG_KEY_LEN], char ret[IFNAMSIZ])
{
	static const char end[] = ".sock";
	DIR *d = opendir(UAPI_DIR);
	struct dirent *de;
	bool found = false;

	while (d && !found && (de = readdir(d))) {
		char device[IFNAMSIZ];
		size_t len = strlen(de->d_name);

		if (len < sizeof(end) || len - sizeof(end) + 1 >= sizeof(device) ||
		    strcmp(de->d_name + len - sizeof(end) + 1, end) != 0)
			continue;
		str_fmt(device, sizeof(device), "%.*s", (int)(len - sizeof(end) + 1), de->d_name);
		found = !is_ours(device, name) && uapi_device_has_key(device, key) &&
			str_copy(ret, IFNAMSIZ, device) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

bool tunnel_twin_find(const char *name, const struct tunnel *t, char ret[IFNAMSIZ])
{
	uint8_t key[WG_KEY_LEN];
	bool found;

	memcpy(key, t->private_key, sizeof(key));
	wgkey_clamp(key);
	found = find_in_kernel(name, key, ret) || find_in_userspace(name, key, ret);
	util_wipe(key, sizeof(key));
	return found;
}
