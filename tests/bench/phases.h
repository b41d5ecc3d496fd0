/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The launcher's own time line, from the lines of `vpnrun -v` over many launches. */
#pragma once

#include <stdio.h>

void phases_add(const char *text); /* what one launch wrote */
void phases_report(FILE *json);	   /* a table on stdout and the elements of a JSON array */
