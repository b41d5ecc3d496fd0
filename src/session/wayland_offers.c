/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the things that a Wayland compositor offers reach other programs, and which are known to
 * be about a program's own windows. What is in neither list is not known, and not let in by
 * itself. Called by session/wayland.c.
 */
#include "session/wayland.h"

#include "base/util.h"

/* By these a client types into, looks at, or lies over others' windows. */
static const char *const dangerous[] = {
	"zwp_virtual_keyboard",
	"zwlr_virtual_pointer",
	"zwp_input_method",
	"zwp_input_panel",
	"zwlr_input_inhibit",
	"zwlr_screencopy",
	"zwlr_export_dmabuf",
	"ext_image_copy_capture",
	"ext_image_capture_source",
	"ext_output_image_capture_source",
	"ext_foreign_toplevel_image_capture_source",
	"zwlr_data_control",
	"ext_data_control",
	"zwlr_layer_shell",
	"ext_session_lock",
	"zwlr_foreign_toplevel",
	"zwlr_output_m",
	"zwp_xwayland_keyboard_grab",
	"org_kde_kwin_fake_input",
	"org_kde_plasma_window_management",
	"org_kde_kwin_keystate",
	"zkde_screencast",
	"kde_output_management",
	"hyprland_toplevel_export",
	"hyprland_global_shortcuts",
	"zcosmic_screencopy",
	"zcosmic_toplevel",
	"weston_screenshooter",
	"weston_desktop_shell",
};

/* Those of the core and of what was made for clients' own windows, input and buffers. */
static const char *const plain[] = {
	"wl_",
	"wp_",
	"zwp_",
	"xdg_",
	"zxdg_",
	"ext_idle_notifier",
	"ext_background_effect",
	"gtk_",
	"org_kde_kwin_server_decoration",
	"org_kde_kwin_blur",
	"org_kde_kwin_contrast",
	"org_kde_kwin_slide",
	"org_kde_kwin_shadow",
	"org_kde_kwin_appmenu",
	"weston_direct_display",
	"weston_content_protection",
	"weston_touch_calibration",
};

static bool begins_with_one_of(const char *name, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_starts(name, list[i]))
			return true;
	return false;
}

bool wayland_is_dangerous(const char *interface)
{
	return begins_with_one_of(interface, dangerous, ARRAY_SIZE(dangerous));
}

bool wayland_is_plain(const char *interface)
{
	return !wayland_is_dangerous(interface) &&
	       begins_with_one_of(interface, plain, ARRAY_SIZE(plain));
}
