/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every command says these things in the same words.
 */
#include "ctl/show.h"

#include <stdio.h>

#include "base/log.h"

int ctl_fail(const struct err *e)
{
	log_error("%s", e->msg);
	return CTL_FAILED;
}

void ctl_print_warnings(const struct tunnel *t)
{
	for (size_t i = 0; i < t->n_warnings; i++)
		log_plain("warning: %s", t->warnings[i]);
}
