/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netavark's plugin protocol, API version 1.0.0.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "common/publish.h"
#include "common/wire.h"

struct nv_request {
	struct wire wire;
	json_t *root;	 /* owns the texts */
	json_t *servers; /* the network's own name servers, NULL: the VPN's */
	struct relay_specs ports;
};

/* A network that podman is about to make: the text to answer with, the caller's to free. */
int nv_create(const char *text, size_t len, char **ret, struct err *e);

/* The question of setup and teardown; teardown asks for less. */
struct nv_call {
	const char *netns;
	bool teardown; /* else setup */
};
int nv_request_parse(const char *text, size_t len, const struct nv_call *call,
		     struct nv_request *ret, struct err *e);
void nv_request_free(struct nv_request *q);

int nv_answer_setup(const struct nv_request *q, const struct wire_ends *w, char **ret,
		    struct err *e);
int nv_answer_info(char **ret, struct err *e);
int nv_answer_error(const struct err *error, char **ret, struct err *e);
