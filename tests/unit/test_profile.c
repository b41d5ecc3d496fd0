/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/json.c and conf/profile.c: what of a profile is taken and what is refused, with its line.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "conf/plan.h"
#include "conf/profile.h"

#define KEY  "gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8="
#define PUB  "TYQIuPkwrfHoWCbqHX7MUAcg+tjAx0BeBvT9K1iCcVo="
#define CONF "\"config\":\"/x.conf\""
#define INLINE                                                     \
	"\"endpoint\":\"a.example:1\",\"public_key\":\"" PUB "\"," \
	"\"private_key_file\":\"/k\",\"addresses\":[\"10.0.0.2/32\"]"

static int parse(const char *path, const char *text, struct profile *p, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return profile_parse(path, text, strlen(text), p, e);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *begins;
	} cases[] = {
		{"", "d/p.json:1: JSON: "},
		{"[]", "d/p.json:1: JSON: an object"},
		{"{\n\"id\":1,\n" CONF "\n} x", "d/p.json:4: JSON: end of file expected"},
		{"{\"id\":1,\n" CONF ",\n}", "d/p.json:3: JSON: "},
		{"{\"id\":1,\n" CONF ",\n\"id\":2}", "d/p.json:3: id: is given twice"},
		{"{\"id\":1," CONF ",\"allow\":{\n\"users\":[],\n\"users\":[]}}",
		 "d/p.json:3: allow.users: is given twice"},
		{"{\"id\":1,\n" CONF ",\n\n\"colour\":2}",
		 "d/p.json:4: colour: there is no such key"},
		{"{\"id\":1,\n" CONF ",\n\"allow\":{\"users\":[],\n\"uids\":[]}}",
		 "d/p.json:4: allow.uids: there is no such key"},
		{"{" CONF "}", "d/p.json:1: id: is missing"},
		{"{\n\"id\":0," CONF "}", "d/p.json:2: id: must be"},
		{"{\n\"id\":100," CONF "}", "d/p.json:2: id: must be"},
		{"{\n\"id\":\"1\"," CONF "}", "d/p.json:2: id: must be"},
		{"{\n\"id\":1.0," CONF "}", "d/p.json:2: id: must be"},
		{"{\n\"id\":-1," CONF "}", "d/p.json:2: id: must be"},
		{"{\n\"id\":99999999999999999999," CONF "}", "d/p.json:2: JSON: "},
		{"{\"id\":1}", "d/p.json:1: endpoint: is missing"},
		{"{\"id\":1,\n\"config\":\"x.conf\"}", "d/p.json:2: config: must be an absolute"},
		{"{\"id\":1,\n\"config\":\"\"}", "d/p.json:2: config: must be a text"},
		{"{\"id\":1," CONF ",\n\"mtu\":1400}", "d/p.json:2: mtu: cannot stand beside"},
		{"{\"id\":1," CONF ",\n\"layout\":\"vm\"}", "d/p.json:2: layout: "},
		{"{\"id\":1," CONF ",\n\"layout\":null}", "d/p.json:2: layout: "},
		{"{\"id\":1," CONF ",\n\"via\":\"p\"}", "d/p.json:2: via: is this VPN itself"},
		{"{\"id\":1," CONF ",\n\"via\":\"a/b\"}", "d/p.json:2: via: 'a/b' is not a VPN"},
		{"{\"id\":1," CONF ",\n\"via\":1}", "d/p.json:2: via: must be"},
		{"{\"id\":1," CONF ",\"layout\":\"bridge\",\n\"via\":\"o\"}",
		 "d/p.json:2: via: is for"},
		{"{\"id\":1," CONF ",\n\"other_dns\":\"drop\"}", "d/p.json:2: other_dns: must be"},
		{"{\"id\":1," CONF ",\n\"other_dns\":true}", "d/p.json:2: other_dns: must be"},
		{"{\"id\":1," CONF ",\n\"bridge\":\"br-1234567890123\"}", "d/p.json:2: bridge: "},
		{"{\"id\":1," CONF ",\n\"bridge\":\"a/b\"}", "d/p.json:2: bridge: "},
		{"{\"id\":1," CONF ",\n\"bridge\":\"p\"}", "d/p.json:2: bridge: is the name of"},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.99.0.0\"}", "d/p.json:2: subnet: "},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.99.0.0/21\"}", "d/p.json:2: subnet: "},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.99.0.0/30\"}", "d/p.json:2: subnet: "},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.99.1.0/22\"}",
		 "d/p.json:2: subnet: has bits"},
		{"{\"id\":1," CONF ",\n\"subnet\":\"8.8.8.0/24\"}", "d/p.json:2: subnet: must lie"},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.20.2.0/24\"}",
		 "d/p.json:2: subnet: lies in"},
		{"{\"id\":1," CONF ",\n\"subnet\":\"10.20.1.0/25\"}",
		 "d/p.json:2: subnet: lies in"},
		{"{\"id\":1," CONF ",\n\"subnet\":\"fd00::/24\"}", "d/p.json:2: subnet: "},
		{"{\"id\":1," CONF ",\n\"limit\":0}", "d/p.json:2: limit: "},
		{"{\"id\":1," CONF ",\n\"allow\":\"all\"}", "d/p.json:2: allow: "},
		{"{\"id\":1," CONF ",\n\"allow\":[\"a\"]}", "d/p.json:2: allow: "},
		{"{\"id\":1," CONF ",\n\"allow\":{\"users\":\"a\"}}", "d/p.json:2: allow.users: "},
		{"{\"id\":1," CONF ",\n\"allow\":{\"users\":[1]}}", "d/p.json:2: allow.users: "},
		{"{\"id\":1," CONF ",\n\"allow\":{\"users\":[\"a b\"]}}",
		 "d/p.json:2: allow.users: "},
		{"{\"id\":1," CONF
		 ",\n\"allow\":{\"groups\":[\"123456789012345678901234567890123\"]}}",
		 "d/p.json:2: allow.groups: "},
		{"{\"id\":1," CONF ",\n\"dns\":[\"10.0.0.1/8\"]}", "d/p.json:2: dns: "},
		{"{\"id\":1," CONF ",\n\"dns\":\"10.0.0.1\"}", "d/p.json:2: dns: must be a list"},
		{"{\"id\":1," CONF ",\n\"search\":[\"a\\nb\"]}", "d/p.json:2: search: "},
		{"{\"id\":1," INLINE ",\n\"keepalive\":65536}", "d/p.json:2: keepalive: "},
		{"{\"id\":1," INLINE ",\n\"expose\":[\"0/tcp\"]}", "d/p.json:2: expose: "},
		{"{\"id\":1," INLINE ",\n\"allow_expose\":[\"5-\"]}", "d/p.json:2: allow_expose: "},
		{"{\"id\":1," INLINE ",\n\"port_forward\":\"pcp\"}", "d/p.json:2: port_forward: "},
		{"{\"id\":1," INLINE ",\n\"port_forward_hook\":{}}",
		 "d/p.json:2: port_forward_hook: "},
		{"{\"id\":1," INLINE ",\n\"mtu\":500}", "d/p.json:2: mtu: "},
		{"{\"id\":1," INLINE ",\n\"allowed_ips\":[\"10.0.0.0/99\"]}",
		 "d/p.json:2: allowed_ips: "},
		{"{\"id\":1," INLINE ",\n\"private_key\":\"" KEY "\"}",
		 "d/p.json:2: private_key: "},
		{"{\"id\":1," INLINE ",\n\"" KEY "\":1}", "d/p.json:2: key: "},
		{"{\"id\":1,\"private_key_file\":\n" KEY "}", "d/p.json:2: JSON: "},
		{"{\"id\":1,\"endpoint\":\"a:1\",\n\"public_key\":\"" KEY "x\"}",
		 "d/p.json:2: public_key: "},
		{"{\"id\":1,\"endpoint\":\"a:1\",\n\"public_key\":\"" PUB "\"}",
		 "d/p.json:1: private_key_file: is missing"},
	};
	struct profile p;
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = parse("d/p.json", cases[i].text, &p, &e);

		if (!ok(r == -EINVAL && str_starts(e.msg, cases[i].begins), "R68 refused: %s",
			cases[i].begins))
			printf("#   got %d '%s'\n", r, e.msg);
		ok(!strstr(e.msg, "gLGD") && !p.config && !p.tunnel.peers,
		   "R26 no key in the message, nothing left behind");
	}
	is_int(profile_parse("d/p.json", "{\"id\"\0:1}", 9, &p, &e), -EINVAL, "R68 a NUL byte");
}

static void test_names(void)
{
	static const char *const bad[] = {
		"d/sixteen-letters-.json", "d/.json",	  "d/a b.json", "d/p", "d/host.json",
		"d/default.json",	   "d/none.json", "d/-.json"};
	struct profile p;
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ok(parse(bad[i], "{\"id\":1," CONF "}", &p, &e) == -EINVAL &&
			   strstr(e.msg, ":1: name: "),
		   "R27 the name of %s is refused", bad[i]);
	is_int(parse("/a/twelve-chars.json", "{\"id\":7," CONF "}", &p, &e), 0,
	       "R27 12 characters");
	is_str(p.bridge, "br-twelve-chars", "R27 make a bridge's name of 15");
	profile_free(&p);
	is_int(parse("/a/us-nyc-wg-30001.json", "{\"id\":12," CONF "}", &p, &e), 0,
	       "R27 15 characters");
	is_str(p.bridge, "br.12", "R27 have a bridge that is called after the id");
	profile_free(&p);
	parse("/a/twelve-chars.json", "{\"id\":7," CONF "}", &p, &e);
	is_int(p.id, 7, "R01 its id");
	is_int(ntohl(p.subnet4.s_addr), 0x0a140700, "its subnet is 10.20.ID.0");
	is_int(p.subnet4_plen, 24, "a /24");
	ok(p.layout == LAYOUT_NETNS && !p.limit && !p.allow_everyone, "and the other defaults");
	ok(p.n_allow_groups == 1 && !strcmp(p.allow_groups[0], "vpnrun"),
	   "group vpnrun may use it");
	profile_free(&p);
}

static void test_taken(void)
{
	struct profile p;
	struct err e;

	is_int(parse("p.json",
		     "{\"id\":1," CONF ",\"layout\":\"bridge\",\"bridge\":\"br0\",\"limit\":5,"
		     "\"subnet\":\"10.99.0.0/22\",\"dns\":[\"1.1.1.1\"],\"search\":[\"a.example\"],"
		     "\"allow\":{\"users\":[\"alice\",\"1001\"]}}",
		     &p, &e),
	       0, "every key beside config");
	ok(p.layout == LAYOUT_BRIDGE && p.limit == 5 && p.subnet4_plen == 22, "their values");
	ok(p.n_allow_users == 2 && p.n_allow_groups == 0,
	   "an allow that names users names no group");
	ok(p.tunnel.n_dns == 1 && p.tunnel.n_search == 1, "dns and search");
	profile_free(&p);
	is_int(parse("p.json", "{\"id\":1," CONF ",\"via\":\"other\",\"other_dns\":\"redirect\"}",
		     &p, &e),
	       0, "R74 R44 a VPN by another, with its own DNS alone");
	ok(!strcmp(p.via, "other") && p.other_dns == OTHER_DNS_REDIRECT, "their values");
	profile_free(&p);
	is_int(parse("p.json", "{\"id\":1," INLINE ",\"keepalive\":25,\"allow\":\"everyone\"}", &p,
		     &e),
	       0, "an inline tunnel");
	ok(p.allow_everyone && !p.n_allow_groups, "everyone");
	ok(p.tunnel.n_peers == 1 && p.tunnel.peers[0].keepalive == 25 &&
		   tunnel_is_full(&p.tunnel, AF_INET) && tunnel_is_full(&p.tunnel, AF_INET6),
	   "all of it goes to its one peer");
	profile_free(&p);
}

static void write_file(const char *path, mode_t mode, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || fchmod(fd, mode) < 0 || fd_write_all(fd, text, strlen(text)) < 0)
		ok(false, "cannot write %s", path);
}

static void test_load(void)
{
	char dir[] = "/tmp/vpnrun-test.XXXXXX", json[64], conf[64], key[64], text[1024];
	struct profile p;
	struct err e = ERR_INIT;

	if (!mkdtemp(dir))
		return (void)ok(false, "cannot make %s", dir);
	snprintf(json, sizeof(json), "%s/p.json", dir);
	snprintf(conf, sizeof(conf), "%s/x.conf", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(text, sizeof(text), "{\n\"id\":1,\n\"config\":\"%s\",\n\"dns\":[\"10.9.8.1\"]}",
		 conf);
	write_file(json, 0644, text);
	is_int(profile_load(json, &p, &e), -ENOENT, "a config that is not there");
	ok(strstr(e.msg, "p.json:3: config: cannot open"), "R68 file, line and key");
	write_file(conf, 0600,
		   "[Interface]\nPrivateKey=" KEY "\nAddress=10.20.1.9\nDNS=a.example\n"
		   "[Peer]\nPublicKey=" PUB "\nAllowedIPs=0.0.0.0/0\nEndpoint=a:1\n");
	is_int(profile_load(json, &p, &e), 0, "and one that is");
	ok(p.tunnel.n_dns == 1 && p.tunnel.n_search == 1, "the profile's dns, the file's search");
	is_str(plan_subnet_clash(&p, NULL)->text, "10.20.1.9",
	       "an address in the bridge's subnet is found");
	ok(p.tunnel.n_warnings == 1 && strstr(p.tunnel.warnings[0], ":1: subnet: "),
	   "and warned of");
	profile_free(&p);

	snprintf(
		text, sizeof(text),
		"{\"id\":1,\"endpoint\":\"a:1\",\"public_key\":\"" PUB
		"\",\"addresses\":[\"10.0.0.2\"],"
		"\n\"private_key_file\":\"%s\",\"dns\":[\"10.0.0.1\"],\"preshared_key_file\":\"%s\"}",
		key, key);
	write_file(json, 0644, text);
	write_file(key, 0600, "not a key\n");
	is_int(profile_load(json, &p, &e), -EINVAL, "a key file that holds none");
	ok(strstr(e.msg, "p.json:2: private_key_file: "), "R68 file, line and key");
	write_file(key, 0600, KEY "\n");
	is_int(profile_load(json, &p, &e), 0, "R26 a private key from a file");
	ok(p.tunnel.private_key[0] == 0x80 && p.tunnel.peers[0].has_psk && !p.tunnel.world_readable,
	   "R26 and a preshared one");
	profile_free(&p);
	chmod(key, 0644);
	is_int(profile_load(json, &p, &e), 0, "a key file that all can read");
	ok(p.tunnel.world_readable, "R26 is noted for up to refuse");
	profile_free(&p);
	unlink(key);
	unlink(conf);
	unlink(json);
	rmdir(dir);
}

static void count_key(const char *key, const char *text)
{
	static int n;

	ok(n++ == 0 && !strcmp(key, "a") && !strcmp(text, "b"),
	   "people are told the keys, but no version");
}

static void test_json_out(void)
{
	struct json_out out;
	struct err e = ERR_INIT;
	AUTO_FREE char *text = NULL;

	json_out_begin(&out);
	json_out_str(&out, "a", "x\"\n");
	json_out_str(&out, "b", NULL);
	json_out_array(&out, "c");
	json_out_int(&out, NULL, -5);
	json_out_object(&out, NULL);
	json_out_bool(&out, "d", true);
	json_out_end(&out);
	json_out_str(&out, NULL, "\xff!");
	is_int(json_out_finish(&out, &text, &e), 0, "a document, left open in places");
	is_str(text,
	       "{\n  \"schema_version\": 1,\n  \"a\": \"x\\\"\\n\",\n  \"b\": null,\n  \"c\": [\n    -5,\n    {\n      \"d\": true\n"
	       "    },\n    \"?!\"\n  ]\n}\n",
	       "is whole");
	json_out_begin(&out);
	json_out_str(&out, NULL, "x");
	ok(json_out_finish(&out, &text, &e) < 0, "a mistake is kept until the end");
	free(text);
	text = NULL;
	json_out_begin(&out);
	json_out_array(&out, "a");
	is_int(json_out_finish_line(&out, &text, &e), 0, "a document of one line");
	is_str(text, "{\"schema_version\": 1, \"a\": []}\n", "says its version, too");
	json_out_begin(&out);
	json_out_str(&out, "a", "b");
	is_int(json_out_tell(&out, count_key, &e), 0, "a document in words");
}

int main(void)
{
	tap_begin();
	test_refused();
	test_names();
	test_taken();
	test_load();
	test_json_out();
	return tap_done();
}
