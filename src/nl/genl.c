/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Family lookup at the controller (nlctrl). Asks every time: a number that is kept could be another
 * family's after a module was unloaded.
 */
#include "nl/genl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

static int find_id(const struct nlattr *a, void *arg)
{
	uint16_t *id = arg;

	if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_get_payload_len(a) == sizeof(uint16_t))
		*id = mnl_attr_get_u16(a);
	return MNL_CB_OK;
}

static int got_family(const struct nlmsghdr *nlh, void *arg)
{
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct genlmsghdr))
		mnl_attr_parse(nlh, sizeof(struct genlmsghdr), find_id, arg);
	return 0;
}

int genl_family_get(struct nl_sock *s, const char *name, uint16_t *ret, struct err *e)
{
	const struct genlmsghdr g = {.cmd = CTRL_CMD_GETFAMILY, .version = 1};
	struct nl_msg m;
	uint16_t id = 0;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, GENL_ID_CTRL, 0, &g, sizeof(g));
	nl_put_str(&m, CTRL_ATTR_FAMILY_NAME, name);
	r = nl_query(s, &m, got_family, &id, e);
	if (r == -ENOENT)
		return err_set(e, r, "this kernel has no '%s'", name);
	if (r < 0)
		return err_wrap(e, r, "cannot look up the kernel's '%s'", name);
	if (!id)
		return err_set(e, -EPROTO, "the kernel gave no number for '%s'", name);
	*ret = id;
	return 0;
}
