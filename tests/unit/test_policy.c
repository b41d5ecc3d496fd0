/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policies as programs: ours against libseccomp's export of the same file, call by call, on
 * every ABI; the doors that a policy must close, asked of the program itself; the parser's and the
 * loader's refusals. `test_policy --bench` measures what loading each of the two costs.
 *
 * Runs from the top of the tree as any user. TAP on stdout.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "box/seccomp.h"
#include "policy/compile.h"
#include "policy/sim.h"
#include "tap.h"

static uint64_t random_state = 88172645463325252U;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* --- a policy, and libseccomp's program for it ------------------------------------------------ */

static struct policy parse_file(const char *path)
{
	struct err e = ERR_INIT;
	struct policy p = {0};
	char *text;
	size_t len;

	if (file_read(path, POLICY_FILE_MAX, &text, &len, &e) < 0 ||
	    policy_oci_parse(path, text, len, &p, &e) < 0) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	free(text);
	return p;
}

static uint32_t to_scmp(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return SCMP_ACT_ALLOW;
	case SECCOMP_RET_ERRNO:
		return SCMP_ACT_ERRNO(action & SECCOMP_RET_DATA);
	default:
		return SCMP_ACT_KILL_PROCESS;
	}
}

static void add_to_libseccomp(scmp_filter_ctx ctx, const struct policy_rule *r)
{
	static const enum scmp_compare ops[] = {
		[POLICY_EQ] = SCMP_CMP_EQ,
		[POLICY_NE] = SCMP_CMP_NE,
		[POLICY_LT] = SCMP_CMP_LT,
		[POLICY_LE] = SCMP_CMP_LE,
		[POLICY_GT] = SCMP_CMP_GT,
		[POLICY_GE] = SCMP_CMP_GE,
		[POLICY_MASKED] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp cmp[6];
	int nr = seccomp_syscall_resolve_name(r->name);

	if (nr == __NR_SCMP_ERROR)
		return;
	for (size_t i = 0; i < r->n_args; i++)
		cmp[i] = (struct scmp_arg_cmp){r->args[i].index, ops[r->args[i].op],
					       r->args[i].value, r->args[i].value_two};
	seccomp_rule_add_array(ctx, to_scmp(r->action), nr, (unsigned)r->n_args, cmp);
}

static size_t export_libseccomp(const struct policy *p, uint32_t native, struct sock_filter *out)
{
	scmp_filter_ctx ctx = seccomp_init(to_scmp(p->default_action));
	int fd = memfd_create("export", MFD_CLOEXEC);
	uint32_t abis[3];
	size_t n = policy_abis(native, abis);
	ssize_t len;

	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (native != seccomp_arch_native()) {
		seccomp_arch_add(ctx, native);
		seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < p->n_archs; k++)
			if (p->archs[k] == abis[i])
				seccomp_arch_add(ctx, abis[i]);
	for (size_t i = 0; i < p->n_rules; i++)
		add_to_libseccomp(ctx, &p->rules[i]);
	seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	len = pread(fd, out, POLICY_INSNS_MAX * sizeof(*out), 0);
	close(fd);
	return len < 0 ? 0 : (size_t)len / sizeof(*out);
}

/* --- equivalence ------------------------------------------------------------------------------ */

struct pair {
	const struct policy *p;
	const int *numbers; /* of the rules' calls, in the ABI that is looked at */
	const struct policy_program *ours;
	const struct sock_filter *theirs;
	size_t n_theirs;
	unsigned long compared, different;
};

static void compare(struct pair *c, const struct seccomp_data *d, const char *name)
{
	uint32_t a = policy_sim(c->ours->insns, c->ours->header.n_insns, d);
	uint32_t b = policy_sim(c->theirs, c->n_theirs, d);

	c->compared++;
	if (a != b && c->different++ < 5)
		printf("# %s: call %d (%s) args %llx %llx %llx: ours %#x, libseccomp's %#x\n",
		       policy_abi_name(d->arch), d->nr, name, (unsigned long long)d->args[0],
		       (unsigned long long)d->args[1], (unsigned long long)d->args[2], a, b);
}

/* Values on which some rule of the call turns, their neighbours, and each with high bits set. */
static size_t turning_points(const struct pair *c, int nr, unsigned index, uint64_t *out,
			     size_t max)
{
	const struct policy *p = c->p;
	size_t n = 0;

	out[n++] = 0;
	out[n++] = UINT64_MAX;
	for (size_t i = 0; i < p->n_rules && n + 8 <= max; i++) {
		const struct policy_rule *r = &p->rules[i];

		for (size_t k = 0; k < r->n_args && n + 8 <= max; k++) {
			uint64_t v = r->args[k].op == POLICY_MASKED ? r->args[k].value_two
								    : r->args[k].value;

			if (r->args[k].index != index || c->numbers[i] != nr)
				continue;
			out[n++] = v;
			out[n++] = v + 1;
			out[n++] = v - 1;
			out[n++] = v | 1ULL << 32;
			out[n++] = v ^ 1ULL << (next_random() % 64);
			out[n++] = r->args[k].value;
			out[n++] = next_random();
		}
	}
	return n;
}

static void compare_call(struct pair *c, uint32_t abi, int nr, const char *name)
{
	static uint64_t values[6][1024];
	struct seccomp_data d = {.nr = nr, .arch = abi};
	size_t n[6], all = 0;

	compare(c, &d, name);
	for (unsigned i = 0; i < 6; i++) {
		n[i] = turning_points(c, nr, i, values[i], ARRAY_SIZE(values[i]));
		all += n[i] > 2 ? n[i] * 40 : 0;
	}
	for (size_t k = 0; k < all; k++) {
		for (unsigned i = 0; i < 6; i++)
			d.args[i] = values[i][next_random() % n[i]];
		compare(c, &d, name);
	}
}

/* libseccomp looks through the whole of its table for each. */
static const char *call_name(uint32_t abi, unsigned int nr)
{
	static struct {
		uint32_t abi;
		char *names[1024];
	} known[8];
	size_t i = 0;

	while (known[i].abi && known[i].abi != abi)
		i++;
	known[i].abi = abi;
	if (!known[i].names[nr])
		known[i].names[nr] = seccomp_syscall_resolve_num_arch(abi, (int)nr);
	return known[i].names[nr];
}

static void test_same(const char *path, const struct policy *p, const struct policy_program *prog,
		      const struct sock_filter *theirs, size_t n_theirs)
{
	int *numbers = calloc(p->n_rules + 1, sizeof(*numbers));
	struct pair c = {p, numbers, prog, theirs, n_theirs, 0, 0};
	unsigned long bad = 0;
	uint32_t abis[3];
	size_t n = policy_abis(prog->header.arch, abis);

	for (size_t i = 0; i < n; i++) {
		bool listed = i == 0;
		unsigned highest;

		for (size_t k = 0; k < p->n_archs; k++)
			listed |= p->archs[k] == abis[i];
		if (!listed || abis[i] == SCMP_ARCH_X32)
			continue;
		for (size_t k = 0; k < p->n_rules; k++)
			numbers[k] = policy_syscall_number(abis[i], p->rules[k].name);
		highest = policy_syscall_highest(abis[i]);
		for (unsigned nr = 0; nr <= highest; nr++) {
			const char *name = call_name(abis[i], nr);

			/* libseccomp splits i386's multiplexers by rules for what is behind them;
			 * here each call is what its number says. */
			if (!name || (strcmp(name, "socketcall") != 0 && strcmp(name, "ipc") != 0))
				compare_call(&c, abis[i], (int)nr, name ? name : "no call");
		}
		for (unsigned k = 0; k < 2000; k++) {
			struct seccomp_data d = {.arch = abis[i]};
			uint32_t got;

			d.nr = k < 1000 ? (int)(highest + 1 + k)
					: (int)(next_random() | 0x40000000);
			got = policy_sim(prog->insns, prog->header.n_insns, &d);
			if ((uint32_t)d.nr - 0xf0000U < 16 || (uint32_t)d.nr <= highest)
				continue;
			bad += got != (SECCOMP_RET_ERRNO | ENOSYS);
		}
	}
	ok(c.different == 0, "%s (%s): %lu calls judged as libseccomp's %zu instructions do, in %u",
	   path, policy_abi_name(prog->header.arch), c.compared, n_theirs, prog->header.n_insns);
	ok(bad == 0, "%s (%s): numbers above the table, and x32's, are ENOSYS", path,
	   policy_abi_name(prog->header.arch));
	free(numbers);
}

/* --- what must be closed ---------------------------------------------------------------------- */

static uint32_t ask(const struct policy_program *prog, uint32_t abi, const char *name, uint64_t a0,
		    uint64_t a1, uint64_t a2)
{
	struct seccomp_data d = {.arch = abi, .args = {a0, a1, a2}};

	d.nr = policy_syscall_number(abi, name);
	if (d.nr < 0)
		return SECCOMP_RET_ERRNO | ENOSYS;
	return policy_sim(prog->insns, prog->header.n_insns, &d);
}

static void test_doors(const char *name, const struct policy_program *prog)
{
	static const char *const never[] = {"setns",
					    "socketcall",
					    "io_uring_setup",
					    "keyctl",
					    "bpf",
					    "io_uring_enter",
					    "add_key",
					    "request_key",
					    "perf_event_open",
					    "userfaultfd",
					    "open_by_handle_at",
					    "kexec_load",
					    "init_module",
					    "reboot"};
	uint32_t abis[3];
	size_t n = policy_abis(prog->header.arch, abis);

	for (size_t i = 0; i < n && abis[i] != SCMP_ARCH_X32; i++) {
		unsigned open = 0, shut = 0, tty = 0, doors = 0;
		const char *abi = policy_abi_name(abis[i]);

		for (uint64_t f = 0; f < 300; f++) {
			bool honest = f == 1 || f == 2 || f == 10 || f == 16;

			for (uint64_t high = 0; high < 2; high++) {
				uint32_t got = ask(prog, abis[i], "socket", f | high << 32, 1, 0);

				if (got == SECCOMP_RET_ALLOW)
					open += !honest;
				else
					shut += honest && !high;
			}
			open += f != 1 &&
				ask(prog, abis[i], "socketpair", f, 1, 0) == SECCOMP_RET_ALLOW;
			open += f != 0 && f != 4 && f != 15 &&
				ask(prog, abis[i], "socket", 16, 3, f) == SECCOMP_RET_ALLOW;
		}
		for (uint64_t high = 0; high < 3; high++) {
			tty += ask(prog, abis[i], "ioctl", 0, 0x5412 | high << 32, 0) ==
			       SECCOMP_RET_ALLOW;
			tty += ask(prog, abis[i], "ioctl", 0, 0x541c | high << 63, 0) ==
			       SECCOMP_RET_ALLOW;
		}
		for (size_t k = 0; k < ARRAY_SIZE(never); k++)
			doors += !(strcmp(name, "i386") == 0 &&
				   strcmp(never[k], "socketcall") == 0) &&
				 ask(prog, abis[i], never[k], 0, 0, 0) == SECCOMP_RET_ALLOW;
		ok(open == 0 && shut == 0, "L11 %s on %s: only AF_UNIX, INET, INET6, NETLINK", name,
		   abi);
		ok(tty == 0, "L31 %s on %s: TIOCSTI and TIOCLINUX closed, whatever the high bits",
		   name, abi);
		ok(doors == 0, "L12 %s on %s: setns, socketcall, io_uring, keys, bpf … closed",
		   name, abi);
	}
}

/* The policy for 32-bit programs differs from the default by one call alone. */
static void test_i386(const struct policy_program *def, const struct policy_program *i386)
{
	unsigned long different = 0, compared = 0;
	int socketcall = policy_syscall_number(SCMP_ARCH_X86, "socketcall");
	uint32_t abis[3];
	size_t n = policy_abis(def->header.arch, abis);

	for (size_t i = 0; i < n; i++) {
		for (int nr = 0; nr < 600; nr++) {
			for (int k = 0; k < 400; k++) {
				struct seccomp_data d = {.nr = nr, .arch = abis[i]};

				if (abis[i] == SCMP_ARCH_X86 && nr == socketcall)
					continue;
				for (int a = 0; a < 3; a++)
					d.args[a] = (__u64)(k < 64 ? (uint64_t)k
								   : next_random() >> (k % 60));
				if (nr == 16 || nr == 54)
					d.args[1] = 0x5400 + (uint64_t)k % 128;
				compared++;
				different += policy_sim(def->insns, def->header.n_insns, &d) !=
					     policy_sim(i386->insns, i386->header.n_insns, &d);
			}
		}
	}
	ok(different == 0, "W4 i386 judges %lu calls as default does (%s)", compared,
	   policy_abi_name(def->header.arch));
	if (n == 3)
		ok(ask(i386, SCMP_ARCH_X86, "socketcall", 1, 0, 0) == SECCOMP_RET_ALLOW &&
			   ask(def, SCMP_ARCH_X86, "socketcall", 1, 0, 0) ==
				   (SECCOMP_RET_ERRNO | ENOSYS),
		   "W4 but for socketcall");
}

/* --- parser, compiler and loader -------------------------------------------------------------- */

static void test_refused(const char *text, const char *expect)
{
	struct policy p = {0};
	struct err e = ERR_INIT;
	struct policy_program *prog = calloc(1, sizeof(*prog));
	int rc = policy_oci_parse("f.json", text, strlen(text), &p, &e);

	if (rc == 0)
		rc = policy_compile(&p, &(struct policy_target){"x", POLICY_ARCH, 0}, prog, &e);
	ok(rc < 0 && strstr(e.msg, expect), "refused: %s", rc < 0 ? e.msg : text);
	policy_free(&p);
	free(prog);
}

static void test_parser(void)
{
#define CALL(s) \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"ioctl\"]," s "}]}"
	test_refused("{", "f.json:1:");
	test_refused("[]", "JSON object");
	test_refused("{}", "defaultAction: missing");
	test_refused("{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "supervisor");
	test_refused("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
		     "listenerPath");
	test_refused("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"X86\"]}",
		     "architectures[0]");
	test_refused(CALL("\"action\":\"SCMP_ACT_ERRNO\",\"excludes\":{}"), "syscalls[0].excludes");
	test_refused(CALL("\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":-1"), "errnoRet");
	test_refused(CALL("\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1"), "errnoRet");
	test_refused(
		CALL("\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]"),
		"args[0].index");
	test_refused(CALL("\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":1,\"op\":\"EQ\"}]"),
		     "args[0].op");
	test_refused(CALL("\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":1,\"value\":1,"
			  "\"op\":\"SCMP_CMP_NE\"},{\"index\":1,\"value\":2,"
			  "\"op\":\"SCMP_CMP_NE\"}]"),
		     "same argument twice");
	test_refused(CALL("\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":1,\"value\":1,"
			  "\"valueTwo\":2,\"op\":\"SCMP_CMP_MASKED_EQ\"}]"),
		     "never match");
	test_refused(CALL("\"action\":\"SCMP_ACT_KILL\"},{\"names\":[\"ioctl\"],\"action\":"
			  "\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		     "different things");
}

/* A chain far longer than a jump reaches, in the middle of a full table. */
static void test_long(void)
{
	static struct policy_program prog;
	static struct sock_filter theirs[POLICY_INSNS_MAX];
	struct err e = ERR_INIT;
	struct policy p = {0};
	size_t len, n;
	char *text;
	FILE *f = open_memstream(&text, &len);

	fputs("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86\","
	      "\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_ARM\",\"SCMP_ARCH_AARCH64\"],\"syscalls\":[",
	      f);
	for (int i = 0; i < 300; i += 2) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, i);

		if (strcmp(name, "ioctl") != 0)
			fprintf(f,
				"{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":"
				"%d},",
				name, 50 + i % 7);
		free(name);
	}
	for (int i = 0; i < 150; i++)
		fprintf(f,
			"%s{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
			"\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":%lld}]}",
			i ? "," : "", i * 7LL + ((long long)(i % 3) << 33));
	fputs("]}", f);
	fclose(f);
	if (policy_oci_parse("long", text, len, &p, &e) < 0 ||
	    policy_compile(&p, &(struct policy_target){"long", SCMP_ARCH_X86_64, 0}, &prog, &e) <
		    0) {
		ok(false, "long: %s", e.msg);
		return;
	}
	n = export_libseccomp(&p, SCMP_ARCH_X86_64, theirs);
	test_same("jumps beyond 255", &p, &prog, theirs, n);
	policy_free(&p);
	free(text);
}

static void spoil(const char *dir, const struct policy_program *prog, size_t len, const char *name,
		  const char *file, const char *expect)
{
	const char *const dirs[] = {"/nonexistent", dir, NULL};
	static struct box_policy p;
	struct err e = ERR_INIT;
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/%s.bpf", dir, file);
	rc = file_replace(path, prog, len, 0644, &e);
	if (rc == 0)
		rc = box_seccomp_read(dirs, name, &p, &e);
	if (!expect)
		ok(rc == 0 && p.header.n_insns == prog->header.n_insns,
		   "loader: a whole file is read");
	else
		ok(rc < 0 && strstr(e.msg, expect), "loader: %s", rc < 0 ? e.msg : "took it");
	unlink(path);
}

static void test_loader(const struct policy_program *good)
{
	static struct policy_program bad[2];
	size_t len = policy_program_size(good);
	char dir[] = "/tmp/test_policy.XXXXXX";

	if (!mkdtemp(dir)) {
		ok(false, "loader: a temporary directory");
		return;
	}
	spoil(dir, good, len, "default", "default", NULL);
	spoil(dir, good, len - 1, "default", "default", "damaged");
	spoil(dir, good, 40, "default", "default", "not a compiled policy");
	spoil(dir, good, 0, "default", "default", "not a compiled policy");
	spoil(dir, good, len + 8, "default", "default", "damaged");
	spoil(dir, good, len, "other", "default", "there are: default, none");
	spoil(dir, good, len, "../default", "default", "no policy");
	spoil(dir, good, len, "mine", "mine", "holds the policy 'default'");
	bad[0] = *good;
	bad[0].header.version++;
	spoil(dir, bad, len, "default", "default", "format");
	bad[0] = *good;
	bad[0].header.arch ^= 1;
	spoil(dir, bad, len, "default", "default", "another machine");
	bad[0] = *good;
	bad[0].header.load_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	spoil(dir, bad, len, "default", "default", "unknown flags");
	bad[0] = *good;
	bad[0].header.n_insns = 0;
	spoil(dir, bad, sizeof(bad[0].header), "default", "default", "damaged");
	bad[0].header.n_insns = UINT32_MAX;
	spoil(dir, bad, len, "default", "default", "damaged");
	bad[0].header.n_insns = POLICY_INSNS_MAX;
	spoil(dir, bad, sizeof(bad[0]) + 64, "default", "default", "damaged");
	rmdir(dir);
}

/* --- what a launch pays ----------------------------------------------------------------------- */

static double load_us(const struct sock_filter *insns, size_t n)
{
	struct timespec a, b;
	double *us = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double out;
	pid_t pid = fork();

	if (pid == 0) {
		struct err e;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		clock_gettime(CLOCK_MONOTONIC, &a);
		if (n > 0 && box_seccomp_load_program(insns, n, &e) < 0)
			_exit(1);
		clock_gettime(CLOCK_MONOTONIC, &b);
		*us = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	out = *us;
	munmap(us, 4096);
	return out;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

#define ROUNDS 300

static void bench(const char *name, const struct policy_program *ours,
		  const struct sock_filter *theirs, size_t n_theirs)
{
	static double us[2][ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		us[0][i] = load_us(ours->insns, ours->header.n_insns);
		us[1][i] = load_us(theirs, n_theirs);
	}
	for (int i = 0; i < 2; i++)
		qsort(us[i], ROUNDS, sizeof(double), by_value);
	printf("# load %-8s ours %4u instructions, %6.0f us (10%%: %.0f, 90%%: %.0f); libseccomp's "
	       "%4zu, %6.0f us (10%%: %.0f, 90%%: %.0f)\n",
	       name, ours->header.n_insns, us[0][ROUNDS / 2], us[0][ROUNDS / 10],
	       us[0][ROUNDS * 9 / 10], n_theirs, us[1][ROUNDS / 2], us[1][ROUNDS / 10],
	       us[1][ROUNDS * 9 / 10]);
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"default", "browser", "strict",
					    "i386",    "vpnrund", "vpnrund-plug"};
	static const uint32_t natives[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64};
	static struct policy_program prog, first[ARRAY_SIZE(natives)];
	static struct sock_filter theirs[POLICY_INSNS_MAX];
	bool measure = argc > 1 && strcmp(argv[1], "--bench") == 0;

	tap_begin();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(natives); k++) {
			struct err e = ERR_INIT;
			char path[64];
			struct policy p;
			size_t n;

			snprintf(path, sizeof(path), "policy/%s%s.json", i < 4 ? "seccomp/" : "",
				 names[i]);
			p = parse_file(path);
			if (policy_compile(&p, &(struct policy_target){names[i], natives[k], 0},
					   &prog, &e) < 0) {
				ok(false, "%s: %s", path, e.msg);
				policy_free(&p);
				continue;
			}
			n = export_libseccomp(&p, natives[k], theirs);
			if (measure && natives[k] == POLICY_ARCH)
				bench(names[i], &prog, theirs, n);
			if (!measure)
				test_same(path, &p, &prog, theirs, n);
			if (!measure && i < 4)
				test_doors(names[i], &prog);
			if (i == 0)
				first[k] = prog;
			if (!measure && strcmp(names[i], "i386") == 0)
				test_i386(&first[k], &prog);
			policy_free(&p);
		}
	}
	if (measure)
		return 0;
	test_parser();
	test_long();
	test_loader(&first[natives[0] == POLICY_ARCH ? 0 : 1]);
	return tap_done();
}
