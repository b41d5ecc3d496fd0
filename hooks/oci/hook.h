/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrun-hook: what an OCI engine or runtime calls for a container that is to use a VPN. One
 * function a stage; each is called once, by main, and its failure keeps the container from
 * starting.
 */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/util.h"
#include "ns/names.h"
#include "relay/relay.h"
#include "state/inbound.h"
#include "state/record.h"

#define HOOK_ANNOTATION "vpnrun"
#define HOOK_INPUT_MAX	(4u << 20)
#define HOOK_NETNS_FMT	"/etc/netns/%s/%s"

/* Exit codes: with crun, and from precreate, they are all that the user sees. */
enum hook_exit {
	HOOK_OK = 0,
	HOOK_FAILED = 1,     /* the sentence says what */
	HOOK_USAGE = 2,	     /* no such stage */
	HOOK_ANNOTATED = 3,  /* the annotation is wrong */
	HOOK_INPUT = 4,	     /* what the engine gave is no state or configuration */
	HOOK_NO_VPN = 5,     /* the VPN is unknown or down */
	HOOK_NETWORK = 6,    /* the container's network is not one to attach */
	HOOK_FORBIDDEN = 7,  /* the user may not */
	HOOK_NO_BROKER = 8,  /* the broker does not answer */
	HOOK_DEADLINE = 9,   /* it took longer than HOOK_DEADLINE_S */
	HOOK_NO_POLICY = 10, /* there is no such policy, or it cannot be applied */
};

#define HOOK_PEERS_MAX 16

/* A container that another one reaches by name. */
struct hook_peer {
	char name[64];
	struct in_addr at;
};

/* The annotation's wishes: the VPN's name, and KEY=VALUE behind semicolons. */
struct hook_want {
	char vpn[NAME_MAX_LEN + 1];
	char policy[40];     /* "default" unless said */
	bool policy_is_said; /* and must therefore be in force */
	bool lan;	     /* what "allow_lan" of the VPN's file opens, too */
	char ifname[IF_NAMESIZE];
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n_dns;
	struct relay_specs publish, reach;
	struct port_maps expose;
	struct hook_peer peers[HOOK_PEERS_MAX];
	size_t n_peers;
};

int hook_want_parse(const char *text, struct hook_want *ret, struct err *e);

/* All of stdin: one JSON object, without a key given twice. */
int hook_input_read(json_t **ret, struct err *e);

/* A nested member, NULL if any part of the dotted path is missing or no object. */
json_t *hook_get(const json_t *root, const char *path);
const char *hook_get_string(const json_t *root, const char *path); /* NULL: absent, no string */

/* The annotation of a state or configuration. */
int hook_want_read(const json_t *root, struct hook_want *ret, struct err *e);

/* The reasons for which a configuration is refused: the host's network, a network that the engine
 * would add after us. *ret_given: the namespace is one that somebody else made (in a pod, by its
 * first container), which must be in the VPN already. */
int hook_config_check(const json_t *config, bool *ret_given, struct err *e);

/* The VPN's record; it is up. */
int hook_find(const char *vpn, struct record *ret, struct err *e);

/* Whether the annotation is (or may be) the image's own word: 1, 0. */
int hook_image_says(const json_t *config);
/* Refuses it then, unless hook_images_allowed. */
int hook_image_check(const json_t *config, struct err *e);
extern bool hook_images_allowed; /* root said so, or somebody has looked already */

/* Covers what an automounter serves in the volumes; refuses what is not covered. */
int hook_upcalls_cover(json_t *config, struct err *e);
int hook_upcalls_check(const json_t *config, struct err *e);

/* Whether the names are mounted by the configuration itself, so that createContainer has nothing to
 * do. */
bool hook_has_names(const json_t *config, const struct hook_want *w);
/* Lets the container know of the port that the provider forwards, if expose=natpmp asks for one: a
 * file that follows it, and variables. */
int hook_ports_tell(json_t *config, const struct hook_want *w, struct err *e);
/* Refuses what was asked for and cannot be had: ports where the engine is not in the host's
 * network, a forwarded port of which the container was not told. */
int hook_ports_check(const json_t *config, const struct hook_want *w, struct err *e);

/* "NAME:PORT" as the value of publish= or reach=, of the second "INSIDE:NAME:PORT", too. */
bool hook_peer_is(const char *value);
int hook_peer_publish(struct hook_want *w, const char *value, struct err *e);
int hook_peer_reach(struct hook_want *w, const char *value, struct err *e);
/* Gives the container an /etc/hosts with the names that it reaches: a copy of the engine's, beside
 * it. */
int hook_peers_tell(json_t *config, const struct hook_want *w, struct err *e);
/* Refuses a container that was not given it. */
int hook_peers_check(const json_t *config, const struct hook_want *w, struct err *e);

/* These serve publish= and reach=: the first is called in the host's network, the second in the
 * container's, which has that lease. */
int hook_ports_open(const json_t *state, const struct hook_want *w, struct relay_sandbox *ret,
		    struct err *e);
int hook_ports_serve(struct relay_sandbox *ports, const struct hook_want *w, const struct record *r,
		     uint32_t host, struct err *e);

/* Takes our own hook out of that stage. */
void hook_stage_drop(json_t *config, const char *stage);

/* Says where a file of that name is the user's own: in /run/vpnrun for root. */
#define HOOK_PLACE_MAX 64
void hook_place(char ret[HOOK_PLACE_MAX], const char *name);

/* Finds the file to mount as nsswitch.conf, and returns 1; 0 if the image has none; or -errno. */
int hook_nsswitch(const json_t *config, const char *bundle, char ret[HOOK_PLACE_MAX]);

/* Edits the configuration in place: capabilities, no_new_privs, seccomp, mounts, annotations. */
int hook_config_edit(json_t *config, const char *bundle, const struct hook_want *w, struct err *e);

/* The same for "process" alone: of a configuration, or of what is started in a running container.
 */
int hook_process_edit(json_t *process, const struct hook_want *w, struct err *e);

/* A policy's OCI file of that kind ("seccomp", "capabilities"), from /etc/vpnrun/policy/oci or from
 * beside the program; the caller's to json_decref(). */
int hook_policy_load(const char *kind, const char *name, json_t **ret, struct err *e);

/* The container's own seccomp section (NULL: none) under the policy's: never more than either
 * allows. A new object. NULL: no memory. */
json_t *hook_seccomp_merge(const json_t *own, const json_t *policy);

/* Each is a stage: the state is what came on stdin. */
int hook_create_runtime(const json_t *state, const struct hook_want *w, struct err *e);
int hook_create_container(const json_t *state, const struct hook_want *w, struct err *e);

/* The network namespace of a state's process, a descriptor of the caller's: never the host's. */
int hook_netns_open(const json_t *state, struct err *e);
/* Enters for good, as root of the user namespace that it belongs to, which may have to be entered
 * first. */
int hook_netns_enter(int netns, struct err *e);

/* The code by which main ends; set before an error is returned, HOOK_FAILED unless said. */
extern int hook_exit_code;
int hook_fail(int code, int r); /* sets it, returns r */

/* A sentence may quote a stranger: it stays one line of ASCII, which no terminal obeys. */
void hook_err_clean(struct err *e);
