/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a seccomp policy and as capabilities (OCI's JSON), and as a compiled policy. What
 * compiles is a program that the kernel would load, and answers each call as its text says; what is
 * read as compiled has all its instructions.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "box/seccomp.h"
#include "policy/compile.h"
#include "policy/doors.h"
#include "policy/oci.h"
#include "policy/sim.h"

static void must_be_program(const struct sock_filter *code, size_t n)
{
	must(n > 0 && n <= POLICY_INSNS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (BPF_CLASS(code[i].code) == BPF_JMP && BPF_OP(code[i].code) == BPF_JA)
			must(i + 1 + code[i].k < n);
		else if (BPF_CLASS(code[i].code) == BPF_JMP)
			must(i + 1 + code[i].jt < n && i + 1 + code[i].jf < n);
	}
	must(BPF_CLASS(code[n - 1].code) == BPF_RET);
}

static void simulate(const struct sock_filter *code, size_t n)
{
	struct seccomp_data d = {.arch = POLICY_ARCH};
	uint32_t state;

	for (unsigned int nr = 0; nr < 500; nr += 7) {
		d.nr = (int)nr;
		policy_sim(code, n, &d);
	}
	for (size_t i = 0; i < policy_doors_count; i++)
		policy_door_state(code, n, POLICY_ARCH, &policy_doors[i], &state);
}

static void texts(struct bytes b)
{
	static struct policy_program prog;
	char *text = world_text(b);
	struct err e = ERR_INIT;
	struct policy p = {0};
	uint64_t caps;

	if (policy_caps_parse("f", text, b.len, &caps, &e) < 0)
		must(e.code < 0 && e.msg[0]);
	memset(&e, 0, sizeof(e));
	if (policy_oci_parse("f", text, b.len, &p, &e) < 0) {
		must_be_sentence(&e);
	} else if (policy_compile(&p, &(struct policy_target){"f", POLICY_ARCH, 0}, &prog, &e) <
		   0) {
		must_be_sentence(&e);
		policy_free(&p);
	} else {
		must_be_program(prog.insns, prog.header.n_insns);
		simulate(prog.insns, prog.header.n_insns);
		policy_free(&p);
	}
	free(text);
}

static void compiled(const uint8_t *data, size_t size)
{
	static const char *const dirs[] = {"/etc/vpnrun/policy", "/usr/lib/vpnrun/policy", NULL};
	static struct box_policy p;
	struct err e = ERR_INIT;

	world_begin_whole(data, size);
	if (box_seccomp_read(dirs, "default", &p, &e) < 0)
		must(e.code < 0 && e.msg[0] && !p.header.n_insns);
	else
		must(size == sizeof(p.header) + p.header.n_insns * sizeof(p.insns[0]) &&
		     !(p.header.load_flags & ~(uint32_t)POLICY_LOAD_FLAGS));
	if (p.header.n_insns)
		simulate(p.insns, p.header.n_insns);
	world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	texts((struct bytes){data, size});
	compiled(data, size);
	return 0;
}
