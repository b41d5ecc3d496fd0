/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every command says these things in the same words.
 */
#include "ctl/show.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

int ctl_fail(const struct err *e)
{
	log_error("%s", e->msg);
	return CTL_FAILED;
}

bool ctl_is_root(const char *command)
{
	if (geteuid() == 0)
		return true;
	log_error("%s needs root; try: sudo vpnctl %s ...", command, command);
	return false;
}

void ctl_print_warnings(const struct tunnel *t)
{
	for (size_t i = 0; i < t->n_warnings; i++)
		log_plain("warning: %s", t->warnings[i]);
}
