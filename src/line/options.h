/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of vpnrun, read once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ns/names.h"
#include "relay/relay.h"
#include "state/inbound.h"

#define LINE_ALLOW_MAX 64
#define LINE_KEEP_MAX  64

struct line_options {
	bool verbose;
	bool strict;
	bool lan;
	bool help;
	bool version;
	int with_pid;	    /* 0: make a sandbox */
	const char *vpn;    /* NULL: the default */
	const char *policy; /* NULL: "default", or "strict" with --strict */
	const char *socket; /* NULL: the usual one */
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n_dns;
	const char *allow[LINE_ALLOW_MAX];
	size_t n_allow;
	unsigned int words; /* of --allow, enum session_word */
	int keep_fd[LINE_KEEP_MAX];
	size_t n_keep_fd;
	struct relay_specs publish, reach;
	struct port_maps expose;
	bool notify;	    /* say a failure on the desktop, where no terminal shows it */
	bool as_root;	    /* under sudo: stays root */
	const char *user;   /* root: becomes that user; NULL: nobody */
	bool allow_running; /* although the command may hand over to an instance outside */
	char **command;	    /* NULL: the shell */
};

/* argv is kept, not copied. e says what is wrong with the line. */
int line_parse(int argc, char **argv, struct line_options *ret, struct err *e);
extern const char line_usage[];

/* All options, as ctl/args.h writes them: "--dns= --strict". */
void line_option_names(char *ret, size_t size);
