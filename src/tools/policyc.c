/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The build-time compiler of policies:
 *   policyc [--caps FILE] [--arch x86_64] --name NAME --output FILE.bpf FILE.json
 *   policyc --header SYMBOL --name NAME --output FILE.h FILE.json
 * The second form makes a C array, for a program that carries its own filter.
 *
 * Runs on the builder's machine, as anyone; never installed. A warning about a project's own policy
 * goes to stderr and does not stop the build: an older libseccomp knows fewer names.
 */
#include <errno.h>
#include <getopt.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "policy/compile.h"

static int write_binary(FILE *f, const struct policy_program *prog)
{
	return fwrite(prog, policy_program_size(prog), 1, f) == 1 ? 0 : -EIO;
}

static int write_header(FILE *f, const struct policy_program *prog, const char *symbol)
{
	fprintf(f,
		"/* Generated from the policy '%s'. */\n#pragma once\n\n#include <linux/filter.h>\n\n"
		"static const struct sock_filter %s[] = {\n",
		prog->header.name, symbol);
	for (unsigned i = 0; i < prog->header.n_insns; i++)
		fprintf(f, "\t{%#06x, %u, %u, %#010xU},\n", prog->insns[i].code, prog->insns[i].jt,
			prog->insns[i].jf, prog->insns[i].k);
	fprintf(f, "};\n");
	return ferror(f) ? -EIO : 0;
}

static int read_caps(const char *path, uint64_t *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int rc = file_read(path, POLICY_FILE_MAX, &text, &len, e);

	return rc < 0 ? rc : policy_caps_parse(path, text, len, ret, e);
}

static int compile(const char *path, const struct policy_target *t, struct policy_program *ret,
		   struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct policy p = {0};
	size_t len;
	int rc = file_read(path, POLICY_FILE_MAX, &text, &len, e);

	if (rc == 0)
		rc = policy_oci_parse(path, text, len, &p, e);
	if (rc < 0)
		return rc;
	rc = policy_compile(&p, t, ret, e);
	if (rc < 0)
		err_wrap(e, rc, "%s", path);
	for (size_t i = 0; i < p.n_warnings; i++)
		log_info("%s: warning: %s", path, p.warnings[i]);
	policy_free(&p);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"caps", required_argument, NULL, 'c'},	  {"arch", required_argument, NULL, 'a'},
		{"name", required_argument, NULL, 'n'},	  {"output", required_argument, NULL, 'o'},
		{"header", required_argument, NULL, 'H'}, {NULL, 0, NULL, 0}};
	const char *name = NULL, *output = NULL, *symbol = NULL, *caps_file = NULL;
	static struct policy_program prog;
	uint32_t arch = POLICY_ARCH;
	struct err e = ERR_INIT;
	uint64_t caps = 0;
	int opt, rc = 0;
	FILE *f;

	log_program = "policyc";
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c')
			caps_file = optarg;
		else if (opt == 'a')
			arch = seccomp_arch_resolve_name(optarg);
		else if (opt == 'n')
			name = optarg;
		else if (opt == 'o')
			output = optarg;
		else if (opt == 'H')
			symbol = optarg;
		else
			return 2;
	}
	if (!name || !output || arch == 0 || optind + 1 != argc) {
		log_error(
			"usage: policyc [--caps FILE] [--arch ARCH] [--header SYMBOL] --name NAME "
			"--output FILE POLICY.json");
		return 2;
	}
	if (caps_file)
		rc = read_caps(caps_file, &caps, &e);
	if (rc == 0)
		rc = compile(argv[optind], &(struct policy_target){name, arch, caps}, &prog, &e);
	if (rc < 0) {
		log_error("%s", e.msg);
		return 1;
	}
	f = fopen(output, "we");
	rc = f ? (symbol ? write_header(f, &prog, symbol) : write_binary(f, &prog)) : -errno;
	if ((f && fclose(f) != 0) || rc < 0) {
		log_error("cannot write %s", output);
		remove(output);
		return 1;
	}
	return 0;
}
