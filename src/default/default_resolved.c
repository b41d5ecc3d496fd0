/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd-resolved by D-Bus, through libsystemd, loaded when it is needed and not before: where
 * resolved runs it is there, and elsewhere nobody should have to install it. The domain "~." makes
 * a device's servers the ones for every name; what is set goes with the device.
 */
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/addr.h"
#include "default/default_dns.h"

#define DEST	   "org.freedesktop.resolve1"
#define PATH	   "/org/freedesktop/resolve1"
#define IFACE	   "org.freedesktop.resolve1.Manager"
#define TIMEOUT_US 5000000

struct sd_bus; /* libsystemd's */
struct sd_bus_message;

struct bus {
	void *lib;
	struct sd_bus *bus;
	struct sd_bus_message *m;
	int (*open_system)(struct sd_bus **ret);
	struct sd_bus *(*close_unref)(struct sd_bus *bus);
	int (*new_call)(struct sd_bus *bus, struct sd_bus_message **ret, const char *dest,
			const char *path, const char *iface, const char *member);
	int (*append)(struct sd_bus_message *m, const char *types, ...);
	int (*append_array)(struct sd_bus_message *m, char type, const void *p, size_t size);
	int (*open_container)(struct sd_bus_message *m, char type, const char *contents);
	int (*close_container)(struct sd_bus_message *m);
	int (*call)(struct sd_bus *bus, struct sd_bus_message *m, uint64_t usec, void *error,
		    struct sd_bus_message **reply);
	struct sd_bus_message *(*unref)(struct sd_bus_message *m);
};

/* dlsym(3) gives an object's pointer for a function's. */
static bool find(void *lib, const char *name, void *ret)
{
	void *p = dlsym(lib, name);

	memcpy(ret, &p, sizeof(p));
	return p != NULL;
}

static void bus_close(struct bus *b)
{
	if (b->bus)
		b->close_unref(b->bus);
	if (b->lib)
		dlclose(b->lib);
}

static int bus_open(struct bus *b, struct err *e)
{
	int r;

	memset(b, 0, sizeof(*b));
	b->lib = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!b->lib || !find(b->lib, "sd_bus_open_system", &b->open_system) ||
	    !find(b->lib, "sd_bus_flush_close_unref", &b->close_unref) ||
	    !find(b->lib, "sd_bus_message_new_method_call", &b->new_call) ||
	    !find(b->lib, "sd_bus_message_append", &b->append) ||
	    !find(b->lib, "sd_bus_message_append_array", &b->append_array) ||
	    !find(b->lib, "sd_bus_message_open_container", &b->open_container) ||
	    !find(b->lib, "sd_bus_message_close_container", &b->close_container) ||
	    !find(b->lib, "sd_bus_call", &b->call) ||
	    !find(b->lib, "sd_bus_message_unref", &b->unref)) {
		bus_close(b);
		return err_set(
			e, -ELIBACC,
			"libsystemd, by which systemd-resolved is told, cannot be loaded: apt "
			"install libsystemd0");
	}
	r = b->open_system(&b->bus);
	if (r < 0) {
		b->bus = NULL;
		bus_close(b);
		return err_sys(e, r, "cannot reach systemd-resolved by D-Bus");
	}
	return 0;
}

static int begin(struct bus *b, const char *member)
{
	return b->new_call(b->bus, &b->m, DEST, PATH, IFACE, member);
}

/* Errors of the building, too. */
static int finish(struct bus *b, int r, const char *member, struct err *e)
{
	if (r >= 0)
		r = b->call(b->bus, b->m, TIMEOUT_US, NULL, NULL);
	if (b->m)
		b->unref(b->m);
	b->m = NULL;
	return r < 0 ? err_sys(e, r, "systemd-resolved refuses %s", member) : 0;
}

static int set_servers(struct bus *b, const struct default_way *w, int ifindex, struct err *e)
{
	int r = begin(b, "SetLinkDNS");

	if (r >= 0)
		r = b->append(b->m, "i", ifindex);
	if (r >= 0)
		r = b->open_container(b->m, 'a', "(iay)");
	for (size_t i = 0; r >= 0 && i < RECORD_DNS_MAX && w->dns[i].family; i++) {
		r = b->open_container(b->m, 'r', "iay");
		if (r >= 0)
			r = b->append(b->m, "i", (int)w->dns[i].family);
		if (r >= 0)
			r = b->append_array(b->m, 'y', w->dns[i].addr,
					    rtnl_addr_len(w->dns[i].family));
		if (r >= 0)
			r = b->close_container(b->m);
	}
	if (r >= 0)
		r = b->close_container(b->m);
	return finish(b, r, "SetLinkDNS", e);
}

static int set_domains(struct bus *b, const struct default_way *w, int ifindex, struct err *e)
{
	char search[RECORD_SEARCH_LEN], *save = NULL;
	int r = begin(b, "SetLinkDomains");

	memcpy(search, w->search, sizeof(search));
	if (r >= 0)
		r = b->append(b->m, "i", ifindex);
	if (r >= 0)
		r = b->open_container(b->m, 'a', "(sb)");
	if (r >= 0)
		r = b->append(b->m, "(sb)", ".", 1);
	for (char *s = strtok_r(search, " ", &save); r >= 0 && s; s = strtok_r(NULL, " ", &save))
		r = b->append(b->m, "(sb)", s, 0);
	if (r >= 0)
		r = b->close_container(b->m);
	return finish(b, r, "SetLinkDomains", e);
}

int resolved_set(const struct default_way *w, struct err *e)
{
	unsigned int ifindex = if_nametoindex(w->dev);
	struct bus b;
	int r;

	if (!ifindex)
		return err_sys(e, -errno, "cannot find %s", w->dev);
	r = bus_open(&b, e);
	if (r < 0)
		return r;
	r = set_servers(&b, w, (int)ifindex, e);
	if (r == 0)
		r = set_domains(&b, w, (int)ifindex, e);
	/* What was cached came by the other way: another country's answers. */
	if (r == 0)
		finish(&b, begin(&b, "FlushCaches"), "FlushCaches", NULL);
	bus_close(&b);
	return r;
}

void resolved_revert(const char *dev)
{
	unsigned int ifindex = if_nametoindex(dev);
	struct bus b;
	int r;

	if (!ifindex || bus_open(&b, NULL) < 0)
		return; /* what was set went with the device, or with resolved */
	r = begin(&b, "RevertLink");
	if (r >= 0)
		r = b.append(b.m, "i", (int)ifindex);
	finish(&b, r, "RevertLink", NULL);
	finish(&b, begin(&b, "FlushCaches"), "FlushCaches", NULL);
	bus_close(&b);
}
