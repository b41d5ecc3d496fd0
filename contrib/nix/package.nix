# SPDX-License-Identifier: GPL-2.0-or-later
# The programs. Shared libraries, as everything of nixpkgs; nothing is setuid, so that no security.wrappers is needed.
{
  lib,
  stdenv,
  pkg-config,
  dbus,
  jansson,
  libcap,
  libseccomp,
  nftables,
  perl,
}:
let
  # The one place of the version is the Makefile.
  makefile = builtins.readFile ../../Makefile;
  version = builtins.head (builtins.match ".*\nVERSION +:= ([0-9.]+)\n.*" makefile);
in
stdenv.mkDerivation {
  pname = "vpnrun";
  inherit version;
  src = ../..;

  nativeBuildInputs = [ pkg-config perl ];
  buildInputs = [ dbus jansson libcap libseccomp nftables ];
  enableParallelBuilding = true;

  makeFlags = [
    "PREFIX=${placeholder "out"}"
    "SYSCONFDIR=${placeholder "out"}/etc"
    "STATIC=no"
    "APPARMORDIR="
    # The compiler's wrapper has flags of its own for these.
    "HARDENING="
    "HARDENING_LD="
  ];
  buildFlags = [ "all" ];
  # It is not the running system that it is installed on.
  installFlags = [ "DESTDIR=/" ];

  meta = {
    description = "Run one program, and nothing else, through a VPN";
    license = lib.licenses.gpl2Plus;
    platforms = lib.platforms.linux;
    mainProgram = "vpnrun";
  };
}
