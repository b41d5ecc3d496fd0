/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See conf_foreign.h. Each row was met in public: a file that was saved under another one's name,
 * or a line that another client wrote. Must never repeat a value, which may be a key.
 */
#include "conf/conf_foreign.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

struct foreign {
	const char *word, *says;
};

#define TAKE_CONF "take the provider's WireGuard file (.conf)"

const char *conf_foreign_file(const char *text, size_t len)
{
	static const struct foreign begins[] = {
		{"\x89PNG", "is a picture: if it is a QR code, save the text that it stands for"},
		{"\xff\xd8\xff",
		 "is a picture: if it is a QR code, save the text that it stands for"},
		{"%PDF", "is a PDF: " TAKE_CONF},
		{"<?xml", "is XML, as a .mobileconfig of Apple's or a feed is: " TAKE_CONF},
		{"<!DOCTYPE",
		 "is a web page: log in at the provider's, and download the file again"},
		{"<html", "is a web page: log in at the provider's, and download the file again"},
		{"{", "is JSON: " TAKE_CONF},
		{"wireguard://", "is a link, as sing-box and Xray have it: " TAKE_CONF},
		{"wg://", "is a link, as sing-box and Xray have it: " TAKE_CONF},
		{"proxies:", "is YAML, as Clash has it: " TAKE_CONF},
		{"config interface", "is OpenWrt's: " TAKE_CONF},
		{"config wireguard_", "is OpenWrt's: " TAKE_CONF},
		{"interface: ", "is what \"wg show\" prints, without the keys: " TAKE_CONF},
	};

	while (len && strchr(" \t\r\n", *text)) {
		text++;
		len--;
	}
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		size_t n = strlen(begins[i].word);

		if (len >= n && !strncasecmp(text, begins[i].word, n))
			return begins[i].says;
	}
	return NULL;
}

#define OPENVPN                                                                                      \
	"is OpenVPN's: this is an .ovpn file, and WireGuard alone is spoken here; ask the provider " \
	"for a WireGuard file"
#define NETWORKD       "is systemd-networkd's: this is a .netdev or .network file; " TAKE_CONF
#define NETWORKMANAGER "is NetworkManager's: this is a .nmconnection file; " TAKE_CONF

const char *conf_foreign_section(const char *name)
{
	static const struct foreign sections[] = {
		{"[NetDev]", NETWORKD},
		{"[WireGuardPeer]", NETWORKD},
		{"[Match]", NETWORKD},
		{"[Network]", NETWORKD},
		{"[connection]", NETWORKMANAGER},
		{"[wireguard]", NETWORKMANAGER},
		{"[vpn]", NETWORKMANAGER},
		{"[ipv4]", NETWORKMANAGER},
		{"[Unit]", "is systemd's: this is a unit; " TAKE_CONF},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strcasecmp(name, sections[i].word))
			return sections[i].says;
	return NULL;
}

const char *conf_foreign_line(const char *line)
{
	static const char *const openvpn[] = {
		"client",	 "dev",		 "proto",	"remote",
		"remote-random", "resolv-retry", "nobind",	"persist-key",
		"persist-tun",	 "cipher",	 "auth",	"auth-user-pass",
		"tls-client",	 "verb",	 "pull",	"remote-cert-tls",
		"setenv",	 "tun-mtu",	 "<ca>",	"<cert>",
		"<key>",	 "<tls-auth>",	 "<tls-crypt>",
	};
	size_t len = strcspn(line, " \t\r");

	for (size_t i = 0; i < ARRAY_SIZE(openvpn); i++)
		if (strlen(openvpn[i]) == len && !strncmp(line, openvpn[i], len))
			return OPENVPN;
	return NULL;
}

/* --- keys of other clients ------------------------------------------------------------------- */

#define ANDROID                                                                             \
	"is Android's list of programs, and left out: here, what vpnrun runs goes through " \
	"the VPN, and nothing else"
#define WIRESOCK     "is WireSock's, and left out: whatever vpnrun runs goes through the VPN whole"
#define WIRESOCK_OUT "is WireSock's, and left out: those ranges go through the VPN, too"
#define LABEL	     "is a label of another client's, and left out"

static const struct client_key {
	const char *name;
	const char *plain; /* the value with which it changes nothing; NULL: any */
	const char *says, *not_plain;
} client_keys[] = {
	{"ExcludedApplications", NULL, ANDROID, NULL},
	{"IncludedApplications", NULL, ANDROID, NULL},
	{"AllowedApps", NULL, WIRESOCK, NULL},
	{"DisallowedApps", NULL, WIRESOCK, NULL},
	{"DisallowedIPs", NULL, WIRESOCK_OUT, NULL},
	{"VirtualAdapterMode", NULL, WIRESOCK, NULL},
	{"BypassLanTraffic", NULL, WIRESOCK, NULL},
	{"Socks5Proxy", "", WIRESOCK,
	 "is WireSock's: a server that is reached by a proxy cannot be used here"},
	{"Name", NULL, LABEL, NULL},
	{"PublicKeyName", NULL, LABEL, NULL},
	{"FriendlyName", NULL, LABEL, NULL},
	{"Description", NULL, LABEL, NULL},
	{"Reserved", NULL,
	 "is Cloudflare WARP's, and left out: if the server stays silent, this is why", NULL},
};

int conf_amnezia_key(const char *name, const char *value, const char **ret_name)
{
	/* AmneziaWG sends junk before a handshake, which a WireGuard server takes for noise; S1 and
	 * those like it are bytes before WireGuard's messages, H1 and those like it other numbers
	 * for their types. */
	static const struct {
		const char *name, *plain; /* plain NULL: any */
		int bit;
	} keys[] = {
		{"Jc", NULL, 0},   {"Jmin", NULL, 0}, {"Jmax", NULL, 0},
		{"I1", NULL, 0},   {"I2", NULL, 0},   {"I3", NULL, 0},
		{"I4", NULL, 0},   {"I5", NULL, 0},   {"J1", NULL, 0},
		{"J2", NULL, 0},   {"J3", NULL, 0},   {"Itime", NULL, 0},
		{"S1", "0", 0x01}, {"S2", "0", 0x02}, {"S3", "0", 0},
		{"S4", "0", 0},	   {"H1", "1", 0x04}, {"H2", "2", 0x08},
		{"H3", "3", 0x10}, {"H4", "4", 0x20}, {"AdvancedSecurity", "off", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcasecmp(keys[i].name, name) != 0)
			continue;
		*ret_name = keys[i].name;
		return keys[i].plain && strcasecmp(keys[i].plain, value) ? AMNEZIA_OTHER
									 : keys[i].bit;
	}
	return -1;
}

const char *conf_client_key(const char *name, const char *value, bool *ret_left_out)
{
	for (size_t i = 0; i < ARRAY_SIZE(client_keys); i++) {
		const struct client_key *k = &client_keys[i];

		if (strcasecmp(k->name, name) != 0)
			continue;
		*ret_left_out = !k->plain || !strcasecmp(k->plain, value);
		return *ret_left_out ? k->says : k->not_plain;
	}
	return NULL;
}

/* --- characters ------------------------------------------------------------------------------ */

/* Returns how many bytes it has, 0 if they are not UTF-8. */
static size_t decode(const uint8_t *p, uint32_t *ret)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;

	if (!n || p[0] > 0xf4)
		return 0;
	*ret = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*ret = *ret << 6 | (p[i] & 0x3f);
	}
	return n;
}

const char *conf_odd_character(const char *text, char buf[CONF_ODD_MAX])
{
	static const struct {
		uint32_t first, last;
		const char *name;
	} known[] = {
		{0xa0, 0xa0, "a no-break space"},
		{0x202f, 0x202f, "a no-break space"},
		{0x2000, 0x200a, "a wide space"},
		{0x200b, 0x200d, "a zero-width space"},
		{0x2060, 0x2060, "a zero-width space"},
		{0x200e, 0x200f, "a mark of direction"},
		{0x2010, 0x2015, "a word processor's dash"},
		{0x2018, 0x201f, "a word processor's quotation mark"},
		{0xfeff, 0xfeff, "a byte order mark"},
		{0x3000, 0x3000, "a wide space"},
	};
	const char *name = "a letter or sign beyond ASCII";
	uint32_t c = 0;

	for (; *text && !(*text & 0x80); text++)
		;
	if (!*text)
		return NULL;
	if (!decode((const uint8_t *)text, &c)) {
		snprintf(buf, CONF_ODD_MAX, "the byte 0x%02X, which is not UTF-8", (uint8_t)*text);
		return buf;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (c >= known[i].first && c <= known[i].last)
			name = known[i].name;
	snprintf(buf, CONF_ODD_MAX, "%s (U+%04X)", name, c);
	return buf;
}

bool conf_is_placeholder(const char *value)
{
	static const char *const words[] = {"your", "insert", "replace", "here", "private"};

	/* The caller asks this of what is no key: a key of random letters may hold a short word. */
	if (strchr("<[{$", value[0]) && value[0])
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(value, words[i]))
			return true;
	return false;
}
