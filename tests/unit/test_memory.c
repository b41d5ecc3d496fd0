/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out, at each allocation in turn. What reads and writes the texts and lists that
 * everything stands on refuses then with a sentence, or its result is the same to the last byte:
 * never a list without its end, or a firewall without a rule. Nothing stays behind. The linker puts
 * these functions in libc's place; libraries keep their own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "unit/addr.h"
#include "unit/tap.h"
#include "base/policyfile.h"
#include "base/util.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "conf/profile.h"
#include "conf/subtract.h"
#include "default/default_part.h"
#include "policy/compile.h"
#include "policy/oci.h"
#include "tunnel/uapi.h"
#include "wall/firewall.h"
#include "want/want.h"

/* --- memory ----------------------------------------------------------------------------------- */

static unsigned int asked, failing; /* the one that fails, 0: none */
static void *held[4096];
static size_t n_held;

static bool is_refused(void)
{
	errno = ENOMEM;
	return ++asked == failing;
}

static void *hold(void *p)
{
	if (p && n_held < ARRAY_SIZE(held))
		held[n_held++] = p;
	return p;
}

/* What libc itself has allocated is freed here, too, and is not in the list. */
static void let_go(const void *p)
{
	for (size_t i = n_held; p && i-- > 0;)
		if (held[i] == p) {
			held[i] = held[--n_held];
			return;
		}
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
FILE *__real_open_memstream(char **text, size_t *len);
int __real_vasprintf(char **ret, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
FILE *__wrap_open_memstream(char **text, size_t *len);
int __wrap_asprintf(char **ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : hold(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : hold(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *new;

	if (is_refused())
		return NULL;
	let_go(p);
	new = __real_realloc(p, size);
	return hold(new);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return __builtin_mul_overflow(n, size, &size) ? NULL : __wrap_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return is_refused() ? NULL : hold(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
	return is_refused() ? NULL : hold(__real_strndup(s, n));
}

FILE *__wrap_open_memstream(char **text, size_t *len)
{
	return is_refused() ? NULL : __real_open_memstream(text, len);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	if (is_refused() || __real_vasprintf(ret, fmt, ap) < 0)
		return -1;
	hold(*ret);
	return (int)strlen(*ret);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

void __wrap_free(void *p)
{
	let_go(p);
	__real_free(p);
}

/* --- what is done ----------------------------------------------------------------------------- */

static char shown[1 << 18];
static size_t n_shown;

static void __attribute__((format(printf, 1, 2))) show(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	n_shown += (size_t)vsnprintf(shown + n_shown, sizeof(shown) - n_shown, fmt, ap);
	va_end(ap);
}

static void show_bytes(const void *at, size_t n)
{
	const uint8_t *b = at;

	for (size_t i = 0; i < n; i++)
		show("%02x", b[i]);
}

/* Shows a text and frees it. */
static int show_text(int r, char **text)
{
	if (r == 0)
		show("%s\n", *text);
	free(*text);
	return r;
}

static void show_addresses(const char *what, const struct ipaddr *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		show("%s %s/%u\n", what, a[i].text ? a[i].text : "?", a[i].plen);
}

static void show_strings(const char *what, char *const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		show("%s %s\n", what, s[i]);
}

static void show_tunnel(const struct tunnel *t)
{
	show_addresses("address", t->addresses, t->n_addresses);
	show_addresses("dns", t->dns, t->n_dns);
	show_strings("search", t->search, t->n_search);
	show_strings("warning", t->warnings, t->n_warnings);
	for (size_t i = 0; i < t->n_hooks; i++)
		show("hook %s %s\n", t->hooks[i].key, t->hooks[i].text);
	for (size_t i = 0; i < t->n_peers; i++) {
		show("peer %s %u ", t->peers[i].host ? t->peers[i].host : "", t->peers[i].port);
		show_bytes(t->peers[i].psk, WG_KEY_LEN);
		show_addresses("\nallowed", t->peers[i].allowed, t->peers[i].n_allowed);
	}
	show("table %s mtu %u\n", t->table ? t->table : "", t->mtu);
}

#define KEY "gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8="
#define PUB "TYQIuPkwrfHoWCbqHX7MUAcg+tjAx0BeBvT9K1iCcVo="

static const char conf[] =
	"[Interface]\nPrivateKey = " KEY "\nAddress = 10.64.0.2/32, fd64:64::2/128\n"
	"DNS = 10.64.0.1, fd64:64::1, a.example, b.example\nMTU = 1320\nTable = 51\n"
	"FwMark = 0x51\nListenPort = 5\nSaveConfig = true\nPostUp = iptables -A "
	"OUTPUT ! -o %i -j REJECT\nPreDown = echo " KEY "\n"
	"[Peer]\nPublicKey = " PUB "\nPresharedKey = " KEY "\n"
	"Endpoint = vpn.example:51820\nAllowedIPs = 0.0.0.0/0, 10.0.0.1/8\n"
	"AllowedIPs = ::/0\nPersistentKeepalive = 25\n"
	"[Peer]\nPublicKey = " KEY "\nEndpoint = [2001:db8::1]:1\nAllowedIPs =\n";

static int read_conf(struct err *e)
{
	struct tunnel t;
	int r = conf_parse("demo.conf", conf, sizeof(conf) - 1, &t, e);

	if (r < 0)
		return r;
	r = tunnel_review("demo.conf", &t);
	if (r < 0)
		err_sys(e, r, "cannot check demo.conf");
	else
		show_tunnel(&t);
	tunnel_free(&t);
	return r;
}

static const char profile[] =
	"{\"id\":1,\"endpoint\":\"a.example:1\",\"public_key\":\"" PUB
	"\",\"private_key_file\":\"/k\","
	"\"preshared_key_file\":\"/p\",\"addresses\":[\"10.0.0.2/32\",\"fd00::2/128\"],\"dns\":[\"10.0.0.1\"],"
	"\"search\":[\"a.example\"],\"allowed_ips\":[\"0.0.0.0/0\",\"::/0\"],\"allow\":{\"users\":[\"a\",\"7\"],"
	"\"groups\":[\"b\"]},\"allow_default\":{\"users\":[\"c\"]},"
	"\"default_exclude\":{\"users\":[\"d\"],\"units\":[\"e.service\"]},\"default_inbound\":[\"22/tcp\"],"
	"\"via\":\"other\",\"expose\":[\"80/tcp\",\"53/udp\"],"
	"\"allow_expose\":[\"1-9\"],\"port_forward\":\"natpmp\",\"other_dns\":\"refuse\","
	"\"port_forward_hook\":{\"user\":\"d\",\"command\":\"/bin/x\"}}";

static int read_profile(struct err *e)
{
	struct profile p;
	int r = profile_parse("demo.json", profile, sizeof(profile) - 1, &p, e);

	if (r < 0)
		return r;
	show_tunnel(&p.tunnel);
	show_strings("user", p.allow_users, p.n_allow_users);
	show_strings("group", p.allow_groups, p.n_allow_groups);
	show_strings("default", p.default_users, p.n_default_users);
	show_strings("exclude", p.exclude_units, p.n_exclude_units);
	show_addresses("subnet", p.subnets, p.n_subnets);
	show_addresses("lan", p.allow_lan, p.n_allow_lan);
	show("%s %s %s %s %s %s %zu %zu\n", p.bridge, p.private_key_file, p.preshared_key_file,
	     p.via, p.hook_user, p.hook_command, p.n_expose, p.n_may_expose);
	profile_free(&p);
	return 0;
}

static int subtract(struct err *e)
{
	struct prefixes from = {0}, minus = {0}, left = {0};
	char text[PREFIX_TEXT_LEN];
	int r = prefixes_parse("0.0.0.0/0,::/0", &from, e);

	r = r ?: prefixes_parse("10.0.0.0/8,192.168.0.0/16,fd00::/8", &minus, e);
	r = r ?: prefixes_subtract(&from, &minus, &left, e);
	for (size_t i = 0; r == 0 && i < left.n; i++) {
		prefix_format(&left.at[i], text);
		show("%s\n", text);
	}
	free(from.at);
	free(minus.at);
	free(left.at);
	return r;
}

/* A VPN that has all there is. */
static struct profile *make_vpn(enum vpn_layout layout)
{
	static char bridge[] = "br-demo";
	static struct ipaddr addresses[2], allowed[2], subnets[1], lan[1];
	static struct tunnel_peer peer = {.allowed = allowed, .n_allowed = 2};
	static struct profile p;

	addresses[0] = addr("10.64.0.2", 32);
	addresses[1] = addr("fd64:64::2", 128);
	allowed[0] = addr("0.0.0.0", 0);
	allowed[1] = addr("::", 0);
	subnets[0] = addr("198.51.100.0", 24);
	lan[0] = addr("192.168.7.0", 24);
	p = (struct profile){
		.id = 1, .layout = layout, .bridge = bridge, .subnet4_plen = 24, .name = "demo"};
	inet_pton(AF_INET, "10.20.1.0", &p.subnet4);
	p.subnets = subnets;
	p.n_subnets = 1;
	p.allow_lan = lan;
	p.n_allow_lan = 1;
	p.tunnel = (struct tunnel){.fwmark = 10001,
				   .addresses = addresses,
				   .n_addresses = 2,
				   .peers = &peer,
				   .n_peers = 1};
	return &p;
}

static int show_list(struct want_list *l, struct err *e)
{
	char text[WANT_TEXT_LEN];
	int r = want_list_check(l, e);

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		want_describe(&l->at[i], text);
		show("%u %s\n", l->at[i].flags, text);
	}
	want_list_free(l);
	return r;
}

static int list_netns(struct err *e)
{
	const struct profile *p = make_vpn(LAYOUT_NETNS);
	struct want_list l = {0};

	want_namespace(&l, p);
	want_netns(&l, p, 1420);
	want_tunnel(&l, p);
	return show_list(&l, e);
}

static int list_bridge(struct err *e)
{
	const struct profile *p = make_vpn(LAYOUT_BRIDGE);
	struct want_list l = {0}, all = {0}, none = {0};

	want_bridge_firewall(&l, p);
	want_bridge_device(&l, p, 1420);
	want_bridge_table(&l, p);
	want_bridge_rules(&l, p);
	want_list_append(&all, &l);
	want_list_append(&all, &l);
	want_list_minus(&l, &none, &all);
	want_list_free(&l);
	return show_list(&all, e);
}

static int list_default(struct err *e)
{
	struct default_way w = {.name = "demo",
				.id = 1,
				.strict = 1,
				.has_ip4 = 1,
				.layout = LAYOUT_NETNS,
				.dev = "vr"};
	const struct want_host h = {.pool = plan_pool(make_vpn(LAYOUT_NETNS))};
	const struct default_note n = {.now = w};
	struct want_list l = {0};

	want_default(&l, &n, &w, &h);
	return show_list(&l, e);
}

static int text_netns(struct err *e)
{
	char *text = NULL;

	return show_text(firewall_text(make_vpn(LAYOUT_NETNS), &text, e), &text);
}

static int text_bridge(struct err *e)
{
	char *text = NULL;

	return show_text(firewall_text(make_vpn(LAYOUT_BRIDGE), &text, e), &text);
}

static int text_default(struct err *e)
{
	static const struct default_way w = {
		.name = "demo", .id = 1, .strict = 1, .has_ip4 = 1, .dev = "vr"};
	const struct want_marks marks = {.at = {1, 2}, .n = 2};
	char *text = NULL;

	return show_text(default_firewall_text(&w, &marks, "", &text, e), &text);
}

static int text_userspace(struct err *e)
{
	static const uint8_t key[WG_KEY_LEN] = {1};
	const struct wg_device d = {.name = "demo", .private_key = key, .fwmark = 1};
	char *text = NULL;
	size_t len;
	int r;

	r = show_text(uapi_format_device(&d, &text, &len), &text);
	return r < 0 ? err_sys(e, r, "cannot say it") : 0;
}

static const char seccomp[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"],"
	"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":[{\"names\":[\"read\",\"write\",\"nosuchcall\"],"
	"\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}]}";

static int compile(struct err *e)
{
	static struct policy_program program;
	struct policy p = {0};
	int r = policy_oci_parse("p.json", seccomp, sizeof(seccomp) - 1, &p, e);

	if (r < 0)
		return r;
	r = policy_compile(&p, &(struct policy_target){"p", POLICY_ARCH, 0}, &program, e);
	if (r == 0) {
		show_strings("warning", p.warnings, p.n_warnings);
		show_bytes(program.insns, program.header.n_insns * sizeof(program.insns[0]));
	}
	policy_free(&p);
	return r;
}

/* --- one allocation after the other ----------------------------------------------------------- */

static int run(int (*fn)(struct err *), unsigned int fail, struct err *e)
{
	memset(e, 0, sizeof(*e));
	n_shown = n_held = asked = 0;
	shown[0] = '\0';
	failing = fail;
	return fn(e);
}

static void each(const char *name, int (*fn)(struct err *))
{
	static char whole[sizeof(shown)];
	unsigned int n, refused = 0, left = 0;
	int wrong = 0;
	struct err e;

	if (!ok(run(fn, 0, &e) == 0 && n_shown > 0 && n_shown < sizeof(shown), "%s: whole", name))
		printf("#   %s\n", e.msg);
	left += n_held > 0;
	memcpy(whole, shown, sizeof(whole));
	n = asked;
	for (unsigned int i = 1; i <= n; i++) {
		int r = run(fn, i, &e);

		refused += r < 0;
		if (r < 0 ? e.code >= 0 || !strchr(e.msg, ' ') : strcmp(shown, whole) != 0)
			wrong += printf("#   %u of %u: %s\n", i, n,
					r < 0 ? e.msg : "another result");
		left += n_held > 0;
	}
	ok(n > 0 && refused > 0, "%s: out of memory, at one of %u allocations: refused", name, n);
	ok(!wrong, "%s: each time with a sentence, or the result is the same", name);
	ok(!left, "%s: and nothing stays behind", name);
}

int main(void)
{
	tap_begin();
	each("a provider's file", read_conf);
	each("a profile", read_profile);
	each("prefixes", subtract);
	each("L03 the list of a namespace", list_netns);
	each("L03 the list of a bridge", list_bridge);
	each("L03 the list of a default", list_default);
	each("L03 a namespace's firewall", text_netns);
	each("L03 a bridge's firewall", text_bridge);
	each("L03 a default's firewall", text_default);
	each("the words to wireguard-go", text_userspace);
	each("L11 a policy", compile);
	return tap_done();
}
