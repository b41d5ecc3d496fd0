/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of resolv.conf(5) and nsswitch.conf(5) of a sandbox. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NAMES_DNS_MAX	 8
#define NAMES_RESOLV_MAX 2048
#define NAMES_HOSTS_LINE "hosts: files dns\n"

struct names_dns {
	int family; /* AF_INET, AF_INET6 */
	uint8_t addr[16];
};

/* Without servers there is a comment only: resolvers then ask the sandbox's own 127.0.0.1, where
 * nobody answers. search may be NULL or "": short names are then
 * completed by nothing. -E2BIG. */
int names_resolv_conf(char *ret, size_t size, const struct names_dns *dns, size_t n,
		      const char *search);

/* The one reader of nsswitch.conf, for launches, confined services and containers alike: the
 * host's text with its "hosts" lines replaced by files and dns, which ask no daemon; a file
 * without one gets one. *ret is the caller's to free. -ENOMEM. */
int names_nsswitch(const char *host, size_t len, char **ret, size_t *ret_len);
