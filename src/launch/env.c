/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command gets the caller's environment, without what names a thing that is not there any more:
 * a program that is told of a session bus and does not find it waits for it. Must never change what
 * a user set for the command. Called by launch/run.c when the mounts are done.
 */
#include "launch/launch.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define X11_DIR "/tmp/.X11-unix"

/* Addresses of the session with a path somewhere in them. */
static const char *const session[] = {
	"SSH_AUTH_SOCK",
	"GPG_AGENT_INFO",
	"GNOME_KEYRING_CONTROL",
	/* Compositors run any program for whoever asks there. */
	"SWAYSOCK",
	"I3SOCK",
	"NIRI_SOCKET",
	"WAYFIRE_SOCKET",
	/* Servers of terminals and editors, which would open what they are given outside. */
	"TMUX",
	"NVIM",
	"NVIM_LISTEN_ADDRESS",
	"EMACS_SOCKET_NAME",
	"KITTY_LISTEN_ON",
	"ALACRITTY_SOCKET",
	"WEZTERM_UNIX_SOCKET",
	"VSCODE_IPC_HOOK",
	"VSCODE_IPC_HOOK_CLI",
	"VSCODE_GIT_IPC_HANDLE",
};
/* Others' servers, none of which is in a sandbox: a program that asked them would be told of what
 * runs outside. */
static const char *const servers[] = {
	"DBUS_STARTER_ADDRESS",
	"DBUS_STARTER_BUS_TYPE",
	"DBUS_SESSION_BUS_PID",
	"SESSION_MANAGER",
	"STY",
};
/* Where helpers keep their sockets if nobody says it, below the runtime directory: what runs in one
 * sandbox of the VPN is found by the others, and what runs outside is not. */
static const struct {
	const char *variable, *dir;
} places[] = {
	{"TMUX_TMPDIR", ""},
	{"SCREENDIR", "/screen"},
	{"ANSIBLE_SSH_CONTROL_PATH_DIR", "/ansible"},
	{"TS_SOCKET", "/socket-ts"},
};

/* The dead socket that covers a listener has no name of its own. */
static bool is_alive(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !(S_ISSOCK(st.st_mode) && st.st_nlink == 0);
}

/* The first path in an address like "unix:path=/run/user/1000/bus,guid=..." is there. */
static bool leads_somewhere(const char *address)
{
	const char *path = strchr(address, '/');
	char buf[256];

	return path && str_fmt(buf, sizeof(buf), "%.*s", (int)strcspn(path, ",;:"), path) > 0 &&
	       is_alive(buf);
}

static void set_places(const char *runtime)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (str_fmt(path, sizeof(path), "%s%s", runtime, places[i].dir) > 0)
			setenv(places[i].variable, path, 0);
	/* Mounting its image needs fusermount's setuid bit, which counts for nothing in here. */
	setenv("APPIMAGE_EXTRACT_AND_RUN", "1", 0);
}

static void clean_session(const char *runtime)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(session); i++) {
		const char *value = getenv(session[i]);

		if (value && !leads_somewhere(value))
			unsetenv(session[i]);
	}
	if (!getenv("SSH_AUTH_SOCK"))
		unsetenv("SSH_AGENT_PID");
	/* Without it kitty's client has the terminal itself do what it asks, by the screen. */
	if (getenv("KITTY_WINDOW_ID") && !getenv("KITTY_LISTEN_ON") &&
	    str_fmt(path, sizeof(path), "unix:%s/kitty", runtime) > 0)
		setenv("KITTY_LISTEN_ON", path, 1);
	/* This is the name of a directory in the runtime directory. */
	if (str_fmt(path, sizeof(path), "%s/hypr", runtime) < 0 || access(path, F_OK) < 0)
		unsetenv("HYPRLAND_INSTANCE_SIGNATURE");
	if (access(X11_DIR, F_OK) < 0) {
		unsetenv("DISPLAY");
		unsetenv("XAUTHORITY");
	}
}

/* A session bus is at one place, or there is none: libraries that are told of one and do not find
 * it wait, or start another outside our sight. GVfs without a bus must not look for its daemon. */
static void set_bus(const char *runtime)
{
	char path[PATH_MAX], address[PATH_MAX + 16];
	struct stat st;

	if (str_fmt(path, sizeof(path), "%s/bus", runtime) > 0 && stat(path, &st) == 0 &&
	    S_ISSOCK(st.st_mode) && str_fmt(address, sizeof(address), "unix:path=%s", path) > 0) {
		setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
		/* IBus's own bus is dead in here: whoever talks on it can be the keyboard of all
		 * programs. Its portal, on this one, lets a program have its own keys composed. */
		setenv("IBUS_USE_PORTAL", "1", 0);
		return;
	}
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	setenv("GIO_USE_VFS", "local", 0);
}

static void set_runtime(const char *runtime)
{
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		unsetenv(servers[i]);
	set_places(runtime);
	set_bus(runtime);
	clean_session(runtime);
}

void launch_clean_env(const char *runtime, bool closed_fds)
{
	const char *notify = getenv("NOTIFY_SOCKET");

	if (closed_fds) {
		unsetenv("LISTEN_FDS");
		unsetenv("LISTEN_PID");
		unsetenv("LISTEN_FDNAMES");
	}
	/* An abstract socket is in another network now, a path may be covered. */
	if (notify && (notify[0] != '/' || access(notify, F_OK) < 0))
		unsetenv("NOTIFY_SOCKET");
	if (*runtime)
		set_runtime(runtime);
}
