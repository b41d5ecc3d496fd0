/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One small document by HTTP or HTTPS, asked for in the namespaces that the caller is in.
 */
#pragma once

#include "base/err.h"

#define FETCH_MAX 65536

struct fetch;

/* -EINVAL and a sentence: it can be nobody's. Pure. */
int fetch_check_url(const char *url, struct err *e);

/* Loads libcurl; -ELIBACC and what to install where it is not there. */
int fetch_open(struct fetch **ret, struct err *e);
void fetch_close(struct fetch **f);

struct fetch_how {
	int family; /* AF_UNSPEC: either */
	unsigned int timeout_ms;
};

/* family: AF_INET, AF_INET6, AF_UNSPEC for either. No proxy is asked, whatever the environment
 * says: its address would be the answer. *ret is the caller's to free. */
int fetch_get(struct fetch *f, const char *url, const struct fetch_how *how, char **ret,
	      struct err *e);
