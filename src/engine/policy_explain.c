/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled policy in words: a row for each door, with what each ABI says where they differ. Doors
 * that lead out of the sandbox and stand open are warned of on stderr. All is asked of the program
 * itself (policy/doors.h), so it holds for whoever compiled it.
 *
 * Called by engine/policy.c.
 */
#include "engine/policy_explain.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "policy/compile.h"
#include "policy/doors.h"

/* A compiled program that is to be explained, and where it comes from. */
struct subject {
	const char *file;
	const struct policy_header *header;
	const struct sock_filter *insns;
	uint32_t abis[3]; /* those whose programs run */
	size_t n_abis;
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
	}
	if (!any)
		return;
	say("  %-24s", door->name);
	if (same) {
		say("%s", action_words(first, buf, sizeof(buf)));
		for (size_t i = 0; i < s->n_abis; i++)
			if (!has[i])
				say("; %s has none", policy_abi_name(s->abis[i]));
	} else {
		const char *sep = "";

		for (size_t i = 0; i < s->n_abis; i++) {
			if (!has[i])
				continue;
			say("%s%s: %s", sep, policy_abi_name(s->abis[i]),
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
		say("%s", shown ? "all" : "none");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		const char *name = netlink ? policy_netlink_name(i) : policy_family_name(i);

		if (name && (open >> i & 1))
			say("%s%s", name, --shown ? ", " : "");
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
		say("  %-24s", netlink ? "open netlink protocols" : "open socket families");
		if (!same)
			say("%s: ", policy_abi_name(s->abis[i]));
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
			say("  %-24s%s\n", name, "runs; calls newer than the table: ENOSYS");
		} else {
			say("  %-24s%s\n", name, "its programs are killed");
		}
	}
}

static void explain_caps(uint64_t caps)
{
	char words[1024];

	policy_caps_words(caps, words, sizeof(words));
	say("  %-24s%s\n", "as root keeps", words);
}

void policy_explain(const char *file, const struct policy_header *header,
		    const struct sock_filter *insns)
{
	struct subject s = {.file = file, .header = header, .insns = insns};

	say("policy '%s': %u instructions\n", header->name, header->n_insns);
	explain_abis(&s);
	explain_sockets(&s, false);
	explain_sockets(&s, true);
	for (size_t i = 0; i < policy_doors_count; i++)
		explain_door(&s, &policy_doors[i]);
	explain_caps(header->root_caps);
}
