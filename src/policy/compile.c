/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiles a policy: libseccomp resolves the names for each ABI, the code is our own. Per ABI the
 * numbers become ranges of equal fate and a binary tree over them, because a launch pays for every
 * instruction (the kernel checks, converts and compiles them, then runs the program for each
 * number to build its cache): libseccomp's linear export is several times longer.
 *
 * What no file can say is decided here. An ABI that is not listed: the process is killed; x32,
 * whose numbers hide in x86-64's: ENOSYS, as from kernels without it. A number above the highest
 * one that this build knows: ENOSYS, whatever the default, because a new call may be a new door,
 * and programs take ENOSYS for an older kernel. On a 32-bit ABI only the low half of an argument is
 * looked at: the kernel shows a filter the whole register, and uses half of it.
 *
 * Called by the build-time compiler, vpnctl and tests; never linked into vpnrun or the broker.
 */
#include "policy/compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "policy/emit.h"

#define SCAN_MAX  1024 /* no table has come near */
#define X32_BIT	  0x40000000U
#define ARM_PRIV  0x000f0000U
#define ARM_NPRIV 16
/* Measured: longer runs of single tests make loading no faster. */
#define POINTS_MAX    4
#define ENOSYS_ACTION (SECCOMP_RET_ERRNO | ENOSYS)

/* What happens to the numbers from start on: chain < 0 is a plain action. */
struct seg {
	uint32_t start;
	uint32_t action;
	int chain;
};

struct hit {
	uint32_t nr;
	size_t rule;
};

struct abi {
	uint32_t token;
	bool wide; /* 64-bit arguments */
	unsigned highest;
	struct hit *hits;
	size_t n_hits;
	struct seg *segs;
	size_t n_segs;
};

struct compiler {
	struct policy *p;
	struct emit *a;
	struct abi abi;
	/* Labels of the chains of the present ABI, by the index of their first hit. */
	unsigned *chain_at;
};

size_t policy_abis(uint32_t native, uint32_t ret[3])
{
	switch (native) {
	case SCMP_ARCH_X86_64:
	case SCMP_ARCH_X86:
		ret[0] = native;
		ret[1] = native == SCMP_ARCH_X86 ? SCMP_ARCH_X86_64 : SCMP_ARCH_X86;
		ret[2] = SCMP_ARCH_X32;
		return 3;
	case SCMP_ARCH_AARCH64:
	case SCMP_ARCH_ARM:
		ret[0] = native;
		ret[1] = native == SCMP_ARCH_ARM ? SCMP_ARCH_AARCH64 : SCMP_ARCH_ARM;
		return 2;
	default:
		ret[0] = native;
		return 1;
	}
}

const char *policy_abi_name(uint32_t abi)
{
	switch (abi) {
	case SCMP_ARCH_X86_64:
		return "x86-64";
	case SCMP_ARCH_X86:
		return "i386";
	case SCMP_ARCH_X32:
		return "x32";
	case SCMP_ARCH_AARCH64:
		return "aarch64";
	case SCMP_ARCH_ARM:
		return "arm";
	default:
		return "native";
	}
}

static bool number_is(uint32_t abi, unsigned nr, const char *name)
{
	char *s = seccomp_syscall_resolve_num_arch(abi, (int)nr);
	bool same = s && (!name || strcmp(s, name) == 0);

	free(s);
	return same;
}

int policy_syscall_number(uint32_t abi, const char *name)
{
	int nr;

	if (abi == SCMP_ARCH_X32) {
		/* x32's "no such call" would look like a number with all high bits set. */
		nr = seccomp_syscall_resolve_name_arch(abi, name);
		return nr > 0 && (uint32_t)nr < X32_BIT + SCAN_MAX ? nr : -1;
	}
	nr = seccomp_syscall_resolve_name_arch(abi, name);
	if (nr >= 0)
		return nr;
	/* On i386, a call that socketcall or ipc multiplexes resolves to a pseudo number, though
	 * most have a number of their own since Linux 4.3. Only the table from number to name has
	 * those. */
	if (nr <= -100 && nr > -300)
		for (unsigned i = 0; i < SCAN_MAX; i++)
			if (number_is(abi, i, name))
				return (int)i;
	return -1;
}

unsigned policy_syscall_highest(uint32_t abi)
{
	uint32_t base = abi == SCMP_ARCH_X32 ? X32_BIT : 0;
	unsigned nr = SCAN_MAX;

	while (nr > 0 && !number_is(abi, base + nr, NULL))
		nr--;
	return base + nr;
}

static int by_number(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static int abi_resolve(struct abi *abi, const struct policy *p, uint32_t token, struct err *e)
{
	for (size_t i = 0; i < p->n_rules; i++) {
		int nr = policy_syscall_number(token, p->rules[i].name);

		if (nr >= 0)
			abi->hits[abi->n_hits++] = (struct hit){(uint32_t)nr, i};
	}
	if (p->n_rules > 0)
		qsort(abi->hits, abi->n_hits, sizeof(*abi->hits), by_number);
	/* First and last are compared only where one call has several rules. */
	for (size_t i = 0; i + 1 < abi->n_hits; i++) {
		const struct policy_rule *x = &p->rules[abi->hits[i].rule];

		for (size_t k = i + 1; k < abi->n_hits && abi->hits[k].nr == abi->hits[i].nr; k++) {
			const struct policy_rule *y = &p->rules[abi->hits[k].rule];

			if (x->action != y->action && (x->n_args == 0 || y->n_args == 0))
				return err_set(e, -EINVAL,
					       "%s: syscalls[%zu] and syscalls[%zu] "
					       "say different things of all its calls; engines "
					       "differ on which wins",
					       x->name, x->entry, y->entry);
		}
	}
	return 0;
}

static void seg_add(struct abi *abi, uint32_t start, uint32_t action, int chain)
{
	struct seg *last = abi->n_segs ? &abi->segs[abi->n_segs - 1] : NULL;

	if (last && last->start == start)
		abi->n_segs--;
	last = abi->n_segs ? &abi->segs[abi->n_segs - 1] : NULL;
	if (last && last->chain == chain && (chain >= 0 || last->action == action))
		return;
	abi->segs[abi->n_segs++] = (struct seg){start, action, chain};
}

/* The fate of the numbers from start on that no rule names. */
static void seg_default(struct abi *abi, const struct policy *p, uint32_t start)
{
	unsigned highest = abi->highest;

	if (abi->token == SCMP_ARCH_ARM && start > highest && start < ARM_PRIV + ARM_NPRIV) {
		if (start < ARM_PRIV) {
			seg_add(abi, start, ENOSYS_ACTION, -1);
			start = ARM_PRIV;
		}
		seg_add(abi, start, p->default_action, -1);
		seg_add(abi, ARM_PRIV + ARM_NPRIV, ENOSYS_ACTION, -1);
		return;
	}
	if (start <= highest) {
		seg_add(abi, start, p->default_action, -1);
		start = highest + 1;
	}
	seg_add(abi, start, ENOSYS_ACTION, -1);
	if (abi->token == SCMP_ARCH_ARM)
		seg_default(abi, p, start);
}

static bool same_rules(const struct compiler *c, size_t x, size_t y)
{
	const struct abi *abi = &c->abi;
	uint32_t nx = abi->hits[x].nr, ny = abi->hits[y].nr;

	for (;; x++, y++) {
		bool in_x = x < abi->n_hits && abi->hits[x].nr == nx;
		bool in_y = y < abi->n_hits && abi->hits[y].nr == ny;
		const struct policy_rule *a, *b;

		if (!in_x || !in_y)
			return in_x == in_y;
		a = &c->p->rules[abi->hits[x].rule];
		b = &c->p->rules[abi->hits[y].rule];
		if (a->action != b->action || a->n_args != b->n_args ||
		    memcmp(a->args, b->args, sizeof(a->args)) != 0)
			return false;
	}
}

static void abi_segments(struct compiler *c)
{
	struct abi *abi = &c->abi;

	seg_default(abi, c->p, 0);
	for (size_t i = 0; i < abi->n_hits;) {
		uint32_t nr = abi->hits[i].nr;
		const struct policy_rule *plain = NULL;
		size_t first = i, chain = 0;

		for (; i < abi->n_hits && abi->hits[i].nr == nr; i++)
			if (c->p->rules[abi->hits[i].rule].n_args == 0)
				plain = &c->p->rules[abi->hits[i].rule];
		while (chain < first && !same_rules(c, chain, first))
			chain++;
		/* What follows nr was the default's: cut there, name it, and go on. */
		while (abi->n_segs > 1 && abi->segs[abi->n_segs - 1].start > nr)
			abi->n_segs--;
		seg_add(abi, nr, plain ? plain->action : 0, plain ? -1 : (int)chain);
		seg_default(abi, c->p, nr + 1);
	}
	/* An end mark: the width of the last one is 0 - start. */
	abi->segs[abi->n_segs].start = 0;
}

static uint32_t offset_of(unsigned index, bool high)
{
	uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) + index * 8;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return at + (high ? 4 : 0);
#else
	return at + (high ? 0 : 4);
#endif
}

static unsigned gen_masked_half(struct emit *a, const struct policy_arg *arg, bool high,
				unsigned yes, unsigned no)
{
	uint32_t mask = (uint32_t)(high ? arg->value >> 32 : arg->value);
	uint32_t want = (uint32_t)(high ? arg->value_two >> 32 : arg->value_two);

	/* A jump of two equal ends writes nothing, and there is nothing to load for it then. */
	if (mask == 0 || yes == no)
		return yes;
	emit_jump(a, BPF_JEQ, want, yes, no);
	if (mask != UINT32_MAX)
		emit_and(a, mask);
	return emit_load(a, offset_of(arg->index, high));
}

static unsigned gen_arg(struct compiler *c, const struct policy_arg *arg, unsigned yes, unsigned no)
{
	uint32_t hi = (uint32_t)(arg->value >> 32), lo = (uint32_t)arg->value;
	unsigned op = BPF_JEQ, at;
	struct emit *a = c->a;

	if (arg->op == POLICY_MASKED) {
		at = gen_masked_half(a, arg, false, yes, no);
		return c->abi.wide ? gen_masked_half(a, arg, true, at, no) : at;
	}
	if (arg->op == POLICY_NE || arg->op == POLICY_LT || arg->op == POLICY_LE) {
		unsigned swap = yes;

		yes = no;
		no = swap;
	}
	if (arg->op == POLICY_GE || arg->op == POLICY_LT)
		op = BPF_JGE;
	if (arg->op == POLICY_GT || arg->op == POLICY_LE)
		op = BPF_JGT;
	if (yes == no)
		return yes;
	emit_jump(a, op, lo, yes, no);
	at = emit_load(a, offset_of(arg->index, false));
	if (!c->abi.wide)
		return at;
	at = emit_jump(a, BPF_JEQ, hi, at, no);
	if (op != BPF_JEQ)
		emit_jump(a, BPF_JGT, hi, yes, at);
	return emit_load(a, offset_of(arg->index, true));
}

/* Rules of one call, in the file's order; the first that matches decides. */
static unsigned gen_chain(struct compiler *c, size_t first)
{
	const struct abi *abi = &c->abi;
	size_t end = first;
	unsigned next;

	while (end < abi->n_hits && abi->hits[end].nr == abi->hits[first].nr)
		end++;
	next = emit_ret(c->a, c->p->default_action);
	while (end-- > first) {
		const struct policy_rule *rule = &c->p->rules[abi->hits[end].rule];
		unsigned at = emit_ret(c->a, rule->action);

		for (size_t i = rule->n_args; i-- > 0;)
			at = gen_arg(c, &rule->args[i], at, next);
		next = at;
	}
	return next;
}

static unsigned gen_leaf(struct compiler *c, const struct seg *s)
{
	if (s->chain < 0)
		return emit_ret(c->a, s->action);
	if (c->chain_at[s->chain] == 0)
		c->chain_at[s->chain] = gen_chain(c, (size_t)s->chain);
	return c->chain_at[s->chain];
}

static bool same_fate(const struct seg *a, const struct seg *b)
{
	return a->chain == b->chain && (a->chain >= 0 || a->action == b->action);
}

/* Few single numbers in a stretch of one fate: one test each, no tree. */
static bool gen_points(struct compiler *c, const struct seg *s, size_t n, unsigned *ret)
{
	size_t base = 0, points = 0;
	unsigned at;

	while (base < n - 1 && s[base + 1].start - s[base].start == 1)
		base++;
	for (size_t i = 0; i < n; i++) {
		if (same_fate(&s[i], &s[base]))
			continue;
		if (s[i + 1].start - s[i].start != 1 || ++points > POINTS_MAX)
			return false;
	}
	at = gen_leaf(c, &s[base]);
	for (size_t i = n; i-- > 0;)
		if (!same_fate(&s[i], &s[base]))
			at = emit_jump(c->a, BPF_JEQ, s[i].start, gen_leaf(c, &s[i]), at);
	*ret = at;
	return true;
}

static unsigned gen_tree(struct compiler *c, const struct seg *s, size_t n)
{
	size_t mid = n / 2;
	unsigned left, right;

	if (gen_points(c, s, n, &left))
		return left;
	right = gen_tree(c, s + mid, n - mid);
	left = gen_tree(c, s, mid);
	return emit_jump(c->a, BPF_JGE, s[mid].start, right, left);
}

static int gen_abi(struct compiler *c, uint32_t token, unsigned *ret, struct err *e)
{
	struct abi *abi = &c->abi;
	int rc;

	abi->token = token;
	/* x32 programs have 64-bit registers though their token says nothing of it. */
	abi->wide = token == SCMP_ARCH_X32 || (token & __AUDIT_ARCH_64BIT) != 0;
	abi->highest = policy_syscall_highest(token);
	abi->n_hits = abi->n_segs = 0;
	rc = abi_resolve(abi, c->p, token, e);
	if (rc < 0)
		return rc;
	memset(c->chain_at, 0, (c->p->n_rules + 1) * sizeof(*c->chain_at));
	abi_segments(c);
	*ret = gen_tree(c, abi->segs, abi->n_segs);
	return 0;
}

static bool listed(const struct policy *p, uint32_t token)
{
	for (size_t i = 0; i < p->n_archs; i++)
		if (p->archs[i] == token)
			return true;
	return false;
}

static int generate(struct compiler *c, uint32_t native, struct err *e)
{
	uint32_t abis[3];
	unsigned at[3] = {0}, next, x32;
	size_t n = policy_abis(native, abis);
	int rc = 0;

	emit_init(c->a);
	for (size_t i = n; i-- > 0;) {
		if (abis[i] == SCMP_ARCH_X32 || (i > 0 && !listed(c->p, abis[i])))
			continue;
		rc = gen_abi(c, abis[i], &at[i], e);
		/* x32 has the arch word of x86-64, and a bit in the number. */
		if (rc == 0 && abis[i] == SCMP_ARCH_X86_64 && listed(c->p, SCMP_ARCH_X32)) {
			rc = gen_abi(c, SCMP_ARCH_X32, &x32, e);
			if (rc == 0)
				at[i] = emit_jump(c->a, BPF_JGE, X32_BIT, x32, at[i]);
		}
		if (rc < 0)
			return rc;
		emit_goto(c->a, at[i]);
		at[i] = emit_load(c->a, (uint32_t)offsetof(struct seccomp_data, nr));
	}
	next = emit_ret(c->a, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = n; i-- > 0;)
		if (at[i] != 0)
			next = emit_jump(c->a, BPF_JEQ, abis[i], at[i], next);
	emit_load(c->a, (uint32_t)offsetof(struct seccomp_data, arch));
	return 0;
}

static int warn_unknown(struct policy *p)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->n_rules; i++) {
		const char *name = p->rules[i].name;

		if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
			rc = policy_warn(p,
					 "syscalls[%zu]: '%s' is not a system call that this "
					 "build knows: the rule does nothing",
					 p->rules[i].entry, name);
	}
	return rc;
}

int policy_compile(struct policy *p, const struct policy_target *t, struct policy_program *ret,
		   struct err *e)
{
	const char *name = t->name;
	AUTO_FREE struct emit *a = malloc(sizeof(*a));
	AUTO_FREE struct hit *hits = calloc(p->n_rules + 1, sizeof(*hits));
	AUTO_FREE struct seg *segs = calloc(4 * p->n_rules + 16, sizeof(*segs));
	AUTO_FREE unsigned *chain_at = calloc(p->n_rules + 1, sizeof(*chain_at));
	struct compiler c = {.p = p, .a = a, .chain_at = chain_at};
	unsigned n;
	int rc;

	if (!a || !hits || !segs || !chain_at)
		return err_set(e, -ENOMEM, "out of memory");
	if (!policy_name_ok(name))
		return err_set(e, -EINVAL,
			       "'%s' cannot be a policy's name: 1 to %d of a-z, 0-9 "
			       "and '-', and not 'none'",
			       name, POLICY_NAME_MAX);
	c.abi.hits = hits;
	c.abi.segs = segs;
	rc = generate(&c, t->native, e);
	if (rc < 0)
		return rc;
	if (a->overflow)
		return err_set(e, -E2BIG, "the program would exceed the kernel's %d instructions",
			       POLICY_INSNS_MAX);
	if (warn_unknown(p) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	n = POLICY_INSNS_MAX - a->pos;
	memset(&ret->header, 0, sizeof(ret->header));
	memcpy(ret->header.magic, POLICY_MAGIC, sizeof(POLICY_MAGIC));
	ret->header.version = POLICY_VERSION;
	ret->header.arch = t->native;
	memcpy(ret->header.name, name, strlen(name));
	ret->header.n_insns = n;
	ret->header.load_flags = p->load_flags;
	ret->header.root_caps = t->root_caps;
	memcpy(ret->insns, a->code + a->pos, n * sizeof(*ret->insns));
	return 0;
}

size_t policy_program_size(const struct policy_program *prog)
{
	return sizeof(prog->header) + prog->header.n_insns * sizeof(prog->insns[0]);
}
