/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of a service that tells one's address. Pure.
 */
#pragma once

#include "conf/model.h"

/* Plain text and no verdict: right for every provider's VPN. */
#define CTL_IP_URL "https://am.i.mullvad.net/ip"

struct ip_answer {
	struct ipaddr ip;	 /* without text */
	char text[46];		 /* of it */
	const char *verdict_key; /* by which the provider says whether this is its exit; NULL: it
				    does not say */
	bool verdict;
};

/* The address alone on the first line, or a JSON object of a known kind. -EPROTO. */
int ip_answer_parse(const char *text, struct ip_answer *ret, struct err *e);
