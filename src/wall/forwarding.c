/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel forwards IPv4 from a device whose own setting says so, answers from the LAN included.
 * IPv6 so since 6.17; before, only by the switch of the whole machine, which makes it a router: it
 * then ignores router advertisements on each device whose accept_ra is 1 and not 2, and forgets the
 * default routes it learned by them. Called by up/bridge and wall/firewall.
 */
#include "wall/forwarding.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nl/link.h"
#include "nl/route.h"
#include "wall/sysctls.h"
#include "conf/plan.h"
#include "conf/value.h"
#include "want/lan.h"

#define CONF6  "/proc/sys/net/ipv6/conf"
#define SWITCH "ipv6/conf/all/forwarding"

struct wants {
	struct sysctl_want *at;
	size_t n;
};

/* What may not be asked is taken to be there: to set it says whether it is. */
static bool is_path(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

static bool has_own_setting(void)
{
	return is_path(CONF6 "/default/force_forwarding");
}

/* Asks about a key below /proc/sys/net; false too if there is none. */
static bool is_set_to(const char *key, const char *value)
{
	char path[128];
	AUTO_FREE char *text = NULL;

	if (str_fmt(path, sizeof(path), "/proc/sys/net/%s", key) < 0 ||
	    file_read(path, 64, &text, NULL, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, value);
}

static bool is_there(const char *key)
{
	char path[128];

	return str_fmt(path, sizeof(path), "/proc/sys/net/%s", key) >= 0 && is_path(path);
}

static int want(struct wants *w, const char *family, const char *dev, const char *key,
		const char *value, struct err *e)
{
	struct sysctl_want x, *more;

	if (str_fmt(x.key, sizeof(x.key), "%s/conf/%s/%s", family, dev, key) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot set %s of %s", key, dev);
	str_copy(x.value, sizeof(x.value), value);
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->at[i].key, x.key))
			return 0;
	if (!is_there(x.key))
		return 0;
	more = reallocarray(w->at, w->n + 1, sizeof(*more));
	if (!more)
		return err_sys(e, -ENOMEM, "cannot set %s of %s", key, dev);
	w->at = more;
	w->at[w->n++] = x;
	return 0;
}

bool forwarding_has_ip6(const struct profile *p)
{
	if (has_own_setting() || p->ipv6_forwarding)
		return true;
	/* What was set for another VPN goes with that one. */
	return is_set_to(SWITCH, "1") && !sysctls_is_ours(SWITCH);
}

bool forwarding_lacks_ip6(const struct profile *p)
{
	bool any = p->layout == LAYOUT_BRIDGE ? plan_source(p, AF_INET6) != NULL
					      : lan_has(p, AF_INET6);

	return any && !forwarding_has_ip6(p);
}

/* Every device's own forwarding is noted too: the switch resets them all, both ways. */
static int want_switch(const struct profile *p, struct wants *w, struct err *e)
{
	struct lan_cable cable;
	struct dirent *de;
	char key[SYSCTL_KEY_MAX];
	DIR *d;
	int r = 0;

	lan_cable_of(p->name, p->id, &cable);
	if (has_own_setting() || (is_set_to(SWITCH, "1") && !sysctls_is_ours(SWITCH)))
		return 0;
	d = opendir(CONF6);
	if (!d)
		return err_sys(e, -errno, "cannot read " CONF6);
	while (r == 0 && (de = readdir(d))) {
		/* Its own devices come and go with it. */
		if (de->d_name[0] == '.' || !strcmp(de->d_name, "all") ||
		    !strcmp(de->d_name, p->name) || !strcmp(de->d_name, p->bridge) ||
		    !strcmp(de->d_name, cable.dev))
			continue;
		str_fmt(key, sizeof(key), "ipv6/conf/%s/accept_ra", de->d_name);
		if (is_set_to(key, "1") || sysctls_is_ours(key))
			r = want(w, "ipv6", de->d_name, "accept_ra", "2", e);
		if (r == 0)
			r = want(w, "ipv6", de->d_name, "forwarding", "1", e);
	}
	closedir(d);
	return r < 0 ? r : want(w, "ipv6", "all", "forwarding", "1", e);
}

/* The device by which a host of that network is reached. A network's own address may be no host's,
 * and its first may be this machine's, which lo leads to. */
static bool find_device(struct nl_sock *s, const struct ipaddr *net, char dev[IF_NAMESIZE])
{
	int rest = (net->family == AF_INET ? 32 : 128) - net->plen;

	for (int n = rest > 1; n <= (rest > 1 ? 2 : rest); n++) {
		struct ipaddr host = *net;
		const struct rtnl_target to = {net->family, &host.v4, MARK_BASE};
		struct rtnl_way way;

		if (net->family == AF_INET)
			host.v4.s_addr |= htonl((uint32_t)n);
		else
			host.v6.s6_addr[15] |= (uint8_t)n;
		if (rtnl_route_get(s, &to, &way, NULL) < 0)
			return false;
		if (way.oif != LO_IFINDEX)
			return if_indextoname((unsigned int)way.oif, dev) != NULL;
	}
	return false;
}

/* Asked for as the tunnels' own packets are: no rule of the default's counts. Answers come in by
 * the device that leads there. */
static int want_lan(const struct profile *p, struct wants *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = p->n_allow_lan ? nl_sock_open(&s, NETLINK_ROUTE, e) : 0;

	for (size_t i = 0; r == 0 && i < p->n_allow_lan; i++) {
		char dev[IF_NAMESIZE];

		if (!find_device(&s, &p->allow_lan[i], dev) || !strcmp(dev, p->name) ||
		    !strcmp(dev, p->bridge))
			continue;
		if (p->allow_lan[i].family == AF_INET)
			r = want(w, "ipv4", dev, "forwarding", "1", e);
		else
			r = want(w, "ipv6", dev, "force_forwarding", "1", e);
	}
	return r;
}

/* Answers come in by the device that is the way out. */
static int want_way(const struct profile *p, struct wants *w, struct err *e)
{
	int r = 0;

	if (!p->way || !p->way->dev[0])
		return 0;
	if (p->way->of[0].is_open)
		r = want(w, "ipv4", p->way->dev, "forwarding", "1", e);
	if (r == 0 && p->way->of[1].is_open)
		r = want(w, "ipv6", p->way->dev, "force_forwarding", "1", e);
	return r;
}

static int want_all(const struct profile *p, struct wants *w, struct err *e)
{
	int r = want_way(p, w, e);

	r = r ?: want_lan(p, w, e);

	return r == 0 && p->ipv6_forwarding ? want_switch(p, w, e) : r;
}

int forwarding_want(const struct profile *p, struct want_list *l, struct err *e)
{
	struct wants w = {0};
	int r = want_all(p, &w, e);

	/* A device that has gone has taken its setting with it. */
	for (size_t i = 0; r == 0 && i < w.n; i++)
		want_add_sysctl(l, w.at[i].key, "", w.at[i].value, WANT_IF_KNOWN | WANT_OTHERS);
	free(w.at);
	return r;
}

int forwarding_take(const struct profile *p, bool set, struct err *e)
{
	struct wants w = {0};
	int r = want_all(p, &w, e);

	if (r == 0)
		r = sysctls_take(p->name, w.at, w.n, set, e);
	free(w.at);
	return r;
}

struct opened {
	void (*fn)(int family, const char *dev, void *arg);
	void *arg;
};

static void one_opened(const char *key, const char *before, void *arg)
{
	struct opened *o = arg;
	char dev[IF_NAMESIZE] = "", what[20] = "";
	int family;

	if (sscanf(key, "ipv%d/conf/%15[^/]/%19s", &family, dev, what) != 3 ||
	    strcmp(before, "0") != 0)
		return;
	if (family == 4 && !strcmp(what, "forwarding"))
		o->fn(AF_INET, dev, o->arg);
	else if (family == 6 && !strcmp(what, "force_forwarding"))
		o->fn(AF_INET6, dev, o->arg);
}

int forwarding_opened(const struct profile *p, void (*fn)(int family, const char *dev, void *arg),
		      void *arg, struct err *e)
{
	struct opened o = {.fn = fn, .arg = arg};

	return sysctls_for_each(p->name, one_opened, &o, e);
}

void forwarding_say_no_ip6(const struct profile *p, char *ret, size_t size)
{
	snprintf(ret, size,
		 "IPv6 from %s%s is refused: this kernel forwards it only by a switch of the whole "
		 "machine, which \"ipv6_forwarding\": true in /etc/vpnrun/%s.json asks for",
		 p->bridge, p->layout == LAYOUT_BRIDGE ? "" : " to the LAN", p->name);
}
