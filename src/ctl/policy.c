/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl policy check|show|list|install`: says in words what a policy closes, on each ABI, and
 * compiles a user's own. What it says is asked of the compiled program (policy/doors.h).
 *
 * check, show and list touch nothing; install replaces one file in /etc/vpnrun/policy. A policy
 * that leaves known doors open is installed all the same, with its warnings: the administrator
 * decides.
 */
#include "ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "box/seccomp.h"
#include "ctl/show.h"
#include "policy/compile.h"
#include "policy/doors.h"

#define POLICY_ETC_DIR "/etc/vpnrun/policy"

/* What is explained: a compiled program and where it comes from. */
struct subject {
	const char *file;
	const struct policy_header *header;
	const struct sock_filter *insns;
	uint32_t abis[3]; /* those whose programs run */
	size_t n_abis;
	unsigned n_warnings;
};

static const char *action_words(uint32_t action, char *buf, size_t size)
{
	const char *name;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "open";
	case SECCOMP_RET_LOG:
		return "open, and logged";
	case SECCOMP_RET_ERRNO:
		name = strerrorname_np((int)(action & SECCOMP_RET_DATA));
		snprintf(buf, size, "closed (%s)", name ? name : "no error");
		return buf;
	case SECCOMP_RET_TRAP:
		return "closed (SIGSYS)";
	case SECCOMP_RET_KILL_THREAD:
		return "closed (kills the thread)";
	default:
		return "closed (kills)";
	}
}

static bool is_open(uint32_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* "x86-64 and i386", of those whose bit is set. */
static void abi_words(const struct subject *s, unsigned which, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < s->n_abis; i++)
		if (which >> i & 1 && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " and " : "",
						policy_abi_name(s->abis[i]));
}

/* One row; where the ABIs differ, what each says. */
static void explain_door(struct subject *s, const struct policy_door *door)
{
	uint32_t state[3] = {0}, first = 0;
	bool has[3] = {false}, any = false, same = true;
	unsigned open = 0;
	char buf[64];

	for (size_t i = 0; i < s->n_abis; i++) {
		has[i] = policy_door_state(s->insns, s->header->n_insns, s->abis[i], door,
					   &state[i]);
		if (!has[i])
			continue;
		same = same && (!any || state[i] == first);
		first = any ? first : state[i];
		any = true;
		open |= (unsigned)is_open(state[i]) << i;
	}
	if (door->danger && open) {
		abi_words(s, open, buf, sizeof(buf));
		log_info("%s: warning: %s: open on %s; %s", s->file, door->name, buf, door->danger);
		s->n_warnings++;
	}
	if (!any)
		return;
	printf("  %-24s", door->name);
	if (same) {
		printf("%s", action_words(first, buf, sizeof(buf)));
		for (size_t i = 0; i < s->n_abis; i++)
			if (!has[i])
				printf("; %s has none", policy_abi_name(s->abis[i]));
	} else {
		const char *sep = "";

		for (size_t i = 0; i < s->n_abis; i++) {
			if (!has[i])
				continue;
			printf("%s%s: %s", sep, policy_abi_name(s->abis[i]),
			       action_words(state[i], buf, sizeof(buf)));
			sep = "; ";
		}
	}
	putchar('\n');
}

/* Bit N of *ret: family, or netlink protocol, N is open. */
static uint64_t sockets_open(const struct subject *s, uint32_t abi, bool netlink)
{
	unsigned count = netlink ? DOOR_NETLINKS : DOOR_FAMILIES;
	uint64_t open = 0;

	for (unsigned i = 0; i < count; i++) {
		bool is = netlink ? policy_netlink_open(s->insns, s->header->n_insns, abi, i)
				  : policy_family_open(s->insns, s->header->n_insns, abi, i);

		open |= (uint64_t)is << i;
	}
	return open;
}

static void print_sockets(uint64_t open, bool netlink)
{
	unsigned count = netlink ? DOOR_NETLINKS : DOOR_FAMILIES, named = 0, shown = 0;

	for (unsigned i = 0; i < count; i++)
		named += (netlink ? policy_netlink_name(i) : policy_family_name(i)) != NULL;
	for (unsigned i = 0; i < count; i++) {
		const char *name = netlink ? policy_netlink_name(i) : policy_family_name(i);

		shown += name && (open >> i & 1);
	}
	if (shown == 0 || shown == named) {
		printf("%s", shown ? "all" : "none");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *name = netlink ? policy_netlink_name(i) : policy_family_name(i);

		if (name && (open >> i & 1))
			printf("%s%s", name, --shown ? ", " : "");
	}
}

/* The first few by name: those that are known to lead out come first. */
static void warn_sockets(struct subject *s, uint64_t open, unsigned which, bool netlink)
{
	static const unsigned first[] = {40, 31, 17, 38, 44, 29, 30, 21};
	unsigned count = netlink ? DOOR_NETLINKS : DOOR_FAMILIES, named = 0, more = 0;
	char list[256] = "", abis[48];
	size_t len = 0;

	for (unsigned k = 0; k < count + ARRAY_SIZE(first); k++) {
		bool early = k < ARRAY_SIZE(first);
		unsigned i = early ? (netlink ? 0 : first[k]) : k - (unsigned)ARRAY_SIZE(first);
		const char *name = netlink ? policy_netlink_name(i) : policy_family_name(i);
		bool fine = netlink ? policy_netlink_contained(i) : policy_family_contained(i);

		if (!name || fine || !(open >> i & 1))
			continue;
		open &= ~((uint64_t)1 << i);
		if (++named > 8) {
			more++;
			continue;
		}
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s%s", len ? ", " : "",
					netlink ? "netlink " : "", name);
	}
	if (named == 0)
		return;
	if (more > 0)
		snprintf(list + len, sizeof(list) - len, " and %u more", more);
	abi_words(s, which, abis, sizeof(abis));
	log_info("%s: warning: sockets of %s: open on %s; a network namespace does not hold them "
		 "back as it does IP",
		 s->file, list, abis);
	s->n_warnings++;
}

static void explain_sockets(struct subject *s, bool netlink)
{
	uint64_t open[3] = {0};
	bool same = true;

	for (size_t i = 0; i < s->n_abis; i++) {
		open[i] = sockets_open(s, s->abis[i], netlink);
		same = same && open[i] == open[0];
	}
	for (size_t i = 0; i < (same ? 1 : s->n_abis); i++) {
		warn_sockets(s, open[i], same ? ~0U : 1U << i, netlink);
		printf("  %-24s", netlink ? "open netlink protocols" : "open socket families");
		if (!same)
			printf("%s: ", policy_abi_name(s->abis[i]));
		print_sockets(open[i], netlink);
		putchar('\n');
	}
}

static void explain_abis(struct subject *s)
{
	uint32_t all[3];
	size_t n = policy_abis(s->header->arch, all);

	for (size_t i = 0; i < n; i++) {
		const char *name = policy_abi_name(all[i]);

		if (strcmp(name, "x32") == 0)
			continue;
		if (policy_abi_runs(s->insns, s->header->n_insns, all[i])) {
			s->abis[s->n_abis++] = all[i];
			printf("  %-24s%s\n", name, "runs; calls newer than the table: ENOSYS");
		} else {
			printf("  %-24s%s\n", name, "its programs are killed");
		}
	}
}

static void explain_caps(uint64_t caps)
{
	const char *sep = "";

	printf("  %-24s", "as root keeps");
	for (cap_value_t c = 0; c < 64; c++) {
		char *name;

		if (!(caps >> c & 1))
			continue;
		name = cap_to_name(c);
		printf("%s%s", sep, name ? name : "?");
		cap_free(name);
		sep = " ";
	}
	puts(caps ? "" : "no capability");
}

static unsigned explain(struct subject *s)
{
	printf("policy '%s': %u instructions\n", s->header->name, s->header->n_insns);
	explain_abis(s);
	explain_sockets(s, false);
	explain_sockets(s, true);
	for (size_t i = 0; i < policy_doors_count; i++)
		explain_door(s, &policy_doors[i]);
	explain_caps(s->header->root_caps);
	return s->n_warnings;
}

/* --- files ------------------------------------------------------------------------------------ */

/* /etc first, then what was installed or built beside this program. */
static void policy_dirs(char *beside, size_t size, const char *ret[3])
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	ret[0] = POLICY_ETC_DIR;
	ret[1] = ret[2] = NULL;
	if (n < 0)
		return;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return;
	*slash = '\0';
	if (str_fmt(beside, size, "%s/../lib/vpnrun/policy", exe) >= 0)
		ret[1] = beside;
}

/* FILE's base without ".json", if that can be a name. */
static const char *name_of_file(const char *file, char *buf, size_t size)
{
	const char *slash = strrchr(file, '/');
	size_t n;

	if (str_copy(buf, size, slash ? slash + 1 : file) < 0)
		return "";
	n = strlen(buf);
	if (n > 5 && strcmp(buf + n - 5, ".json") == 0)
		buf[n - 5] = '\0';
	return buf;
}

static int compile_file(const char *file, const char *name, const char *caps_file,
			struct policy_program *ret, struct err *e)
{
	AUTO_FREE char *text = NULL, *caps_text = NULL;
	struct policy p = {0};
	uint64_t caps = 0;
	size_t len;
	int rc = 0;

	if (caps_file) {
		rc = file_read(caps_file, POLICY_FILE_MAX, &caps_text, &len, e);
		if (rc == 0)
			rc = policy_caps_parse(caps_file, caps_text, len, &caps, e);
	}
	if (rc == 0)
		rc = file_read(file, POLICY_FILE_MAX, &text, &len, e);
	if (rc == 0)
		rc = policy_oci_parse(file, text, len, &p, e);
	if (rc < 0)
		return rc;
	rc = policy_compile(&p, name, POLICY_ARCH, caps, ret, e);
	if (rc < 0)
		err_wrap(e, "%s", file);
	for (size_t i = 0; rc == 0 && i < p.n_warnings; i++)
		log_info("%s: warning: %s", file, p.warnings[i]);
	policy_free(&p);
	return rc;
}

/* --- commands --------------------------------------------------------------------------------- */

struct options {
	const char *file; /* or a name */
	const char *name;
	const char *caps;
};

static bool parse(int argc, char **argv, bool many, struct options *ret)
{
	static const struct option options[] = {{"name", required_argument, NULL, 'n'},
						{"caps", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'n' && many)
			ret->name = optarg;
		else if (opt == 'c' && many)
			ret->caps = optarg;
		else
			return false;
	}
	if (argc - optind != 1)
		return false;
	ret->file = argv[optind];
	return true;
}

static int usage(void)
{
	fputs("usage: vpnctl policy check [--name N] [--caps FILE] FILE\n"
	      "       vpnctl policy install [--name N] [--caps FILE] FILE\n"
	      "       vpnctl policy show NAME\n"
	      "       vpnctl policy list\n",
	      stderr);
	return CTL_USAGE;
}

static int fail(const struct err *e)
{
	log_error("%s", e->msg);
	return CTL_FAILED;
}

static int install_or_check(const struct options *o, bool install)
{
	static struct policy_program prog;
	struct err e = ERR_INIT;
	char buf[256], path[256];
	const char *name = o->name ? o->name : name_of_file(o->file, buf, sizeof(buf));
	struct subject s = {.file = o->file, .header = &prog.header, .insns = prog.insns};
	int rc;

	/* A file to be looked at may have any name. */
	if (!install && !o->name && !policy_name_ok(name))
		name = "unnamed";
	if (compile_file(o->file, name, o->caps, &prog, &e) < 0)
		return fail(&e);
	if (!install) {
		explain(&s);
		return CTL_OK;
	}
	rc = dir_make(POLICY_ETC_DIR, 0755, &e);
	if (rc >= 0)
		rc = str_fmt(path, sizeof(path), "%s/%s.bpf", POLICY_ETC_DIR, name);
	if (rc >= 0)
		rc = file_replace(path, &prog, policy_program_size(&prog), 0644, &e);
	if (rc < 0)
		return fail(&e);
	explain(&s);
	printf("installed as %s: vpnrun --policy %s\n", path, name);
	return CTL_OK;
}

static int show(const char *name)
{
	static struct box_policy p;
	struct err e = ERR_INIT;
	char beside[4200];
	const char *dirs[3];
	struct subject s = {.file = name, .header = &p.header, .insns = p.insns};

	policy_dirs(beside, sizeof(beside), dirs);
	if (box_seccomp_read(dirs, name, &p, &e) < 0)
		return fail(&e);
	explain(&s);
	return CTL_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list(void)
{
	char beside[4200], name[POLICY_NAME_MAX + 1], path[4400];
	const char *dirs[3];

	policy_dirs(beside, sizeof(beside), dirs);
	for (size_t i = 0; dirs[i]; i++) {
		struct dirent **found = NULL;
		int n = scandir(dirs[i], &found, NULL, by_name);

		for (int k = 0; k < n; k++) {
			size_t len = strlen(found[k]->d_name);

			if (len > 4 && len - 4 <= POLICY_NAME_MAX &&
			    strcmp(found[k]->d_name + len - 4, ".bpf") == 0) {
				memcpy(name, found[k]->d_name, len - 4);
				name[len - 4] = '\0';
				/* One in /etc hides the shipped one of its name. */
				if (i > 0 &&
				    str_fmt(path, sizeof(path), "%s/%s", dirs[0],
					    found[k]->d_name) >= 0 &&
				    access(path, F_OK) == 0)
					printf("%-16s %s (hidden by the one above)\n", name,
					       "shipped");
				else
					printf("%-16s %s\n", name, i ? "shipped" : dirs[i]);
			}
			free(found[k]);
		}
		free(found);
	}
	printf("%-16s %s\n", "none", "no filter at all");
	return CTL_OK;
}

int ctl_policy(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct options o = {NULL, NULL, NULL};

	if (strcmp(verb, "list") == 0 && argc == 2)
		return list();
	if (strcmp(verb, "show") == 0 && parse(argc - 1, argv + 1, false, &o))
		return show(o.file);
	if (strcmp(verb, "check") == 0 && parse(argc - 1, argv + 1, true, &o))
		return install_or_check(&o, false);
	if (strcmp(verb, "install") == 0 && parse(argc - 1, argv + 1, true, &o))
		return install_or_check(&o, true);
	return usage();
}
