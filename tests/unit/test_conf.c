/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/conf.c: what of a wg-quick file is taken, refused and warned of. Each case is a file whose
 * other lines are good.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/conf.h"
#include "ensure/plain.h"

#define KEY   "gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8="
#define PUB   "TYQIuPkwrfHoWCbqHX7MUAcg+tjAx0BeBvT9K1iCcVo="
#define PUB2  "18I7Uve7bAxD9xdIXMAY66RKHttlIjzEhpeRkmDviCM="
#define IFACE "[Interface]\nPrivateKey = " KEY "\nAddress = 10.9.8.7/32\nDNS = 10.9.8.1\n"
#define PEER  "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:51820\n"

static int parse(const char *text, struct tunnel *t, struct err *e)
{
	int r;

	memset(e, 0, sizeof(*e));
	r = conf_parse("t.conf", text, strlen(text), t, e);
	if (r == 0)
		tunnel_review("t.conf", t);
	return r;
}

static bool warns(const struct tunnel *t, const char *what)
{
	size_t i;

	for (i = 0; i < t->n_warnings; i++)
		if (strstr(t->warnings[i], what))
			return true;
	return false;
}

static void test_refused(void)
{
	static const struct {
		const char *text, *begins;
	} cases[] = {
		{"", "t.conf:1: Interface: "},
		{"hello world\n", "t.conf:1: line: "},
		{"[Interface]\nAddress = 10.0.0.1\n" PEER, "t.conf:1: PrivateKey: "},
		{"\n[Interface]\nPrivateKey = " KEY "\n" PEER, "t.conf:2: Address: "},
		{IFACE, "t.conf:4: Peer: "},
		{IFACE "Jc = 4\n" PEER, "t.conf:5: Jc: is AmneziaWG's"},
		{IFACE "H1 = 4\n" PEER, "t.conf:5: H1: is AmneziaWG's"},
		{IFACE "Foo = 4\n" PEER, "t.conf:5: Foo: "},
		{IFACE "Endpoint = 192.0.2.1:1\n" PEER, "t.conf:5: Endpoint: belongs in [Peer]"},
		{IFACE PEER "DNS = 1.1.1.1\n", "t.conf:9: DNS: belongs in [Interface]"},
		{"Address = 10.0.0.1\n" IFACE PEER, "t.conf:1: Address: belongs"},
		{IFACE "[Pear]\n", "t.conf:5: section: "},
		{IFACE "Address\n" PEER, "t.conf:5: Address: has no value"},
		{IFACE "MTU = 575\n" PEER, "t.conf:5: MTU: "},
		{IFACE "MTU = 65536\n" PEER, "t.conf:5: MTU: "},
		{IFACE "MTU = 1e3\n" PEER, "t.conf:5: MTU: "},
		{IFACE "ListenPort = 65536\n" PEER, "t.conf:5: ListenPort: "},
		{IFACE "ListenPort = http\n" PEER, "t.conf:5: ListenPort: "},
		{IFACE "ListenPort =\n" PEER, "t.conf:5: ListenPort: "},
		{IFACE "FwMark = 0x100000000\n" PEER, "t.conf:5: FwMark: "},
		{IFACE "FwMark = 0x\n" PEER, "t.conf:5: FwMark: "},
		{IFACE "FwMark = 4294967296\n" PEER, "t.conf:5: FwMark: "},
		{IFACE "FwMark = ffff\n" PEER, "t.conf:5: FwMark: "},
		{IFACE "FwMark =\n" PEER, "t.conf:5: FwMark: "},
		{IFACE "SaveConfig = yes\n" PEER, "t.conf:5: SaveConfig: "},
		{IFACE "Table = a b\n" PEER, "t.conf:5: Table: "},
		{IFACE "Address = 10.0.0.1/33\n" PEER, "t.conf:5: Address: '10.0.0.1/33'"},
		{IFACE "Address = fd00:::1/64\n" PEER, "t.conf:5: Address: "},
		{IFACE "DNS = 10.0.0\n" PEER, "t.conf:5: DNS: '10.0.0' is not an IP address"},
		{IFACE "DNS = fd00::zz\n" PEER, "t.conf:5: DNS: "},
		{IFACE "DNS = a|b\n" PEER, "t.conf:5: DNS: "},
		{IFACE PEER "PersistentKeepalive = 65536\n", "t.conf:9: PersistentKeepalive: "},
		{IFACE PEER "PersistentKeepalive = -1\n", "t.conf:9: PersistentKeepalive: "},
		{IFACE PEER "PersistentKeepalive =\n", "t.conf:9: PersistentKeepalive: "},
		{IFACE PEER "Endpoint =\n", "t.conf:9: Endpoint: is empty"},
		{IFACE PEER "Endpoint = 192.0.2.1:0\n", "t.conf:9: Endpoint: "},
		{IFACE PEER "AllowedIPs = 10.0.0.0/40\n", "t.conf:9: AllowedIPs: "},
		{IFACE PEER "AllowedIPs = +10.0.0.0/8\n", "t.conf:9: AllowedIPs: a change"},
		{IFACE PEER "PresharedKey = abc\n", "t.conf:9: PresharedKey: "},
		{IFACE "[Peer]\nAllowedIPs = 0.0.0.0/0\n", "t.conf:5: PublicKey: this [Peer]"},
		{IFACE "[Peer]\nAllowedIPs = ::/0\n" PEER, "t.conf:5: PublicKey: this [Peer]"},
		{IFACE PEER KEY "\n", "t.conf:9: line: "},
		{IFACE PEER "Endpoint = " PUB2 ":1\n", "t.conf:9: Endpoint: "},
	};
	struct tunnel t;
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = parse(cases[i].text, &t, &e);

		if (!ok(r == -EINVAL && str_starts(e.msg, cases[i].begins), "R68 refused: %s",
			cases[i].begins))
			printf("#   got %d '%s'\n", r, e.msg);
		ok(!strstr(e.msg, "gLGD4G") && !strstr(e.msg, "18I7Uv") && !t.peers &&
			   !t.addresses && !t.warnings,
		   "R26 no key in the message, nothing left behind");
	}
}

static void test_bytes(void)
{
	static char big[CONF_SIZE_MAX + 2];
	struct tunnel t;
	struct err e = ERR_INIT;

	is_int(conf_parse("t.conf", "[Interface]\nPri\0vate", 19, &t, &e), -EINVAL,
	       "R68 a NUL byte is refused");
	ok(str_starts(e.msg, "t.conf:2: line: holds a NUL"), "R68 with its line");
	is_int(conf_parse("t.conf", "\xff\xfe[\0I\0", 6, &t, &e), -EINVAL, "R68 UTF-16 is refused");
	ok(strstr(e.msg, "UTF-16"), "R68 and recognised");
	memset(big, '\n', sizeof(big));
	is_int(conf_parse("t.conf", big, sizeof(big), &t, &e), -EINVAL,
	       "R68 more than 1 MiB is refused");
	ok(strstr(e.msg, "larger than 1 MiB"), "R68 for that: %s", e.msg);
	is_int(conf_parse("t.conf", big, CONF_SIZE_MAX + 1, &t, &e), -EINVAL, "R68 by one byte");
	ok(strstr(e.msg, "larger than 1 MiB"), "R68 for that, too");
	ok(conf_parse("t.conf", big, CONF_SIZE_MAX, &t, &e) < 0 && !strstr(e.msg, "larger"),
	   "1 MiB is not too large");
}

static void test_tolerated(void)
{
	static const char text[] =
		"\xef\xbb\xbf[interface]\r\nprivatekey=" KEY " # comment\r\n"
		"ADDRESS = 10.9.8.7/32 , fd00:9::7/128,\r\n  ; old\r\nDns=10.9.8.1 corp.example\r\n"
		"dns = fd00:9::1\r\nPostUp = echo \"a # b\" = c\r\nFwMark = OFF\r\n"
		"[ PEER ]\r\nPublic Key = " PUB "\r\nallowedips=0.0.0.0/0 ::/0, 10.0.0.0 / 8\r\n"
		"Endpoint = [2001:db8::9] : 51820\r\npersistentkeepalive = Off\r\n"
		"[Peer]#second\r\nPublicKey=" PUB2 "\r\nPresharedKey=" KEY "\r\nAllowedIPs =";
	struct tunnel t;
	struct err e;
	int r = parse(text, &t, &e);

	if (!is_int(r, 0, "R35 BOM, CRLF, any case, lists, comments, no last newline"))
		printf("#   %s\n", e.msg);
	if (r < 0)
		return;
	is_int((long long)t.n_addresses, 2, "R64 both addresses");
	is_str(t.addresses[1].text, "fd00:9::7/128", "R64 as written");
	is_int((long long)t.n_dns, 2, "R64 repeated DNS adds up");
	is_str(t.search[0], "corp.example", "R67 a search domain among them");
	is_int((long long)t.n_hooks, 1, "R65 a hook is listed");
	is_str(t.hooks[0].text, "echo \"a # b\" = c", "R65 with its '#' and '='");
	ok(t.has_fwmark && t.fwmark == 0, "R64 FwMark off");
	is_int((long long)t.peers[0].n_allowed, 3, "R64 AllowedIPs by comma and blank");
	is_str(t.peers[0].allowed[2].text, "10.0.0.0/8", "R64 blanks around a slash");
	is_str(t.peers[0].endpoint, "[2001:db8::9]:51820", "R63 an IPv6 endpoint");
	ok(t.peers[0].has_keepalive && t.peers[0].keepalive == 0, "R64 keepalive off is 0");
	ok(!t.peers[0].has_psk && t.peers[1].has_psk, "R64 the preshared key is the second peer's");
	is_int((long long)t.peers[1].n_allowed, 0, "an empty AllowedIPs is no error");
	ok(warns(&t, ":1: line: begins with a byte order mark"), "a warning for the BOM");
	ok(warns(&t, ":4: line: begins with ';'"), "a warning for the ';' line");
	ok(warns(&t, ":7: PostUp: not run"), "R65 a warning for the hook");
	ok(warns(&t, ":17: AllowedIPs: is empty"), "a warning for the empty AllowedIPs");
	tunnel_free(&t);
	ok(!t.peers && !t.private_key[0], "R26 nothing is left of it");
}

struct warning_case {
	const char *text, *warning, *what;
};

static void test_warnings(void)
{
	static const struct warning_case cases[] = {
		{IFACE "PrivateKey = " PUB2 "\n" PEER, ":5: PrivateKey: comes again",
		 "R64 a repeated key"},
		{IFACE "Table = off\n" PEER, ":5: Table: not used", "R67 Table"},
		{IFACE "SaveConfig = TRUE\n" PEER, ":5: SaveConfig: not used", "R67 SaveConfig"},
		{IFACE PEER "[Peer]\nPublicKey = " PUB2 "\nAllowedIPs = 0.0.0.0/0\n",
		 ":9: AllowedIPs: 0.0.0.0/0 is the [Peer]'s of line 5 too",
		 "two peers, one prefix"},
		{IFACE PEER PEER, ":9: PublicKey: is that of", "two peers, one key"},
		{IFACE "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.0.0.0/8\n",
		 "does not cover all of IPv4", "R61 no /0"},
		{IFACE "[Peer]\nPublicKey = " PUB "\nAllowedIPs = 10.0.0.0/8\n", "Endpoint",
		 "no endpoint"},
		{IFACE PEER "AllowedIPs = ::/0\n", "AllowedIPs has IPv6 but Address has none",
		 "R60 IPv6 without an address"},
		{IFACE "Address = fd00::1/128\n" PEER, "Address has IPv6 but AllowedIPs has none",
		 "R60 an address without a route"},
		{"[Interface]\nPrivateKey = " KEY "\nAddress = 10.9.8.7\n" PEER,
		 "no DNS server is given", "no DNS"},
		{IFACE PEER "AllowedIPs = 10.0.0.1/8\n", "bits set behind", "host bits"},
		{IFACE "DNS = fd00::1\n" PEER, "DNS server fd00::1 cannot be reached",
		 "a DNS server out of reach"},
		{IFACE
		 "PostUp = iptables -I OUTPUT ! -o %i -m mark ! --mark 1 -j REJECT && ip6tables -I "
		 "OUTPUT ! -o %i -m mark ! --mark 1 -j REJECT\n" PEER,
		 ":5: PostUp: the provider's kill switch", "R66 a kill switch"},
		{IFACE
		 "PostUp = iptables -I OUTPUT ! -o %i -m mark ! --mark 1 -j REJECT; rm -rf /\n" PEER,
		 ":5: PostUp: not run", "R66 a kill switch with more in it is none"},
		{IFACE "Address =\nMTU =\n" PEER, ":6: MTU: is empty",
		 "empty values of wg-quick's own"},
	};
	struct tunnel t;
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = parse(cases[i].text, &t, &e);

		if (!ok(r == 0 && warns(&t, cases[i].warning), "warned of: %s", cases[i].what))
			printf("#   %d %s\n#   %s\n", r, e.msg, t.n_warnings ? t.warnings[0] : "");
		tunnel_free(&t);
	}
	parse(IFACE "[Peer]\nPublicKey = " PUB
		    "\nEndpoint = a:1\nAllowedIPs = 0.0.0.0/1 128.0.0.0/1\n",
	      &t, &e);
	ok(!t.n_warnings && !tunnel_is_full(&t, AF_INET), "two halves are everything, but no /0");
	tunnel_free(&t);
	parse(IFACE PEER, &t, &e);
	is_int((long long)t.n_warnings, 0, "a plain file has no warning");
	tunnel_free(&t);
	parse(IFACE "PostUp = wg set %i private-key <(echo " KEY ")\x1b[2J\n" PEER, &t, &e);
	ok(t.n_hooks == 1 && !strstr(t.hooks[0].text, "gLGD") && !strchr(t.hooks[0].text, 0x1b) &&
		   !warns(&t, "gLGD"),
	   "R26 a key inside a hook is masked, and so are control characters");
	tunnel_free(&t);
}

static void test_many(void)
{
	char *text = malloc(CONF_SIZE_MAX), *at = text;
	struct tunnel t;
	struct err e;
	int i;

	at += sprintf(at, "%s", IFACE "[Peer]\nPublicKey = " PUB "\n");
	for (i = 0; i < 30000; i++)
		at += sprintf(at, "AllowedIPs=10.%d.%d.0/24\n", i >> 8 & 255, i & 255);
	for (i = 0; i < 300; i++)
		at += sprintf(at, "PersistentKeepalive=1\n");
	is_int(parse(text, &t, &e), 0, "R64 30000 AllowedIPs");
	is_int((long long)t.peers[0].n_allowed, 30000, "R64 all of them");
	is_int((long long)t.n_warnings, TUNNEL_WARNINGS_MAX + 1, "warnings have an end");
	tunnel_free(&t);
	free(text);
}

static void test_file(void)
{
	char path[] = "/tmp/vpnrun-test-conf.XXXXXX";
	int fd = mkstemp(path);
	struct tunnel t;
	struct err e = ERR_INIT;

	if (write(fd, IFACE PEER, strlen(IFACE PEER)) < 0)
		ok(false, "cannot write %s", path);
	is_int(conf_load(path, &t, &e), 0, "a file is read");
	ok(!t.world_readable && !t.n_warnings, "R26 mode 0600 is fine");
	tunnel_free(&t);
	fchmod(fd, 0644);
	conf_load(path, &t, &e);
	ok(t.world_readable && warns(&t, "chmod 600"), "R26 mode 0644 is noted and warned of");
	tunnel_free(&t);
	close(fd);
	unlink(path);
	is_int(conf_load(path, &t, &e), -ENOENT, "no file");
	is_int(conf_load("/", &t, &e), -EISDIR, "a directory");
	is_int(conf_load("/dev/zero", &t, &e), -EINVAL, "an endless device");
	is_str(e.msg, "/dev/zero is a device, not a file", "in words");
	memset(&t, 0, sizeof(t));
	conf_warn_name("/tmp/mullvad.conf", &t);
	is_int((long long)t.n_warnings, 0, "R27 a good name");
	conf_warn_name("/tmp/us-nyc-wg-301.conf", &t);
	is_int((long long)t.n_warnings, 0, "R27 R82 Mullvad's names are whole");
	conf_warn_name("/tmp/Proton-NL-FREE-12.conf", &t);
	ok(warns(&t, "calls the VPN 'Proton-NL-FR-12'"), "R27 17 characters: the number stays");
	conf_warn_name("/tmp/a-provider's file.conf", &t);
	ok(warns(&t, "interface name"), "R27 no interface name");
	tunnel_free(&t);
}

static void test_plain(void)
{
	static const char text[] =
		"# PrivateKey = " PUB "\n[Interface]\nprivatekey=" KEY "\nPostUp = echo secret\n"
		"Address = 10.9.8.7/32, fd00::7\nDNS = 10.9.8.1 example.org\nMTU=1400\nFwMark = 0x77\n"
		"ListenPort = 1234\nTable = off\n[Peer]\nPublicKey = " PUB "\nPresharedKey = " PUB2
		"\nEndpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\nAllowedIPs = 0.0.0.0/0,::/0\n"
		"[Peer]\nPublicKey = " PUB2 "\nAllowedIPs = 10.0.0.0/8\n";
	char *first = NULL, *second = NULL;
	struct tunnel t, again;
	struct err e = ERR_INIT;
	size_t n = 0, m = 0;

	ok(parse(text, &t, &e) == 0 && ensure_plain(&t, &first, &n) == 0, "a tunnel in one form");
	ok(first && strstr(first, PUB) && strstr(first, PUB2), "its peers' public keys are in it");
	ok(first && !strstr(first, KEY) && !strstr(first, "PresharedKey = " PUB2) &&
		   !strstr(first, "secret") && !strstr(first, "#"),
	   "L28: no key of its own is, nor a remark or a hook, which may have one");
	ok(first && parse(first, &again, &e) == 0 && ensure_plain(&again, &second, &m) == 0 &&
		   n == m && !memcmp(first, second, n),
	   "R78: read again, it is the same");
	ok(again.n_peers == 2 && again.peers[0].has_psk && again.peers[0].keepalive == 25 &&
		   again.n_addresses == 2 && again.n_search == 1 && again.fwmark == 0x77 &&
		   again.listen_port == 1234 && again.mtu == 1400 &&
		   again.peers[1].n_allowed == 1 &&
		   !memcmp(again.peers[1].public_key, t.peers[1].public_key, WG_KEY_LEN),
	   "R78: with all that it had");
	free(first);
	free(second);
	tunnel_free(&t);
	tunnel_free(&again);
}

int main(void)
{
	tap_begin();
	test_refused();
	test_bytes();
	test_tolerated();
	test_warnings();
	test_many();
	test_file();
	test_plain();
	return tap_done();
}
