/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of a confined service's drop-in. Why each line is there is written beside it: the file
 * is read by who wonders about the service. Must never take from the unit's own hardening. Called
 * by confine/confine.c.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/util.h"
#include "confine/confine.h"
#include "ns/upcall.h"

#define VPN_UNIT "vpnrun@"

/* %i stands for the instance, where a template is confined. */
static void unit_name(const struct confine *c, const char *prefix, char *ret, size_t size)
{
	const char *at = strstr(c->unit, "@.service");

	if (at)
		snprintf(ret, size, "%s%.*s@%%i.service", prefix, (int)(at - c->unit), c->unit);
	else
		snprintf(ret, size, "%s%s", prefix, c->unit);
}

static void put_unit(FILE *f, const struct confine *c, const struct confine_unit *u)
{
	char etc[CONFINE_UNIT_MAX + 32];

	fprintf(f,
		CONFINE_MARK
		"%s: written by vpnctl confine, removed by vpnctl release\n"
		"[Unit]\n"
		"# It stops with the VPN's namespace and never starts without it.\n"
		"BindsTo=" VPN_UNIT "%s.service\n"
		"After=" VPN_UNIT "%s.service\n"
		"# The machine's start does not wait for it, as it does not wait for the VPN.\n"
		"DefaultDependencies=no\n"
		"Requires=sysinit.target\n"
		"After=sysinit.target basic.target\n"
		"Conflicts=shutdown.target\n"
		"Before=shutdown.target\n",
		c->vpn, c->vpn, c->vpn);
	if (!u->has_root) {
		unit_name(c, CONFINE_ETC_UNIT, etc, sizeof(etc));
		fprintf(f, "# What makes its /etc.\nRequires=%s\nAfter=%s\n", etc, etc);
	}
	fprintf(f, "\n[Service]\nNetworkNamespacePath=/run/netns/%s\n", c->vpn);
}

static int is_dir(const struct dirent *de)
{
	/* The list is one line each, and systemd ends a path at a blank or a colon. */
	return de->d_type == DT_DIR && de->d_name[0] != '.' && !strpbrk(de->d_name, " \t:\\%\"'");
}

/* Directories are bound as they are, so that a file that somebody replaces in one is seen by the
 * service at once, as without the VPN. */
static int put_etc_dirs(FILE *f, const struct confine_unit *u, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir("/etc", &list, is_dir, alphasort);

	if (n < 0)
		return err_sys(e, -errno, "cannot list /etc");
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, "netns") != 0)
			fprintf(f, "Bind%sPaths=-/etc/%s\n", u->is_etc_read_only ? "ReadOnly" : "",
				list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

static int put_etc(FILE *f, const struct confine *c, const struct confine_unit *u, struct err *e)
{
	if (u->has_root) {
		fprintf(f,
			"BindReadOnlyPaths=/etc/netns/%s/resolv.conf:/etc/resolv.conf\n"
			"BindReadOnlyPaths=/etc/netns/%s/nsswitch.conf:/etc/nsswitch.conf\n",
			c->vpn, c->vpn);
		return 0;
	}
	fprintf(f,
		"# Its own /etc, made anew at each start: the host's, with the VPN's resolv.conf and\n"
		"# nsswitch.conf. A mount over these files alone would be lost as soon as a program\n"
		"# of the host's replaces one of them.\n"
		"BindReadOnlyPaths=/run/vpnrun/etc/%s/%%n:/etc\n",
		c->vpn);
	return put_etc_dirs(f, u, e);
}

static void put_masks(FILE *f, const struct confine *c)
{
	fputs("# Services of the host that would resolve names outside. Empty directories, and\n"
	      "# not inaccessible ones: these hide also what starts later.\n"
	      "TemporaryFileSystem=/run/nscd:ro /run/systemd/resolve:ro "
	      "/run/avahi-daemon:ro /run/resolvconf:ro /run/nslcd:ro\n"
	      "# Daemons of the host by which a program acts outside, and sssd's pipes.\n"
	      "InaccessiblePaths=-/run/docker.sock -/run/docker -/run/podman -/run/containerd "
	      "-/run/crio -/run/libvirt -/run/lxd.socket -/run/snapd.socket -/run/NetworkManager "
	      "-/var/lib/sss/pipes\n",
	      f);
	if (!c->keep_bus)
		fputs("# The system bus reaches systemd-resolved as well.\n"
		      "TemporaryFileSystem=/run/dbus:ro\n",
		      f);
}

/* Somebody's home may be mounted below one; systemd waits for such paths by itself. */
static void put_upcall(const char *path, bool has_below, void *arg)
{
	if (!has_below && !strpbrk(path, " \t\n:\\%\"'"))
		fprintf(arg, " -%s", path);
}

static int put_upcalls(FILE *f, struct err *e)
{
	int r;

	fputs("# A lookup below an automounter's directory resolves and connects outside.\n"
	      "InaccessiblePaths=-/net -/misc -/afs",
	      f);
	r = file_is_there("/proc/self/mountinfo", e);
	if (r > 0)
		r = ns_upcall_for_each(false, put_upcall, f, e);
	fputc('\n', f);
	return r;
}

static void put_families(FILE *f, const struct confine_unit *u)
{
	unsigned int allowed = u->has_families ? u->families : (1u << CONFINE_N_FAMILIES) - 1;

	fputs("# What belongs to the network namespace, and nothing else, in no other machine's\n"
	      "# system calls: AF_VSOCK and its like are bound to no namespace.\n"
	      "RestrictAddressFamilies=\n"
	      "RestrictAddressFamilies=",
	      f);
	for (unsigned int i = 0; i < CONFINE_N_FAMILIES; i++)
		if (allowed >> i & 1)
			fprintf(f, "%s ", confine_families[i]);
	fputs(allowed ? "\n" : "none\n", f);
	/* Beside a unit's own list of what it may call, systemd 257 answers what it does not know
	 * with ENOSYS, and refuses to start a unit with a rule that says the same. */
	fputs("SystemCallArchitectures=native\n"
	      "SystemCallFilter=~io_uring_setup:EPERM io_uring_enter:EPERM "
	      "io_uring_register:EPERM keyctl:EPERM add_key:EPERM request_key:EPERM setns:EPERM\n",
	      f);
}

int confine_make_dropin(const struct confine *c, const struct confine_unit *u, char **ret,
			struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (!f)
		return err_sys(e, -errno, "cannot write the drop-in of %s", c->unit);
	put_unit(f, c, u);
	r = put_etc(f, c, u, e);
	put_masks(f, c);
	r = r ?: put_upcalls(f, e);
	if (r == 0)
		put_families(f, u);
	if (fclose(f) != 0 && r == 0)
		r = err_set(e, -ENOMEM, "cannot write the drop-in of %s: no memory", c->unit);
	if (r == 0) {
		*ret = text;
		text = NULL;
	}
	return r;
}

/* Also in the tree of a system that does not run, where nobody has mounted /proc. */
static int own_path(char *ret, size_t size, struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	char *called;
	int r;

	if (n > 0) {
		ret[n] = '\0';
		return 0;
	}
	called = realpath((const char *)getauxval(AT_EXECFN), NULL);
	r = called ? str_copy(ret, size, called) : -ENOENT;
	free(called);
	return r < 0 ? err_set(e, r, "cannot tell where vpnctl is") : 0;
}

/* systemd undoes escapes in what it runs, and not in what it names: "a\x2db.service". */
static void escape(const char *unit, char ret[2 * CONFINE_UNIT_MAX + 64])
{
	for (; *unit; unit++) {
		if (*unit == '\\')
			*ret++ = '\\';
		*ret++ = *unit;
	}
	*ret = '\0';
}

int confine_make_etc_unit(const struct confine *c, char **ret, struct err *e)
{
	char self[PATH_MAX], unit[CONFINE_UNIT_MAX + 32], arg[2 * CONFINE_UNIT_MAX + 64];
	int r = own_path(self, sizeof(self), e);

	if (r < 0)
		return r;
	unit_name(c, "", unit, sizeof(unit));
	escape(unit, arg);
	r = asprintf(ret,
		     CONFINE_MARK "%s: written by vpnctl confine, removed by vpnctl release\n"
				  "[Unit]\n"
				  "Description=/etc of %s in VPN %s\n"
				  "Documentation=man:vpnctl-confine(8)\n"
				  "BindsTo=" VPN_UNIT "%s.service\n"
				  "After=" VPN_UNIT "%s.service sysinit.target\n"
				  "# Made anew whenever that unit starts anew.\n"
				  "PartOf=%s\n"
				  "# How often that may be is the other unit's own affair.\n"
				  "StartLimitIntervalSec=0\n"
				  "StopWhenUnneeded=yes\n"
				  "DefaultDependencies=no\n"
				  "Requires=sysinit.target\n"
				  "Conflicts=shutdown.target\n"
				  "Before=shutdown.target\n"
				  "\n"
				  "[Service]\n"
				  "Type=oneshot\n"
				  "RemainAfterExit=yes\n"
				  "ExecStart=%s confined-etc %s %s\n"
				  "ExecStop=%s confined-etc --remove %s\n",
		     c->vpn, unit, c->vpn, c->vpn, c->vpn, unit, self, c->vpn, arg, self, arg);
	return r < 0 ? err_set(e, -ENOMEM, "cannot write the unit of %s: no memory", c->unit) : 0;
}
