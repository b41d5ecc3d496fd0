/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand at the end of a command line, for the completion of shells. It follows from the
 * table of commands: its options, and the words of its usage. So a command, an option or an operand
 * is completed as soon as it is in the table.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* A command, as its row of the table has it. */
struct complete_rule {
	const char *options; /* of args.h */
	const char *usage; /* "[NAME] [--json]": NAME, OLD: a VPN, VPN: one that may be the default;
			    * FILE; UNIT; PROGRAM; a|b: words */
};

/* words[n - 1] is what is being typed, "" if nothing yet; before it stand the words behind the
 * command. Prints a candidate a line, whatever the last word begins with; "@files", "@commands",
 * "@units", "@users" and "@pids" are for the shell to fill in. */
void complete_command(const struct complete_rule *rule, int n, char **words, FILE *out);

/* The same for vpnrun's line, whose options are these: "@line N" says that from the Nth word on it
 * is a command line of its own. */
void complete_launch(const char *options, int n, char **words, FILE *out);
