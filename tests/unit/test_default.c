/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pure parts of the machine-wide default: the order of its rules, the text of its firewall, the
 * name servers of a resolv.conf.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/tap.h"
#include "default/default_part.h"
#include "conf/model.h"
#include "tunnel/uplink_dns.h"

static struct default_way demo(void)
{
	struct default_way w = {
		.name = "demo",
		.id = 7,
		.has_ip4 = 1,
		.dev = "vh-demo",
		.dns = {{AF_INET, {10, 64, 0, 1}}, {AF_INET6, {0xfd, 0x64, [15] = 1}}},
	};

	inet_pton(AF_INET, "10.20.7.9", &w.addr4);
	return w;
}

/* Each rule as a letter: Goto, Dns, Tailnet, Main, Private (of main), the VPN's table, Unreachable.
 */
static void letters(const struct want_list *rs, char *ret)
{
	for (size_t i = 0; i < rs->n; i++) {
		const struct rtnl_rule *r = &rs->at[i].rule;

		ret[i] = r->go_to			   ? 'G'
			 : r->unreachable		   ? 'U'
			 : r->table == 52		   ? 'T'
			 : r->table == RT_TABLE_MAIN	   ? (r->dst_len ? 'P' : 'M')
			 : r->table == 7 && r->dst_len	   ? 'D'
			 : r->table == 7 && !r->no_default ? 'V'
							   : '?';
	}
	ret[rs->n] = '\0';
}

/* Those of one family, without the place that they jump to. */
static void only(struct want_list *ret, const struct default_way *w, const struct want_marks *marks,
		 int family)
{
	size_t kept = 0;

	want_default_rules(ret, w, marks);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->at[i].rule.family == family && !ret->at[i].rule.nop)
			ret->at[kept++] = ret->at[i];
	ret->n = kept;
}

static void test_rules(void)
{
	const struct want_marks none = {.n = 0}, one = {.at = {0x77}, .n = 1};
	char text[200];
	struct default_way w = demo();
	struct want_list rs = {0};
	bool good = true;

	rs.n = 0;
	only(&rs, &w, &none, AF_INET);
	letters(&rs, text);
	is_str(text, "GDTMVU", "R11 R17 R19 R52: the rules of IPv4 in their order");
	for (size_t i = 0; i < rs.n; i++)
		good = good && rs.at[i].rule.priority == 307 && rs.at[i].rule.family == AF_INET;
	ok(good, "all of one priority, behind the bridges' (200 + id)");
	ok(rs.at[0].rule.mark == MARK_NET && rs.at[0].rule.mask == MARK_MASK &&
		   rs.at[0].rule.go_to == 407,
	   "R16: the marks of all tunnels go on behind them");
	for (uint32_t id = 1; id <= 99; id++)
		good = good && ((MARK_BASE + id) & MARK_MASK) == MARK_NET;
	ok(good && (MARK_BASE & MARK_MASK) == MARK_NET, "R16: every VPN's mark is one of them");
	ok(rs.at[3].rule.no_default, "R11: of the main table all but the default routes");
	rs.n = 0;
	only(&rs, &w, &none, AF_INET6);
	letters(&rs, text);
	is_str(text, "GDTMVU", "R14: the same of IPv6, although the VPN has none");
	rs.n = 0;
	only(&rs, &w, &one, AF_INET);
	letters(&rs, text);
	is_str(text, "GGDTMVU", "R17: a file's own FwMark");
	w.strict = 1;
	rs.n = 0;
	only(&rs, &w, &none, AF_INET);
	letters(&rs, text);
	is_str(text, "GDTPPPPVU", "L22: strict: of the main table private addresses only");
	want_list_free(&rs);
}

static void test_firewall(void)
{
	const struct want_marks one = {.at = {0x77}, .n = 1};
	struct default_way w = demo();
	struct err e = ERR_INIT;
	char *text = NULL;

	ok(default_firewall_text(&w, &one, ", \"other\"", &text, &e) == 0, "the text is made");
	ok(text && strstr(text, "define known = { \"lo\", \"vh-demo\", \"other\" }\n"),
	   "the devices");
	ok(text && strstr(text, "define marks = { 0x2700-0x277f, 0x77 }\n"), "the marks");
	ok(text && strstr(text, "define address4 = 10.20.7.9\n") && !strstr(text, "address6 ="),
	   "the families that the VPN carries");
	ok(text && !strstr(text, "@NAME@") && strstr(text, "table inet vpnrun-default-demo {"),
	   "the table has the VPN's name");
	ok(text && !strstr(text, "wrong ip daddr"), "not strict");
	free(text);
	w.strict = 1;
	ok(default_firewall_text(&w, &one, "", &text, &e) == 0 && strstr(text, "wrong ip daddr"),
	   "L22: strict");
	free(text);
}

static void test_servers(void)
{
	static const char conf[] =
		"# nameserver 192.0.2.1\nnameserver 127.0.0.53\nnameserver ::1\n"
		"nameserver\t192.0.2.2\nsearch nameserver\nnameserver fe80::1%eth0\n"
		"nameserver nonsense\nnameserver 192.0.2.3 # x\n";
	char path[] = "/tmp/vpnrun-default-XXXXXX";
	struct record_ip got[4] = {{0}};
	int fd = mkstemp(path);

	ok(fd >= 0 && write(fd, conf, sizeof(conf) - 1) == (ssize_t)sizeof(conf) - 1, "a file");
	is_int((long long)uplink_dns_parse(path, got, 4, NULL), 3,
	       "R62: the servers but this machine's own");
	ok(got[0].family == AF_INET && got[0].addr[3] == 2 && got[1].family == AF_INET6 &&
		   got[2].addr[3] == 3,
	   "R62: in their order");
	is_int((long long)uplink_dns_parse(path, got, 1, NULL), 1,
	       "no more than there is room for");
	is_int((long long)uplink_dns_parse("/nonexistent", got, 4, NULL), 0, "no file: none");
	ok(uplink_dns_parse("/", got, 4, NULL) < 0,
	   "R36: one that cannot be read is not an empty one");
	unlink(path);
	close(fd);
}

/* The machine that is closed until a VPN is its default. */
static void test_closed(void)
{
	const struct want_marks one = {.at = {0x77}, .n = 1};
	struct profile p = {.layout = LAYOUT_BRIDGE};
	struct want_list rs = {0}, table = {0};
	struct err e = ERR_INIT;
	char letter[200], bridge[] = "br-late", *text = NULL;
	size_t n = 0;

	want_boot_rules(&rs, &one);
	for (size_t i = 0; i < rs.n; i++)
		if (rs.at[i].rule.family == AF_INET && !rs.at[i].rule.nop)
			rs.at[n++] = rs.at[i];
	rs.n = n;
	letters(&rs, letter);
	is_str(letter, "GGTPPPPU",
	       "R84: the tunnels' own packets, the tailnet, the LAN, and no more");
	ok(rs.at[0].rule.priority == 300 && rs.at[0].rule.go_to == 400,
	   "R84: in front of every default's");
	want_list_free(&rs);
	want_boot_firewall(&table);
	ok(table.n == 1 && !strcmp(table.at[0].nft.table, "vpnrun-boot"),
	   "R84: and a table of the firewall");
	want_list_free(&table);
	str_copy(p.name, sizeof(p.name), "late");
	p.bridge = bridge;
	ok(default_boot_text(&p, &one, &text, &e) == 0 &&
		   strstr(text, "define known = { \"lo\", \"late\", \"br-late\" }\n") &&
		   strstr(text, "define marks = { 0x2700-0x277f, 0x77 }\n"),
	   "R84: which lets a VPN that is about to come up through");
	free(text);
}

static void test_wish(void)
{
	static const char *const bad[] = {"",	      "\n",	     "../x\n",
					  "demo x\n", "default\n",   "demo --strictly\n",
					  "-demo\n",  "demo other\n"};
	char path[] = "/tmp/vpnrun-boot-XXXXXX";
	struct boot b = {.name = "demo", .strict = true}, got = {0};
	struct err e = ERR_INIT;
	int fd = mkstemp(path);

	ok(boot_write(path, &b, &e) == 0 && boot_read(path, &got, &e) == 0 &&
		   !strcmp(got.name, "demo") && got.strict,
	   "R84: the wish is read as it was written");
	b.strict = false;
	ok(boot_write(path, &b, &e) == 0 && boot_read(path, &got, &e) == 0 && !got.strict,
	   "R84: not strict");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		e = (struct err)ERR_INIT;
		ok(file_replace(path, bad[i], strlen(bad[i]), 0644, &e) == 0 &&
			   boot_read(path, &got, &e) == -EPROTO && !got.name[0] &&
			   strstr(e.msg, "--boot"),
		   "R84: a line that names no VPN is there all the same, %zu", i);
	}
	unlink(path);
	is_int(boot_read(path, &got, &e), -ENOENT, "R84: none is none");
	close(fd);
}

int main(void)
{
	tap_begin();
	test_rules();
	test_firewall();
	test_servers();
	test_closed();
	test_wish();
	return tap_done();
}
