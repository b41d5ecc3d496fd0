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
	want_add_route(l, "", AF_INET, 1, NULL, 0, LAST);
	want_add_route(l, "", AF_INET6, 1, NULL, 0, LAST);
	want_add_route(l, "lo", AF_INET, 1, NULL, 0, LAST - 1);
	want_add_route(l, "br-demo", AF_INET, 1, &p.subnet4, 29, 0);
	want_add_route(l, "br-demo", AF_INET6, 1, &n6, 64, 0);
	r = want_add_route(l, "br-demo", AF_INET, 2, NULL, 0, 1);
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
	if (make(&l) < 0 || ensure_remove(&l, -1, NULL) < 0)
		return 1;
	if (run("ip link show br-demo 2>/dev/null") == 0)
		return 2;
	if (run("test -z \"$(ip rule show pref 301; ip -6 rule show pref 301)\"") != 0)
		return 3;
	if (run("test -z \"$(ip route show table 1; ip -6 route show table 1)\"") != 0)
		return 4;
	/* What is not there is no error. */
	return ensure_remove(&l, -1, NULL) == 0 ? 0 : 5;
}

static int others_stay(void)
{
	AUTO_WANT_LIST struct want_list l = {0};

	fill(&l);
	if (run("ip rule add pref 301 lookup 99 && ip rule add pref 302 lookup 99 protocol kernel && "
		"ip route add unreachable 192.0.2.0/24 table 1") != 0 ||
	    make(&l) < 0 || missing(&l) != 0 || ensure_remove(&l, -1, NULL) < 0)
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
	return missing(&l) == 1 && strstr(said, "is of another kind") ? 0 : 2;
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
	return ensure_remove(&l, -1, NULL) == 0 && run("nft list table inet ours 2>/dev/null") != 0
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

int main(void)
{
	tap_begin();
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
