/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Container Network Interface, 1.1.0 and back to 0.3.0, as far as this plugin speaks it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "common/publish.h"
#include "common/wire.h"

#define CNI_NEWEST "1.1.0"

/* Runtimes call the annotations of a pod so; this one of them is ours. */
#define CNI_ANNOTATIONS "io.kubernetes.cri.pod-annotations"
#define CNI_CHOICE	"vpnrun/vpn"

enum cni_command { CNI_ADD, CNI_DEL, CNI_CHECK, CNI_GC, CNI_STATUS, CNI_VERSION };

enum cni_version { CNI_0_3_0, CNI_0_3_1, CNI_0_4_0, CNI_1_0_0, CNI_1_1_0 };

/* The specification's codes; from 100 on our own. */
enum cni_code {
	CNI_BAD_VERSION = 1,
	CNI_UNSUPPORTED_FIELD = 2,
	CNI_NO_CONTAINER = 3,
	CNI_BAD_ENV = 4,
	CNI_IO = 5,
	CNI_NO_JSON = 6,
	CNI_BAD_CONFIG = 7,
	CNI_TRY_LATER = 11,
	CNI_UNAVAILABLE = 50,
	CNI_IMPAIRED = 51,
	CNI_FAILED = 100,
	CNI_EXISTS = 101,
	CNI_NOT_A_CONTAINER = 102,
	CNI_ANOTHER_WAY = 103,
	CNI_NOT_AS_ADDED = 104,
};

/* A code travels in struct err beside the errnos. */
#define CNI_ERR(code) (-(10000 + (int)(code)))

/* The name of an error in the protocol. */
int cni_code(int err);

struct cni_env { /* each may be NULL */
	const char *command, *container, *netns, *ifname, *args;
};

struct cni_request {
	enum cni_command command;
	enum cni_version version;
	const char *version_text; /* as given, and static if it was not */
	const char *network;
	const char *container; /* what is the environment's is borrowed */
	struct wire wire;
	json_t *root; /* owns the texts and what follows; NULL: none */
	json_t *dns, *prev, *valid;
	json_t *vpns; /* what a pod may choose from; NULL: there is one */
	bool passes;  /* the pod has not chosen, and keeps the network that it has */
	bool chained; /* the cable is not the interface that was asked for, but one beside it */
	struct cable_beside beside; /* dev NULL: none */
	struct relay_specs ports;
};

int cni_env_command(const struct cni_env *env, enum cni_command *ret, struct err *e);

/* Text is the NUL-terminated config, any bytes. On failure ret is freed, but for what an error's
 * answer needs. */
int cni_request_parse(const struct cni_env *env, const char *text, size_t len,
		      struct cni_request *ret, struct err *e);
void cni_request_free(struct cni_request *q);

/* Reads "vpn", or "vpns" and the pod's choice; "direct" and "direct_dns". It is called when what
 * else is in the configuration has been read. */
int cni_choice_check(struct cni_request *q, struct err *e);

/* Returns what the cable is called in a container whose runtime asked for that name. */
const char *cni_choice_ifname(const struct cni_request *q, const char *asked);

/* Returns the VPNs that the configuration knows, one behind the other; NULL: there are no more. */
const char *cni_request_vpn(const struct cni_request *q, size_t i);

/* Whether that attachment is among those a GC must keep. */
bool cni_request_is_valid(const struct cni_request *q, const char *tag);

/* Whether prevResult tells of the interface that is there. */
int cni_request_check_prev(const struct cni_request *q, const struct wire_ends *w, struct err *e);

/* Answers; the text is the caller's to free. */
int cni_answer_result(const struct cni_request *q, const struct wire_ends *w, char **ret,
		      struct err *e);
/* Answers with what came before, for a pod that keeps it. */
int cni_answer_passed(const struct cni_request *q, char **ret, struct err *e);
int cni_answer_version(const struct cni_request *q, char **ret, struct err *e);
int cni_answer_error(const struct cni_request *q, const struct err *error, char **ret,
		     struct err *e);
