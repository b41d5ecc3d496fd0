/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices, ip-link(8): one function per verb, same word order. Errors name the whole object, as in
 * "cannot create bridge br-mullvad: File exists". Needs CAP_NET_ADMIN in the user namespace that
 * owns the network namespace concerned, but for what only reads.
 *
 * An nsid (see ip-netns(8), "ip netns set") names another namespace within the socket's own;
 * RTNL_HERE is the socket's own namespace.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

#define RTNL_HERE  (-1)
#define LO_IFINDEX 1 /* of every network namespace */

struct rtnl_link {
	int ifindex;
	int master;    /* ifindex, 0: none */
	int peer_nsid; /* where the other end of a veth is, -1: here or none */
	uint32_t mtu;
	uint32_t flags; /* IFF_UP, ... */
	uint32_t group;
	uint8_t mac[6];
	char name[IF_NAMESIZE];
	char kind[16]; /* "veth", "bridge", "wireguard", "tun"; "" for hardware */
	uint64_t rx_bytes, tx_bytes;
	int link;	 /* ifindex of a veth's other end, where that is */
	char alias[256]; /* "": none */
	bool is_quiet;	 /* a bridge that is set up as rtnl_link_add_bridge() does */
};

/* -ENODEV: e says which. */
int rtnl_link_get(struct nl_sock *s, int nsid, const char *name, struct rtnl_link *ret,
		  struct err *e);
/* The same where none may be: 1: there is; 0: there is none; -errno and a sentence: it cannot be
 * told, which is neither. dev NULL: that of the index. */
int rtnl_link_find(struct nl_sock *s, const char *dev, int ifindex, struct rtnl_link *ret,
		   struct err *e);
int rtnl_link_get_index(struct nl_sock *s, int ifindex, struct rtnl_link *ret, struct err *e);
/* The index alone, -ENODEV: the socket's namespace has no such device. netdevice(7)'s SIOCGIFINDEX
 * takes any socket, no message, and not the lock that is held while devices are made. */
int rtnl_link_index(const struct nl_sock *s, const char *name, int *ret, struct err *e);
/* Whether it is up and its other end, too, and the kernel has done what follows from that. As
 * cheap, and it does not wait for whoever changes devices. */
bool rtnl_link_is_running(const struct nl_sock *s, const char *name);
/* *ret is the caller's to free. Without the byte counts. */
int rtnl_link_list(struct nl_sock *s, int nsid, struct rtnl_link **ret, size_t *ret_n,
		   struct err *e);

/* The same with them: most of each answer is counters then. */
int rtnl_link_list_counted(struct nl_sock *s, struct rtnl_link **ret, size_t *ret_n, struct err *e);

/* Whether it is what every lease is: a veth whose name begins with "vr". */
bool rtnl_link_is_port(const struct rtnl_link *l);

/* IPv6 chatter on the bridge's ports is what makes attaching slow: the bridge is made with STP,
 * snooping and link-local learning off. */
int rtnl_link_add_bridge(struct nl_sock *s, const char *name, const uint8_t mac[6], uint32_t mtu,
			 struct err *e);

/* Born in the namespace netns_fd; its encrypted socket stays in the socket's own namespace. */
int rtnl_link_add_wireguard(struct nl_sock *s, const char *name, int netns_fd, uint32_t mtu,
			    struct err *e);

struct rtnl_veth {
	const char *name; /* this end ... */
	int netns_fd;	  /* ... in this namespace */
	uint32_t master;  /* ifindex of the bridge there */
	uint32_t group;
	uint32_t mtu;	       /* both ends */
	const char *peer_name; /* the other end ... */
	int peer_netns_fd;     /* ... in that one */
	const uint8_t *peer_mac;
	bool down; /* this end is not set up: something has to be done before */
};
/* One message: created, enslaved and up, or nothing. -EEXIST: either name is taken. The error is
 * the bare cause, for the caller to wrap. */
int rtnl_link_add_veth(struct nl_sock *s, const struct rtnl_veth *v, struct err *e);

int rtnl_link_delete(struct nl_sock *s, int nsid, const char *name, struct err *e);
int rtnl_link_set_up(struct nl_sock *s, const char *name, bool up, struct err *e);
/* name is for the sentence. */
int rtnl_link_set_master(struct nl_sock *s, int ifindex, const char *name, int master,
			 struct err *e);
int rtnl_link_set_mtu(struct nl_sock *s, const char *name, uint32_t mtu, struct err *e);
int rtnl_link_set_mac(struct nl_sock *s, const char *name, const uint8_t mac[6], struct err *e);
/* Sets a bridge that is there up as it is made. */
int rtnl_link_set_quiet(struct nl_sock *s, const char *name, struct err *e);
int rtnl_link_set_alias(struct nl_sock *s, const char *name, const char *alias, struct err *e);
int rtnl_link_set_netns(struct nl_sock *s, const char *name, int netns_fd, struct err *e);

/* Builders for batches that one nl_call() sends. */
void rtnl_put_link_up(struct nl_msg *m, int ifindex);
/* Up, and without the link-local address and its chatter (addr_gen_mode none). */
void rtnl_put_link_up_quiet(struct nl_msg *m, int ifindex);

/* The id by which the socket's namespace knows netns_fd, made if there is none yet. */
int rtnl_nsid_get(struct nl_sock *s, int netns_fd, int *ret, struct err *e); /* -ENOENT: none */
int rtnl_nsid_ensure(struct nl_sock *s, int netns_fd, int *ret, struct err *e);
