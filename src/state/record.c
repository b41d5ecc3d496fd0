/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run record. Readers trust it as far as they trust root, who alone can write RUN_DIR, and
 * still check every length, because a record of another version must not be misread.
 */
#include "state/record.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prefix.h"

#define SETTLE_MS 3000 /* a restart takes a tenth of a second, and all of one on a busy machine */
#define LOOK_MS	  10

static int record_path(const char *name, char *ret, size_t size)
{
	return snprintf(ret, size, RUN_DIR "/%s", name) >= (int)size ? -ENAMETOOLONG : 0;
}

#define TEXT(member)                                                                     \
	{                                                                                \
		offsetof(struct record, member), sizeof(((struct record *)0)->member), 1 \
	}
#define NAMES(member, n)                                             \
	{                                                            \
		offsetof(struct record, member), RECORD_ALLOW_LEN, n \
	}

/* n texts in a row, each of which must end within its own size. */
static const struct {
	uint16_t at, size, n;
} texts[] = {
	TEXT(name),
	TEXT(bridge),
	TEXT(device),
	TEXT(search),
	TEXT(via),
	TEXT(endpoint),
	TEXT(hook_user),
	TEXT(hook_command),
	TEXT(server),
	TEXT(why),
	NAMES(allow_users, RECORD_ALLOW_MAX),
	NAMES(allow_groups, RECORD_ALLOW_MAX),
	NAMES(default_users, RECORD_DEFAULT_MAX),
	NAMES(default_groups, RECORD_DEFAULT_MAX),
};

static bool is_sound(const struct record *r, const char *name)
{
	if (r->magic != RECORD_MAGIC || r->version != RECORD_VERSION || r->size != sizeof(*r))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		for (size_t n = 0; n < texts[i].n; n++)
			if (!memchr((const char *)r + texts[i].at + n * texts[i].size, '\0',
				    texts[i].size))
				return false;
	return strcmp(r->name, name) == 0 && r->id >= 1 && r->id <= 99 && r->subnet4_plen >= 22 &&
	       r->subnet4_plen <= 29;
}

int record_read(const char *name, struct record *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct record r;
	char path[64];
	ssize_t n;

	if (!str_is_vpn_name(name) || record_path(name, path, sizeof(path)) < 0)
		return err_set(e, -ENOENT, "'%s' is not a VPN's name", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	n = read(fd, &r, sizeof(r));
	if (n < 0)
		return err_sys(e, -errno, "cannot read %s", path);
	if ((size_t)n != sizeof(r) || !is_sound(&r, name))
		return err_set(e, -EPROTO,
			       "%s is from another version of vpnrun; run: sudo vpnctl up %s", path,
			       name);
	*ret = r;
	return 0;
}

int record_fail_down(const char *name, struct err *e)
{
	return err_set(e, -ENETDOWN, "VPN '%s' is down; bring it up with: sudo vpnctl up %s", name,
		       name);
}

int record_check_lan(const struct record *r, struct err *e)
{
	if (r->flags & RECORD_LAN)
		return 0;
	return err_set(e, -EACCES,
		       "VPN '%s' opens nothing of the LAN: \"allow_lan\" in "
		       "/etc/vpnrun/%s.json names what may be reached, and counts after: sudo "
		       "vpnctl up %s",
		       r->name, r->name, r->name);
}

static bool is_own_dns(const struct record *r, const struct names_dns *d)
{
	for (size_t i = 0; i < RECORD_DNS_MAX; i++)
		if (r->dns[i].family == d->family &&
		    !memcmp(r->dns[i].addr, d->addr, d->family == AF_INET ? 4 : 16))
			return true;
	return false;
}

static bool is_in_lan(const struct record *r, const struct names_dns *d)
{
	const struct net_prefix at = prefix_of_addr(d->family, d->addr);

	for (size_t i = 0; i < RECORD_LAN_MAX && r->lan[i].plen; i++) {
		struct net_prefix net = prefix_of_addr(r->lan[i].family, r->lan[i].addr);

		net.len = r->lan[i].plen;
		if (prefix_has(&net, &at))
			return true;
	}
	return false;
}

int record_check_lan_dns(const struct record *r, const struct names_dns *dns, size_t n,
			 const char *what, struct err *e)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++)
		if (is_in_lan(r, &dns[i]) && !is_own_dns(r, &dns[i]))
			return err_set(e, -EACCES,
				       "%s %s is in the LAN, where no name may be asked for: leave "
				       "it out, and VPN '%s' answers",
				       what,
				       inet_ntop(dns[i].family, dns[i].addr, text, sizeof(text)),
				       r->name);
	return 0;
}

int record_check_open(const struct record *r, struct err *e)
{
	if (r->state == RECORD_UP || (r->flags & RECORD_HELD))
		return 0;
	return record_fail_down(r->name, e);
}

int record_hint_hold(const char *name, struct err *e)
{
	return err_hint(e, -ENETDOWN, "containers may start before that after: sudo vpnctl hold %s",
			name);
}

int record_find(const char *name, struct record *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int r = record_read(name, ret, &why);

	if (r == 0)
		return 1;
	memset(ret, 0, sizeof(*ret));
	return r == -ENOENT || r == -EPROTO ? 0 : err_set(e, r, "%s", why.msg);
}

int record_read_up(const char *name, struct record *ret, struct err *e)
{
	int r = record_read(name, ret, e);

	return r == -ENOENT || (r == 0 && ret->state != RECORD_UP) ? record_fail_down(name, e) : r;
}

/* The caller's umask must not keep users from the records. */
int record_make_dir(struct err *e)
{
	if (mkdir(RUN_DIR, 0755) == 0)
		return chmod(RUN_DIR, 0755) < 0
			       ? err_sys(e, -errno, "cannot set the mode of " RUN_DIR)
			       : 0;
	return errno == EEXIST ? 0 : err_sys(e, -errno, "cannot create " RUN_DIR);
}

int record_write(const struct record *r, struct err *e)
{
	struct record out = *r;
	char path[64];
	int rc;

	rc = record_path(r->name, path, sizeof(path));
	if (rc < 0)
		return err_sys(e, rc, "cannot write the record of %s", r->name);
	rc = record_make_dir(e);
	if (rc < 0)
		return rc;
	out.magic = RECORD_MAGIC;
	out.version = RECORD_VERSION;
	out.size = sizeof(out);
	return file_replace(path, &out, sizeof(out), 0644, e);
}

int record_remove(const char *name, struct err *e)
{
	char path[64];

	if (record_path(name, path, sizeof(path)) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot remove the record of %s", name);
	return file_remove(path, e);
}

/* It went meanwhile, is another version's, or is no file that anybody may read, as a record is. */
static bool is_no_record(int r)
{
	return r == -ENOENT || r == -EPROTO || r == -EISDIR || r == -ELOOP || r == -ENXIO ||
	       r == -EACCES;
}

int record_for_each(int (*fn)(const struct record *r, void *arg), void *arg, struct err *e)
{
	DIR *d = opendir(RUN_DIR);
	struct err why = ERR_INIT;
	struct dirent *de;
	struct record r;
	int rc = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot list " RUN_DIR);
	while (rc == 0 && (errno = 0, de = readdir(d))) {
		if (!str_is_vpn_name(de->d_name))
			continue;
		rc = record_read(de->d_name, &r, &why);
		if (rc == 0)
			rc = fn(&r, arg);
		else
			rc = is_no_record(rc) ? 0 : err_set(e, rc, "%s", why.msg);
	}
	if (!de && errno)
		rc = err_sys(e, -errno, "cannot list " RUN_DIR);
	closedir(d);
	return rc;
}

int record_read_settled(const char *name, struct record *ret, struct err *e)
{
	int64_t end = util_now_ms() + SETTLE_MS;
	int r;

	for (;;) {
		r = record_read(name, ret, e);
		if (r < 0 || ret->state != RECORD_LOST || util_now_ms() >= end)
			return r;
		poll(NULL, 0, LOOK_MS);
	}
}

static int keep_lowest_up(const struct record *r, void *arg)
{
	struct record *best = arg;

	if (r->state == RECORD_UP && !(r->flags & RECORD_DEVICE) &&
	    (best->id == 0 || r->id < best->id))
		*best = *r;
	return 0;
}

static int keep_lowest(const struct record *r, void *arg)
{
	struct record *best = arg;

	if (r->state != RECORD_DOWN && !(r->flags & RECORD_DEVICE) &&
	    (best->id == 0 || r->id < best->id))
		*best = *r;
	return 0;
}

int record_read_default(struct record *ret, struct err *e)
{
	struct record best = {.id = 0};
	char name[sizeof(best.name) + 1] = "";
	int r;

	/* It must not be another VPN for the moment that this one is made anew. */
	r = record_for_each(keep_lowest, &best, e);
	memcpy(name, best.name, sizeof(best.name));
	if (best.id && best.state == RECORD_LOST &&
	    (record_read_settled(name, &best, NULL) < 0 || best.state != RECORD_UP)) {
		best.id = 0;
		r = record_for_each(keep_lowest_up, &best, e);
	}
	if (r < 0)
		return r;
	if (best.id == 0)
		return err_set(e, -ENOENT, "no VPN is up; bring one up with: sudo vpnctl up NAME");
	*ret = best;
	return 0;
}

int record_open_netns(const struct record *r, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char path[64];

	/* The host's own namespace has no name: who asks is in it, or has no business with it. */
	if (r->layout == LAYOUT_BRIDGE)
		snprintf(path, sizeof(path), "/proc/self/ns/net");
	else
		snprintf(path, sizeof(path), NETNS_DIR "/%s", r->name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot stat %s", path);
	if (!record_is_netns(r, &st))
		return err_set(e, -ESTALE,
			       "%s is not the namespace that VPN '%s' was brought up in; run: "
			       "sudo vpnctl up %s",
			       path, r->name, r->name);
	return take_fd(&fd);
}

int record_find_netns(const struct record *r, int *ret_fd, struct err *e)
{
	struct err why = ERR_INIT;
	int fd = record_open_netns(r, &why);

	*ret_fd = fd < 0 ? -1 : fd;
	if (fd >= 0)
		return 1;
	return fd == -ESTALE || fd == -ENOENT ? 0 : err_set(e, fd, "%s", why.msg);
}

size_t record_servers(const struct record *r, struct names_dns ret[NAMES_DNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++) {
		uint32_t flag = r->dns[i].family == AF_INET ? RECORD_HAS_IP4 : RECORD_HAS_IP6;

		if (!(r->flags & flag))
			continue;
		ret[n].family = r->dns[i].family;
		memcpy(ret[n++].addr, r->dns[i].addr, sizeof(ret->addr));
	}
	return n;
}

struct lease_pool record_pool(const struct record *r)
{
	struct lease_pool p = {.id = r->id, .plen = r->subnet4_plen, .subnet4 = r->subnet4};

	return p;
}
