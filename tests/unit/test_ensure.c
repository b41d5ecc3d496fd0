/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs over a list, in a network of its own: each object is made, is missed when it is taken
 * away or altered, is put back, and goes when the list goes. What is somebody else's stays.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "base/util.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "inside.h"
#include "nf/nft_digest.h"
#include "want/want.h"

#define LAST UINT32_MAX

static const uint8_t mac[6] = {2, 0x76, 0x70, 1, 0, 1};
static char said[WANT_TEXT_LEN + 110];

static struct lease_pool pool(void)
{
	struct lease_pool p = {.id = 1, .plen = 29};

	inet_pton(AF_INET, "10.20.1.0", &p.subnet4);
	return p;
}

static void add_rule(struct want_list *l, int family, uint8_t table, uint32_t mark,
		     bool unreachable)
{
	struct rtnl_rule r = {.family = family, .priority = 301, .table = table};

	r.mark = mark;
	r.mask = mark ? UINT32_MAX : 0;
	r.unreachable = unreachable;
	want_add_rule(l, &r);
}

/* One or more of each kind that the kernel makes here. */
static void fill(struct want_list *l)
{
	struct lease_pool p = pool();
	struct in_addr g4 = lease_ip4(&p, 1);
	struct in6_addr g6 = lease_ip6(&p, 1), n6 = lease_ip6(&p, 0);
	struct want_route *r;

	want_add_sysctl(l, "ipv4/ip_forward", "", "1", 0);
	want_add_up(l, "lo");
	want_add_link(l, "br-demo", "bridge", mac, 1420);
	want_add_sysctl(l, "ipv4/conf/%s/send_redirects", "br-demo", "0", 0);
	want_add_addr(l, "br-demo", AF_INET, &g4, 29, false);
	want_add_addr(l, "br-demo", AF_INET6, &g6, 64, false);
	want_add_neigh(l, "br-demo", &p, AF_INET);
	want_add_neigh(l, "br-demo", &p, AF_INET6);
	want_add_up(l, "br-demo");
	want_add_route(l, "", AF_INET, 1, LAST);
	want_add_route(l, "", AF_INET6, 1, LAST);
	want_add_route(l, "lo", AF_INET, 1, LAST - 1);
	want_route_to(want_add_route(l, "br-demo", AF_INET, 1, 0), &p.subnet4, 29);
	want_route_to(want_add_route(l, "br-demo", AF_INET6, 1, 0), &n6, 64);
	r = want_add_route(l, "br-demo", AF_INET, 2, 1);
	r->has_gateway = true;
	inet_pton(AF_INET, "10.20.1.3", r->gateway);
	add_rule(l, AF_INET, 1, 7, false);
	add_rule(l, AF_INET, 1, 0, false);
	add_rule(l, AF_INET, 0, 0, true);
	add_rule(l, AF_INET6, 0, 0, true);
}

static void note_said(const struct want *w, const char *sentence, void *arg)
{
	(void)w;
	(void)arg;
	if (!said[0])
		str_copy(said, sizeof(said), sentence);
}

static int missing(const struct want_list *l)
{
	struct err e = ERR_INIT;
	int r;

	said[0] = '\0';
	r = ensure_missing(l, -1, note_said, NULL, &e);
	if (r < 0)
		printf("# %s\n", e.msg);
	return r;
}

static int make(const struct want_list *l)
{
	struct err e = ERR_INIT;
	int r = ensure_make(l, -1, NULL, &e);

	if (r < 0)
		printf("# %s\n", e.msg);
	return r;
}

static const struct {
	const char *how, *says;
} breakages[] = {
	{"sysctl -qw net.ipv4.ip_forward=0", "the sysctl net.ipv4.ip_forward = 1 is 0"},
	{"sysctl -qw net.ipv4.conf.br-demo.send_redirects=1",
	 "the sysctl net.ipv4.conf.br-demo.send_redirects = 0 is 1"},
	{"ip link set lo down", "the device lo is down"},
	{"ip link set br-demo down", "the device br-demo is down"},
	{"ip link set br-demo mtu 1300", "the device br-demo has the MTU 1300 and not 1420"},
	{"ip link set br-demo address 02:00:00:00:00:09",
	 "the device br-demo has another MAC address"},
	{"ip link set br-demo type bridge no_linklocal_learn 0",
	 "the device br-demo was given other settings as a bridge"},
	{"ip link del br-demo", "the device br-demo is missing"},
	{"ip addr del 10.20.1.1/29 dev br-demo", "the address 10.20.1.1/29 of br-demo is missing"},
	{"ip addr del 10.20.1.1/29 dev br-demo && ip addr add 10.20.1.1/28 dev br-demo",
	 "the address 10.20.1.1/29 of br-demo is missing"},
	{"ip addr del fd76:706e:7275:1::1/64 dev br-demo",
	 "the address fd76:706e:7275:1::1/64 of br-demo is missing"},
	{"ip neigh del 10.20.1.2 dev br-demo",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh del 10.20.1.6 dev br-demo",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.6) is missing"},
	{"ip neigh change 10.20.1.2 dev br-demo lladdr 02:00:00:00:00:09 nud permanent",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh change 10.20.1.2 dev br-demo lladdr 02:76:70:01:00:03 nud permanent",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh change 10.20.1.2 dev br-demo lladdr 02:76:70:01:00:02 nud reachable",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh change 10.20.1.2 dev br-demo lladdr 02:00:00:00:00:02 nud permanent",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh del 10.20.1.2 dev br-demo && "
	 "ip neigh add 10.20.1.7 dev br-demo lladdr 02:76:70:01:00:02 nud permanent",
	 "a permanent IPv4 neighbour of br-demo (10.20.1.2) is missing"},
	{"ip neigh del fd76:706e:7275:1::4 dev br-demo && "
	 "ip neigh add fd76:706e:7275:1::7 dev br-demo lladdr 02:76:70:01:00:04 nud permanent",
	 "a permanent IPv6 neighbour of br-demo (fd76:706e:7275:1::4) is missing"},
	{"ip neigh del fd76:706e:7275:1::5 dev br-demo",
	 "a permanent IPv6 neighbour of br-demo (fd76:706e:7275:1::5) is missing"},
	{"ip route del unreachable default table 1 metric 4294967295",
	 "the route unreachable default metric 4294967295 of the table 1 is missing"},
	{"ip route del unreachable default table 1 metric 4294967295 && "
	 "ip route add unreachable default table 1 metric 5",
	 "the route unreachable default metric 4294967295 of the table 1 is missing"},
	{"ip route del 10.20.1.0/29 dev br-demo table 1 && "
	 "ip route add 10.20.1.8/29 dev br-demo table 1",
	 "the route 10.20.1.0/29 dev br-demo of the table 1 is missing"},
	{"ip route replace blackhole default table 1 metric 4294967295",
	 "the route unreachable default metric 4294967295 of the table 1 is missing"},
	{"ip route replace default dev lo table 1 metric 4294967295",
	 "the route unreachable default metric 4294967295 of the table 1 is missing"},
	{"ip -6 route del unreachable default table 1 metric 4294967295",
	 "the IPv6 route unreachable default metric 4294967295 of the table 1 is missing"},
	{"ip route replace default dev br-demo table 1 metric 4294967294",
	 "the route default dev lo metric 4294967294 of the table 1 is missing"},
	{"ip route replace 10.20.1.0/29 dev lo table 1",
	 "the route 10.20.1.0/29 dev br-demo of the table 1 is missing"},
	{"ip -6 route flush table 1 dev br-demo",
	 "the IPv6 route fd76:706e:7275:1::/64 dev br-demo of the table 1 is missing"},
	{"ip route replace default via 10.20.1.4 dev br-demo onlink table 2 metric 1",
	 "the route default via 10.20.1.3 dev br-demo metric 1 of the table 2 is missing"},
	{"ip rule del pref 301 fwmark 7", "the rule 301: from all fwmark 0x7 lookup 1 is missing"},
	{"ip rule del pref 301 unreachable", "the rule 301: from all unreachable is missing"},
	{"ip -6 rule del pref 301", "the IPv6 rule 301: from all unreachable is missing"},
	{"ip rule del pref 301 fwmark 7 && ip rule add pref 301 fwmark 7 lookup 1 protocol kernel",
	 "the rule 301: from all fwmark 0x7 lookup 1 and those of its number are not in their "
	 "order, or not alone"},
	{"ip rule add pref 301 fwmark 8 lookup 1 protocol kernel",
	 "the rule 301: from all fwmark 0x7 lookup 1 and those of its number are not in their "
	 "order, or not alone"},
};

static int all_is_made(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	fill(&l);
	if (missing(&l) == 0 || make(&l) < 0)
		return 1;
	if (missing(&l) != 0) {
		printf("# %s\n", said);
		return 2;
	}
	return make(&l) == 0 && missing(&l) == 0 ? 0 : 3;
}

/* Each breakage is named in its words, and mended by making the list once more. */
static int each_is_missed(void)
{
	AUTO_WANT_LIST struct want_list l = {0};
	int bad = 0;

	fill(&l);
	if (make(&l) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(breakages); i++) {
		int broken = run(breakages[i].how), n = missing(&l);

		if (broken || n <= 0 || strcmp(said, breakages[i].says) != 0) {
			printf("# %s: %d, %d '%s'\n", breakages[i].how, broken, n, said);
			bad = 2;
		}
		if (make(&l) < 0 || missing(&l) != 0) {
			printf("# %s: not mended: %s\n", breakages[i].how, said);
			bad = 3;
		}
	}
	return bad;
}

static int all_goes(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	fill(&l);
	if (make(&l) < 0 || ensure_remove(&l, -1, NULL, NULL) < 0)
		return 1;
	if (run("ip link show br-demo 2>/dev/null") == 0)
		return 2;
	if (run("test -z \"$(ip rule show pref 301; ip -6 rule show pref 301)\"") != 0)
		return 3;
	if (run("test -z \"$(ip route show table 1; ip -6 route show table 1)\"") != 0)
		return 4;
	/* What is not there is no error. */
	return ensure_remove(&l, -1, NULL, NULL) == 0 ? 0 : 5;
}

static int others_stay(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	fill(&l);
	if (run("ip rule add pref 301 lookup 99 && ip rule add pref 302 lookup 99 protocol kernel && "
		"ip route add unreachable 192.0.2.0/24 table 1") != 0 ||
	    make(&l) < 0 || missing(&l) != 0 || ensure_remove(&l, -1, NULL, NULL) < 0)
		return 1;
	if (run("ip rule show pref 301 | grep -q 'lookup 99' && ip rule show pref 302 | grep -q 99") !=
	    0)
		return 2;
	return run("ip route show table 1 | grep -q 192.0.2.0/24");
}

/* A device that is not a bridge is not made into one, nor taken away for one. */
static int a_foreign_device(void)
{
	AUTO_WANT_LIST struct want_list l = {0};
	struct err e = ERR_INIT;

	want_add_link(&l, "br-demo", "bridge", mac, 0);
	if (run("ip link add br-demo type veth peer name x1") != 0)
		return SKIPPED;
	if (ensure_make(&l, -1, NULL, &e) != -EEXIST || !strstr(e.msg, "is not a bridge"))
		return 1;
	if (missing(&l) != 1 || !strstr(said, "is of another kind"))
		return 2;
	return ensure_remove(&l, -1, NULL, NULL) == 0 && run("ip link show br-demo >/run/out") == 0
		       ? 0
		       : 3;
}

static int what_the_kernel_lacks(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	want_add_sysctl(&l, "ipv6/nosuch", "", "1", WANT_IF_KNOWN);
	if (missing(&l) != 0 || make(&l) < 0)
		return 1;
	l.at[0].flags = 0;
	return missing(&l) == 1 && ensure_make(&l, -1, NULL, NULL) < 0 ? 0 : 2;
}

static int a_file(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	want_add_file(&l, "/run/resolv.conf", "ours\n", 5);
	if (missing(&l) != 1 || !strstr(said, "is missing"))
		return 1;
	if (!write_file("/run/resolv.conf", "ours\n") || missing(&l) != 0)
		return 2;
	return write_file("/run/resolv.conf", "OURS\n") && missing(&l) == 1 &&
			       strstr(said, "was altered")
		       ? 0
		       : 3;
}

static int a_table(void)
{
	AUTO_WANT_LIST struct want_list l = {0};
	AUTO_WANT_LIST struct want_list optional = {0};

	want_add_nft(&l, 1 /* inet */, "ours", 0);
	want_add_nft(&optional, 1, "nothing", WANT_IF_KNOWN);
	want_add_nft(&optional, 1, "ours", WANT_IF_KNOWN);
	if (missing(&l) != 1)
		return 1;
	if (run("nft add table inet ours && nft add chain inet ours c && nft add rule inet ours c drop") !=
	    0)
		return SKIPPED;
	if (ensure_seal(&l, -1, NULL) < 0 || missing(&l) != 0)
		return 2;
	/* What this kernel has not made is in no list: nobody can miss it. */
	if (ensure_seal(&optional, -1, NULL) < 0 || optional.n != 1 || optional.at[0].flags)
		return 3;
	if (run("nft flush chain inet ours c") != 0 || missing(&l) != 1 || !strstr(said, "altered"))
		return 4;
	return ensure_remove(&l, -1, NULL, NULL) == 0 &&
			       run("nft list table inet ours 2>/dev/null") != 0
		       ? 0
		       : 5;
}

/* Rules are never fewer than they were: the new ones are there before the old ones go, and of these
 * what leads somewhere goes before what closes. */
static int rules_close_last(void)
{
	static const char listen[] =
		"ip monitor rule >>/run/seen & echo $! >/run/pid; timeout 5 sh -c 'until grep -q 900 "
		"/run/seen; do ip rule add pref 900 lookup 9; ip rule del pref 900; done'";
	AUTO_WANT_LIST struct want_list l = {0};
	AUTO_WANT_LIST struct want_list other = {0};

	add_rule(&l, AF_INET, 0, 0, true);
	add_rule(&l, AF_INET, 1, 7, false);
	add_rule(&l, AF_INET, 1, 0, false);
	add_rule(&other, AF_INET, 2, 0, false);
	add_rule(&other, AF_INET, 0, 0, true);
	if (make(&l) < 0)
		return 1;
	if (run(listen) != 0)
		return SKIPPED;
	if (make(&other) < 0)
		return 2;
	/* What comes after them shows that all of theirs has been heard. */
	if (run("ip rule add pref 901 lookup 9; timeout 5 sh -c 'until grep -q ^901 /run/seen; do "
		":; done'; kill $(cat /run/pid)") != 0)
		return 3;
	/* Added: two; then deleted, the one that closes as the last. */
	if (run("grep 301 /run/seen | head -n 2 | grep -c Deleted | grep -qx 0") != 0)
		return 4;
	return run("grep Deleted /run/seen | tail -n 1 | grep -q unreachable");
}

/* --- one list in the place of another -------------------------------------------------------- */

struct play {
	const struct want_list *both[2]; /* at the commit, all of these stand */
	int commits, done, undone, fails;
	bool whole;
};

static int play_act(const struct want_act *a, bool undo, void *arg, struct err *e)
{
	struct play *p = arg;

	if (undo)
		p->undone++;
	else
		p->done++;
	return !undo && p->fails && !strcmp(a->vpn, "other") ? err_set(e, -EIO, "no") : 0;
}

static int play_commit(void *arg, struct err *e)
{
	struct play *p = arg;

	(void)e;
	p->commits++;
	p->whole = (!p->both[0] || missing(p->both[0]) == 0) && missing(p->both[1]) == 0;
	return 0;
}

static int exchange(struct play *p, const struct want_list *had, struct want_list *wanted)
{
	const struct ensure_change c = {.ledger = "default",
					.ns_fd = -1,
					.by = {.act = play_act, .arg = p},
					.commit = play_commit};
	struct err e = ERR_INIT;
	int r;

	p->both[0] = had;
	p->both[1] = wanted;
	r = ensure_replace(&c, had, wanted, NULL, &e);
	if (r < 0 && !p->fails)
		printf("# %s\n", e.msg);
	return r;
}

/* A way into a table, called as a VPN is; closed behind. */
static void fill_way(struct want_list *l, const char *vpn, uint8_t id)
{
	struct rtnl_rule r = {.family = AF_INET, .priority = 300u + id, .table = id};
	struct in_addr a;
	char dev[IF_NAMESIZE];

	snprintf(dev, sizeof(dev), "br-%s", vpn);
	inet_pton(AF_INET, "10.20.0.1", &a);
	a.s_addr |= htonl((uint32_t)id << 8);
	want_add_borrowed(l, "ipv4/conf/all/src_valid_mark", "1", "0");
	want_add_link(l, dev, "bridge", mac, 1420);
	want_add_addr(l, dev, AF_INET, &a, 32, false);
	want_add_up(l, dev);
	want_add_route(l, "", AF_INET, id, LAST);
	want_add_route(l, dev, AF_INET, id, 1);
	want_add_rule(l, &r);
	r.table = 0;
	r.unreachable = true;
	want_add_rule(l, &r);
	want_add_act(l, ACT_CONNECTIONS, vpn);
}

static int one_for_another(void)
{
	AUTO_WANT_LIST struct want_list none = {0}, demo = {0}, other = {0}, ledger = {0};
	struct play p = {.fails = 0};

	fill_way(&demo, "demo", 1);
	fill_way(&other, "other", 2);
	if (run("mkdir -p /run/vpnrun") != 0 || exchange(&p, &none, &demo) < 0 || !p.whole)
		return 1;
	if (exchange(&p, &demo, &other) < 0 || !p.whole || p.commits != 2)
		return 2; /* at the commit, both stood */
	if (missing(&other) != 0 || p.undone != 1 ||
	    run("ip link show br-demo 2>/dev/null || ip rule | grep 301 || ip route show table 1 | grep .") ==
		    0)
		return 3;
	if (run("grep -q 1 /proc/sys/net/ipv4/conf/all/src_valid_mark") != 0)
		return 4; /* in both of them, so it is not given back in between */
	if (made_read("default", &ledger, NULL) < 0 || ledger.n != other.n)
		return 5;
	none.n = 0;
	if (exchange(&p, &other, &none) < 0 || made_read("default", &ledger, NULL) != -ENOENT)
		return 6;
	if (run("ip link show br-other 2>/dev/null || ip rule | grep 302 || ip route show table 2 | grep .") ==
	    0)
		return 7;
	return run("grep -q 0 /proc/sys/net/ipv4/conf/all/src_valid_mark");
}

static int one_that_fails(void)
{
	AUTO_WANT_LIST struct want_list none = {0}, demo = {0}, other = {0}, had = {0};
	struct play p = {.fails = 0};

	fill_way(&demo, "demo", 1);
	fill_way(&other, "other", 2);
	if (run("mkdir -p /run/vpnrun") != 0 || exchange(&p, &none, &demo) < 0)
		return 1;
	p.fails = 1;
	if (exchange(&p, &demo, &other) != -EIO || p.commits != 1 || missing(&demo) != 0)
		return 2;
	/* Whoever finds it knows both. */
	if (made_read("default", &had, NULL) < 0 || had.n < demo.n + other.n - 1)
		return 3;
	if (exchange(&p, &had, &demo) < 0 || missing(&demo) != 0)
		return 4;
	return run("ip link show br-other 2>/dev/null || ip rule | grep 302 || ip route show table 2 | grep .") ==
			       0
		       ? 5
		       : 0;
}

static int one_that_is_altered(void)
{
	AUTO_WANT_LIST struct want_list none = {0}, had = {0}, wanted = {0};
	struct play p = {.fails = 0};
	struct in_addr a;

	fill_way(&had, "demo", 1);
	fill_way(&wanted, "demo", 1);
	for (size_t i = 0; i < wanted.n; i++)
		if (wanted.at[i].kind == WANT_ADDR)
			wanted.at[i].addr.plen = 24;
	inet_pton(AF_INET, "10.64.0.9", &a);
	want_add_addr(&had, "br-demo", AF_INET, &a, 32, false);
	want_route_to(want_add_route(&had, "br-demo", AF_INET, 1, 0), &a, 32);
	if (run("mkdir -p /run/vpnrun") != 0 || exchange(&p, &none, &had) < 0)
		return 1;
	if (exchange(&p, &had, &wanted) < 0 || missing(&wanted) != 0)
		return 2;
	return run("ip addr | grep -F -e 10.64.0.9 -e 10.20.1.1/32 || ip route show table 1 | grep 10.64") ==
			       0
		       ? 3
		       : 0;
}

int main(void)
{
	tap_begin();
	inside(one_for_another,
	       "R16 R76: one list takes another's place, and both stand in between");
	inside(one_that_fails,
	       "R16 R76: where that fails, the ledger knows both, and the one before stays");
	inside(one_that_is_altered,
	       "R76: what a list has no more goes, and what it has otherwise is altered");
	inside(all_is_made, "R76: a list is made, and making it again changes nothing");
	inside(each_is_missed,
	       "R78: each object that is missing or altered is named, and put back");
	inside(all_goes, "R37: all of a list goes");
	inside(others_stay, "R93: rules and routes of others stay");
	inside(a_foreign_device, "R93: a device of somebody else's in its place is refused");
	inside(what_the_kernel_lacks,
	       "R77: what a kernel may lack is missed in no list, else it is");
	inside(a_file, "R78: a file that is gone or altered");
	inside(a_table, "L03 R78: a table of the firewall that is gone or altered");
	inside(rules_close_last, "L03 R16: of rules the new come first, and what closes goes last");
	return tap_done();
}
