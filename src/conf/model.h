/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one data model of a VPN, as its files describe it: the wg-quick file (struct tunnel) and
 * /etc/vpnrun/NAME.json around it (struct profile). Parsers fill it, vpnctl acts on it; nothing in
 * here touches the system. Text fields keep what the user wrote, so that messages can repeat it.
 *
 * Holds private keys: tunnel_free() wipes them. Never print key fields.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "base/vpn.h"

#define WG_KEY_LEN 32

/* An address or a prefix of either family. */
struct ipaddr {
	int family; /* AF_INET, AF_INET6; 0: none */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	uint8_t plen; /* 32 or 128 where the text has none */
	char *text;   /* as written; owned by the tunnel */
};

struct tunnel_peer {
	int line; /* of its [Peer] */
	uint8_t public_key[WG_KEY_LEN];
	bool has_psk;
	uint8_t psk[WG_KEY_LEN];
	char *endpoint; /* as written, NULL if absent */
	char *host;	/* without brackets */
	uint16_t port;
	bool endpoint_is_name; /* host is no address literal */
	bool has_keepalive;
	uint16_t keepalive; /* seconds, 0: off */
	struct ipaddr *allowed;
	size_t n_allowed;
};

struct tunnel_hook {
	int line;
	char *key;  /* "PostUp" as WireGuard spells it */
	char *text; /* the command, never run */
};

struct tunnel {
	uint8_t private_key[WG_KEY_LEN];
	struct ipaddr *addresses;
	size_t n_addresses;
	struct ipaddr *dns; /* plen unused */
	size_t n_dns;
	char **search;
	size_t n_search;
	uint16_t mtu; /* 0: absent */
	char *table;  /* "off", "auto", a number; NULL: absent */
	bool has_fwmark;
	uint32_t fwmark;
	bool has_listen_port;
	uint16_t listen_port;
	bool save_config;
	struct tunnel_hook *hooks;
	size_t n_hooks;
	struct tunnel_peer *peers;
	size_t n_peers;
	char **warnings; /* whole sentences, "FILE:LINE: ..." */
	size_t n_warnings;
	bool world_readable; /* the file that holds the key; up refuses */
};

/* Wipes and frees what t owns; t itself is the caller's and is zeroed. Accepts a zeroed t. */
void tunnel_free(struct tunnel *t);

/* Adds a warning, a whole sentence. More than TUNNEL_WARNINGS_MAX are counted as one. -ENOMEM. */
#define TUNNEL_WARNINGS_MAX 100
int tunnel_warn(struct tunnel *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more element of that size behind the n of *array (which grows by doubling),
 * zeroes it and returns it, NULL if memory is out. The old place is wiped: keys live in there. */
void *model_grow(void *array, size_t n, size_t size);

/* Whether any peer's AllowedIPs has a /0 of that family. */
bool tunnel_is_full(const struct tunnel *t, int family);
bool tunnel_has_address(const struct tunnel *t, int family);

/* The fate of questions to other name servers than the VPN's own. */
enum other_dns { OTHER_DNS_ALLOW, OTHER_DNS_REDIRECT, OTHER_DNS_REFUSE };

/* How many of each a profile may name: the record has room for as many. */
#define PROFILE_ALLOW_MAX   32
#define PROFILE_DEFAULT_MAX 8  /* of each list of "allow_default" */
#define PROFILE_INBOUND_MAX 16 /* services of "default_inbound" */
#define PROFILE_EXCLUDE_MAX 8  /* of each list of "default_exclude" */
#define PROFILE_UNIT_LEN    96 /* a unit's name, and its end */
#define PROFILE_EXPOSE_MAX  16
#define PROFILE_RANGE_MAX   8
#define PROFILE_ACCOUNT_LEN 33 /* a user's or group's name, as in utmp(5), and its end */
#define PROFILE_HOOK_LEN    256

struct host_port {
	uint16_t port;
	bool udp;
};

struct port_range {
	uint16_t low, high;
};

/* The way out of a VPN whose device is not a tunnel of ours, as it is at the moment; by family:
 * IPv4, IPv6. */
#define DEVICE_UPLINK "uplink" /* whichever device has the machine's default route */
struct profile_way {
	char dev[IF_NAMESIZE]; /* "": there is none */
	uint32_t mtu;
	struct {
		bool is_open, has_gateway, has_dns;
		uint8_t gateway[16], dns[16];
	} of[2];
};

struct profile {
	char name[NAME_MAX_LEN + 1];
	int id; /* 1..99 */
	enum vpn_layout layout;
	char *device;		 /* goes out by it, which somebody else made; NULL: by a tunnel */
	struct profile_way *way; /* of "device"; tunnel/way fills it */
	char *config;		 /* absolute path of a wg-quick file; NULL: inline */
	char *servers;		 /* absolute path of a directory of them; NULL: it has one */
	char *server;		 /* which of them `config` is */
	const char *instead_of;	 /* of a switch: the one in use must be this, or nothing is done */
	bool keep_server;	 /* "failover": false */
	char *bridge; /* "br-NAME", or of a long name "br.ID", unless the file says otherwise */
	struct in_addr subnet4; /* network address; 10.20.ID.0 unless the file says otherwise */
	uint8_t subnet4_plen;	/* 22..29, 24 by default */
	char **allow_users;	/* names or decimal uids */
	size_t n_allow_users;
	char **allow_groups; /* names or decimal gids; "vpnrun" where the file has no "allow" */
	size_t n_allow_groups;
	char **default_users; /* of "allow_default"; without it only root */
	size_t n_default_users;
	char **default_groups;
	size_t n_default_groups;
	/* What is left out when it is the machine's default; and what answers by the uplink then.
	 */
	char **exclude_users;
	size_t n_exclude_users;
	char **exclude_units;
	size_t n_exclude_units;
	struct host_port *default_inbound;
	size_t n_default_inbound;
	bool allow_everyone; /* "allow": "everyone" */
	enum other_dns other_dns;
	uint32_t limit;		  /* cables a user may hold, 0: the pool */
	char *private_key_file;	  /* inline: absolute path, NULL where there is a config */
	char *preshared_key_file; /* inline, may be NULL */
	char *json;		  /* the text that it was read from; no secret */
	size_t json_len;
	/* What the tunnels of its other servers have for DNS, and this one has not: who is inside
	 * goes on asking there. */
	struct ipaddr *spare_dns;
	size_t n_spare_dns;
	char *via; /* the VPN through which the tunnel's own packets go, NULL: the uplink */
	struct tunnel tunnel;

	/* Ports that are open from the VPN's side. */
	struct host_port *expose; /* services */
	size_t n_expose;
	struct port_range *may_expose; /* what users may open for their sandboxes */
	size_t n_may_expose;
	bool natpmp;			/* ask the provider for a port */
	struct ipaddr natpmp_gateway;	/* family 0: the first DNS server */
	char *hook_user, *hook_command; /* to be told of it; NULL: nobody */

	/* The bridge layout's. */
	struct ipaddr *subnets; /* always by this VPN */
	size_t n_subnets;
	struct ipaddr *allow_lan; /* reached from the bridge directly */
	size_t n_allow_lan;
	bool ipv6_forwarding;	      /* the switch of the whole machine may be used */
	struct host_port *allow_host; /* services of the host that the bridge reaches */
	size_t n_allow_host;
};

void profile_free(struct profile *p);
