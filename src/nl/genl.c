/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Family lookup at the controller (nlctrl). Asks every time: a number that is kept could be another
 * family's after a module was unloaded.
 */
#include "nl/genl.h"

#include <errno.h>
#include <linux/genetlink.h>

#include "nl/attr.h"

static void find_id(const struct nlattr *a, void *arg)
{
	if (nl_attr_type(a) == CTRL_ATTR_FAMILY_ID)
		nl_attr_get(a, arg, sizeof(uint16_t));
}

static int got_family(const struct nlmsghdr *nlh, void *arg)
{
	nl_attr_each(nlh, sizeof(struct genlmsghdr), find_id, arg);
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
