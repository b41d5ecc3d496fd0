/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks/cni and hooks/netavark without a kernel: what of a question is taken and what is refused
 * with which code, and the answers.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cni/cni.h"
#include "netavark/netavark.h"

#define HEAD "\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"vpnrun\",\"vpn\":\"demo\""

static const struct wire_ends ends = {
	.record = {.id = 1,
		   .subnet4_plen = 24,
		   .mtu = 1420,
		   .flags = RECORD_HAS_IP4,
		   .search = " a.test  b.test"},
	.host = 7,
	.port = {.name = "vr1.7", .mtu = 1420},
	.end = {.name = "eth0", .mtu = 1420, .mac = {2, 0x76, 0x70, 1, 0, 7}},
};

/* The code of a refusal, 0: taken. */
static int code(const char *command, const char *container, const char *ifname, const char *args,
		const char *text)
{
	struct cni_env env = {command, container, "/n", ifname, args};
	struct err e = ERR_INIT;
	struct cni_request q;
	int r = cni_request_parse(&env, text, strlen(text), &q, &e);

	cni_request_free(&q);
	return r < 0 ? cni_code(e.code) : 0;
}

static void test_config(void)
{
	static const struct {
		int want;
		const char *command, *text;
	} cases[] = {
		{0, "ADD", "{" HEAD "}"},
		{0, "ADD", "{" HEAD ",\"exclusive\":false,\"cni.dev/x\":1,\"args\":5}"},
		{0, "DEL", "{" HEAD ",\"runtimeConfig\":{\"ips\":[\"10.0.0.1/8\"]}}"},
		{2, "ADD", "{" HEAD ",\"runtimeConfig\":{\"ips\":[\"10.0.0.1/8\"]}}"},
		{2, "ADD", "{" HEAD ",\"ipam\":{\"type\":\"x\"}}"},
		{2, "ADD", "{" HEAD ",\"ipMasq\":true}"},
		{0, "ADD", "{" HEAD ",\"ipMasq\":false}"},
		{7, "ADD", "{" HEAD ",\"vpn \":\"x\"}"},
		{7, "ADD", "{" HEAD ",\"exclusive\":\"no\"}"},
		{0, "ADD", "{" HEAD ",\"lan\":true}"},
		{7, "ADD", "{" HEAD ",\"lan\":\"yes\"}"},
		{7, "ADD", "{" HEAD ",\"dns\":{\"nameserver\":[]}}"},
		{7, "ADD", "{" HEAD ",\"prevResult\":{\"ips\":[1]}}"},
		{7, "CHECK", "{" HEAD "}"},
		{7, "CHECK", "{" HEAD ",\"prevResult\":null}"},
		{0, "CHECK", "{" HEAD ",\"prevResult\":{}}"},
		{7, "GC", "{" HEAD "}"},
		{7, "GC", "{" HEAD ",\"cni.dev/valid-attachments\":[{\"ifname\":\"eth0\"}]}"},
		{0, "GC", "{" HEAD ",\"cni.dev/valid-attachments\":null}"},
		{0, "STATUS", "{" HEAD "}"},
		{7, "ADD", "{" HEAD ",\"runtimeConfig\":1}"},
		{7, "ADD", "{" HEAD ",\"dns\":1}"},
		{7, "ADD", "{" HEAD ",\"dns\":{\"domain\":1}}"},
		{7, "ADD", "{" HEAD ",\"prevResult\":1}"},
		{7, "ADD", "{" HEAD ",\"prevResult\":{\"ips\":{}}}"},
		{7, "ADD", "{" HEAD ",\"dns\":{\"nameservers\":1}}"},
		{7, "ADD", "{" HEAD ",\"dns\":{\"nameservers\":[\"\"]}}"},
		{7, "ADD", "{" HEAD ",\"dns\":{\"search\":[1]}}"},
		{1, "STATUS", "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"vpn\":\"demo\"}"},
		{1, "ADD", "{\"cniVersion\":\"2.0.0\",\"name\":\"n\",\"vpn\":\"demo\"}"},
		{7, "ADD", "{\"cniVersion\":1,\"name\":\"n\",\"vpn\":\"demo\"}"},
		{1, "CHECK", "{\"cniVersion\":\"0.3.1\",\"name\":\"n\",\"vpn\":\"demo\"}"},
		{0, "VERSION", ""},
		{0, "VERSION", "{\"cniVersion\":\"9.9.9\"}"},
		{6, "VERSION", "{"},
		{6, "ADD", ""},
		{6, "ADD", "{" HEAD "} x"},
		{4, "add", "{" HEAD "}"},
		{4, NULL, "{" HEAD "}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(code(cases[i].command, "c1", "eth0", NULL, cases[i].text), cases[i].want,
		       cases[i].text);
}

static void test_env(void)
{
	static const struct {
		const char *command, *netns;
		int want;
	} places[] = {{"ADD", NULL, 4}, {"ADD", "", 4},	  {"ADD", "n", 4},
		      {"DEL", "", 0},	{"DEL", NULL, 0}, {"DEL", "../n", 4}};
	const char *text = "{" HEAD "}";
	char long_id[300];

	is_int(code("ADD", NULL, "eth0", NULL, text), 4, "no container");
	is_int(code("ADD", "-c", "eth0", NULL, text), 4, "a container like an option");
	is_int(code("ADD", "c/d", "eth0", NULL, text), 4, "a container with a slash");
	is_int(code("ADD", "c1", NULL, NULL, text), 4, "no interface");
	is_int(code("ADD", "c1", "a:b", NULL, text), 4, "an interface with a colon");
	is_int(code("ADD", "c1", "sixteen-is-much.", NULL, text), 4, "a long interface");
	is_int(code("ADD", "c1", "eth0", "A=b;IP=1.2.3.4", text), 4, "an own address");
	is_int(code("ADD", "c1", "eth0", "A=b;;", text), 4, "an empty argument");
	is_int(code("ADD", "c1", "eth0", "A=b;IPX=c;", text), 0, "other arguments");
	is_int(code("DEL", "c1", "eth0", "IP=1.2.3.4", text), 0, "a DEL asks for nothing");
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct cni_env env = {places[i].command, "c1", places[i].netns, "eth0", NULL};
		struct err e = ERR_INIT;
		struct cni_request q;
		int r = cni_request_parse(&env, text, strlen(text), &q, &e);

		is_int(r < 0 ? cni_code(e.code) : 0, places[i].want, "where the namespace is");
		cni_request_free(&q);
	}
	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	is_int(code("ADD", long_id, "eth0", NULL, text), 7, "an id that fits no alias");
	is_int(cni_code(-ENOSPC), CNI_TRY_LATER, "a full pool: try later");
	is_int(cni_code(-ENOMEM), CNI_FAILED, "anything else has a code of our own");
}

static void test_answers(void)
{
	const char *text =
		"{" HEAD ",\"prevResult\":{\"interfaces\":[{\"name\":\"lo\"}]},"
		"\"cni.dev/valid-attachments\":[{\"containerID\":\"c1\",\"ifname\":\"eth0\"}]}";
	struct cni_env env = {"ADD", "c1", "/n", "eth0", NULL};
	struct err e = ERR_INIT, bad = {-ENOENT, "caf\xe9 \"x\""};
	char *answer = NULL;
	struct cni_request q;

	is_int(cni_request_parse(&env, text, strlen(text), &q, &e), 0, "parsed");
	is_str(q.wire.tag, "cni:net/c1/eth0", "the tag");
	cni_answer_result(&q, &ends, &answer, &e);
	is_str(answer,
	       "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"lo\"},"
	       "{\"name\":\"vr1.7\",\"mac\":\"00:00:00:00:00:00\",\"mtu\":1420},"
	       "{\"name\":\"eth0\",\"mac\":\"02:76:70:01:00:07\",\"mtu\":1420,\"sandbox\":\"/n\"}],"
	       "\"ips\":[{\"address\":\"0.0.0.7/24\",\"gateway\":\"0.0.0.1\",\"interface\":2}],"
	       "\"routes\":[{\"dst\":\"0.0.0.0/0\",\"gw\":\"0.0.0.1\"}],"
	       "\"dns\":{\"nameservers\":[],\"search\":[\"a.test\",\"b.test\"]}}",
	       "the result in a chain, of a VPN without IPv6");
	free(answer);
	cni_answer_error(&q, &bad, &answer, &e);
	is_str(answer,
	       "{\"cniVersion\":\"1.1.0\",\"code\":7,\"msg\":\"caf? \\\"x\\\"\",\"details\":\"vpnrun " VPNRUN_VERSION
	       ": No such file or directory\"}",
	       "an error is JSON, whatever it says");
	free(answer);
	cni_request_free(&q);
	env.command = "GC";
	is_int(cni_request_parse(&env, text, strlen(text), &q, &e), 0, "GC parsed");
	ok(cni_request_is_valid(&q, "cni:net/c1/eth0"), "GC: listed");
	ok(!cni_request_is_valid(&q, "cni:net/c1/eth1"), "GC: another interface");
	ok(!cni_request_is_valid(&q, "cni:net/c11/eth0"), "GC: another container");
	cni_request_free(&q);
}

/* What an earlier ADD has told must be what is there. */
static void test_prev(void)
{
	static const struct {
		const char *what, *prev;
		int want;
	} cases[] = {
		{"as it is",
		 "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/n\"}],\"ips\":[{\"address\":"
		 "\"0.0.0.7/24\"}]}",
		 0},
		{"another address",
		 "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/n\"}],\"ips\":[{\"address\":"
		 "\"0.0.0.8/24\"}]}",
		 -ENOLINK},
		{"another sandbox",
		 "{\"interfaces\":[{\"name\":\"eth0\",\"sandbox\":\"/m\"}],\"ips\":[{\"address\":"
		 "\"0.0.0.7/24\"}]}",
		 -ENOLINK},
		{"another device",
		 "{\"interfaces\":[{\"name\":\"eth1\",\"sandbox\":\"/n\"}],\"ips\":[{\"address\":"
		 "\"0.0.0.7/24\"}]}",
		 -ENOLINK},
	};
	struct cni_env env = {"CHECK", "c1", "/n", "eth0", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		struct cni_request q;
		char text[512];

		snprintf(text, sizeof(text), "{" HEAD ",\"prevResult\":%s}", cases[i].prev);
		is_int(cni_request_parse(&env, text, strlen(text), &q, &e), 0, "parsed");
		is_int(cni_request_check_prev(&q, &ends, &e), cases[i].want, cases[i].what);
		cni_request_free(&q);
	}
}

/* A cluster's configuration: what a pod chose, and what goes beside it. */
#define VPNS	"\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"vpns\":[\"demo\",\"other\"]"
#define PREV	",\"prevResult\":{\"interfaces\":[{\"name\":\"eth0\"}]}"
#define SAID(x) ",\"runtimeConfig\":{\"" CNI_ANNOTATIONS "\":" x "}"

static void test_choice(void)
{
	static const struct {
		int want;
		const char *text, *vpn, *what; /* vpn NULL: none */
	} cases[] = {
		{0, "{" VPNS PREV SAID("{\"vpnrun/vpn\":\"other\"}") "}", "other", "chosen"},
		{0, "{" VPNS PREV SAID("{\"a\":\"b\"}") "}", NULL, "not chosen"},
		{0, "{" VPNS PREV SAID("null") "}", NULL, "no annotations"},
		{7, "{" VPNS PREV "}", NULL, "L30 a runtime that does not say"},
		{7, "{" VPNS PREV SAID("{\"vpnrun/vpn\":\"third\"}") "}", NULL, "another VPN"},
		{7, "{" VPNS PREV SAID("{\"vpnrun/vpn\":1}") "}", NULL, "no text"},
		{7, "{" VPNS PREV SAID("{\"vpnrun/vpm\":\"demo\"}") "}", NULL, "L30 a slip"},
		{7, "{" VPNS PREV SAID("{\"vpnrun\":\"demo\"}") "}", NULL, "L30 the hook's word"},
		{7, "{" VPNS SAID("{}") "}", NULL, "L30 nothing before it, nothing chosen"},
		{7, "{" VPNS ",\"vpn\":\"demo\"" PREV SAID("{}") "}", NULL, "both keys"},
		{7, "{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"vpns\":[]}", NULL, "no VPN"},
		{7, "{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"vpns\":[\"a/b\"]}", NULL,
		 "a wrong name"},
	};
	struct cni_env env = {"ADD", "c1", "/n", "eth0", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = ERR_INIT;
		struct cni_request q;
		int r = cni_request_parse(&env, cases[i].text, strlen(cases[i].text), &q, &e);

		is_int(r < 0 ? cni_code(e.code) : 0, cases[i].want, cases[i].what);
		is_str(q.wire.vpn, cases[i].vpn, "which VPN");
		ok(q.passes == (r == 0 && !cases[i].vpn), "and whether it keeps what it has");
		cni_request_free(&q);
	}
}

static void test_direct(void)
{
	static const struct {
		int want;
		const char *text, *what;
	} cases[] = {
		{0, "{" HEAD ",\"direct\":[]}", "nothing direct"},
		{0, "{" HEAD ",\"direct\":[\"10.96.0.0/12\",\"fd00::/64\",\"10.0.0.1\"]}",
		 "networks"},
		{7, "{" HEAD ",\"direct\":[\"0.0.0.0/0\"]}", "L57 everything"},
		{7, "{" HEAD ",\"direct\":[\"0.0.0.0/1\",\"128.0.0.0/1\"]}",
		 "L57 everything, in halves"},
		{7, "{" HEAD ",\"direct\":[\"::/0\"]}", "L57 everything, IPv6"},
		{7, "{" HEAD ",\"direct\":[\"10.96.0.1/12\"]}", "a host's bits"},
		{7, "{" HEAD ",\"direct\":[\"10.96.0.0/33\"]}", "too long"},
		{7, "{" HEAD ",\"direct\":[\"10.96.0.0/12\",\"10.96.0.0/12\"]}", "twice"},
		{7, "{" HEAD ",\"direct\":\"10.96.0.0/12\"}", "no list"},
		{7, "{" HEAD ",\"direct\":[1]}", "no text"},
		{7, "{" HEAD ",\"direct\":[],\"exclusive\":false}", "L57 two ways at once"},
		{7, "{" HEAD ",\"direct_dns\":[\"10.96.0.10\"]}", "a server beside nothing"},
		{7, "{" HEAD ",\"direct\":[],\"direct_dns\":[\"10.96.0.0/12\"]}",
		 "a network of servers"},
		{0, "{" HEAD ",\"direct\":[],\"direct_dns\":[\"10.96.0.10\",\"fd00::a\"]}",
		 "servers"},
	};
	const char *text = cases[1].text;
	struct cni_env env = {"ADD", "c1", "/n", "eth0", NULL};
	struct err e = ERR_INIT;
	struct record r = {
		.name = "demo", .id = 1, .subnet4_plen = 24, .dns = {{.family = AF_INET}}};
	struct cni_request q;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(code("ADD", "c1", "eth0", NULL, cases[i].text), cases[i].want,
		       cases[i].what);
	cni_request_parse(&env, text, strlen(text), &q, &e);
	is_str(q.wire.ifname, "vpn0", "beside the cluster's interface the cable has another name");
	is_str(q.wire.tag, "cni:net/c1/eth0", "but the tag is of the attachment");
	inet_pton(AF_INET, "10.20.1.0", &r.subnet4);
	inet_pton(AF_INET, "192.0.2.53", r.dns[0].addr);
	is_int(cable_beside_fits(q.wire.beside, &r, &e), 0, "L57 beside another subnet");
	inet_pton(AF_INET, "10.97.0.0", &r.subnet4);
	is_int(cable_beside_fits(q.wire.beside, &r, &e), -EADDRINUSE, "L57 the VPN's own subnet");
	inet_pton(AF_INET, "10.20.1.0", &r.subnet4);
	inet_pton(AF_INET, "10.100.0.53", r.dns[0].addr);
	is_int(cable_beside_fits(q.wire.beside, &r, &e), -EADDRINUSE, "L57 the VPN's name server");
	cni_request_free(&q);
	env.ifname = "net1";
	cni_request_parse(&env, text, strlen(text), &q, &e);
	is_str(q.wire.ifname, "net1", "as a second network it has the name that was asked for");
	is_str(q.wire.beside->dev, "eth0", "beside the same");
	cni_request_free(&q);
}

static void test_prefix(void)
{
	struct net_prefix a, b;
	uint8_t mask[16];

	is_int(prefix_parse("10.96.0.0/13", &a), 0, "a network");
	is_int(prefix_parse("10.103.255.255", &b), 0, "an address");
	ok(prefix_has(&a, &b) && !prefix_has(&b, &a), "one has the other");
	prefix_parse("10.104.0.0", &b);
	ok(!prefix_has(&a, &b), "and not the next");
	prefix_parse("::/8", &b);
	ok(!prefix_has(&a, &b) && !prefix_has(&b, &a), "nor another family");
	prefix_mask(&a, mask, 4);
	ok(mask[0] == 0xff && mask[1] == 0xf8 && mask[2] == 0 && mask[3] == 0, "a mask");
	is_int(prefix_parse("10.96.0.0/", &a), -EINVAL, "no length");
	is_int(prefix_parse("fd00::1/64", &a), -EINVAL, "a host's bits");
	is_int(prefix_parse("", &a), -EINVAL, "nothing");
}

static void test_netavark(void)
{
	const char *text =
		"{\"container_id\":\"c1\",\"port_mappings\":[1],\"network\":{\"name\":\"demo\","
		"\"id\":\"2f\"},\"network_options\":{\"interface_name\":\"eth0\"}}";
	struct err e = ERR_INIT;
	char *answer = NULL;
	struct nv_request q;

	ok(nv_request_parse(text, strlen(text), &(struct nv_call){"/n", false}, &q, &e) < 0,
	   "R87 setup with ports that are none: refused");
	ok(!strncmp(e.msg, "a published port: ", 18), "and says so: %s", e.msg);
	is_int(nv_request_parse(text, strlen(text), &(struct nv_call){"/n", true}, &q, &e), 0,
	       "teardown with ports: taken");
	is_str(q.wire.tag, "netavark:2f/c1/eth0", "the tag");
	nv_answer_setup(&q, &ends, &answer, &e);
	is_str(answer,
	       "{\"dns_search_domains\":[\"a.test\",\"b.test\"],\"dns_server_ips\":[],\"interfaces\":{\"eth0\":"
	       "{\"mac_address\":\"02:76:70:01:00:07\",\"subnets\":[{\"ipnet\":\"0.0.0.7/24\",\"gateway\":"
	       "\"0.0.0.1\"}]}}}",
	       "the status block");
	free(answer);
	nv_request_free(&q);
}

int main(void)
{
	tap_begin();
	test_config();
	test_env();
	test_answers();
	test_prev();
	test_choice();
	test_direct();
	test_prefix();
	test_netavark();
	return tap_done();
}
