# SPDX-License-Identifier: GPL-2.0-or-later
# For home-manager: programs.vpnrun.wrap.NAME is a package whose programs always go through a VPN, in the place of the
# package itself in home.packages. The broker and the VPNs are the system's: services.vpnrun.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.programs.vpnrun;
  inherit (lib) mkOption types;
  wrapped = types.submodule {
    options = {
      package = mkOption {
        type = types.package;
        description = "The package, which home.packages then does not name.";
      };
      vpn = mkOption {
        type = types.str;
        default = "default";
        description = "Its VPN.";
      };
      policy = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The policy; see vpnrun(1).";
      };
    };
  };
  wrap =
    _: w:
    pkgs.runCommand "${w.package.name}-vpnrun"
      {
        meta = w.package.meta or { };
        passthru = w.package.passthru or { };
      }
      ''
        bash ${./wrap.sh} ${w.package} "$out" ${cfg.package}/bin/vpnrun ${lib.escapeShellArg w.vpn} ${lib.optionalString (w.policy != null) (lib.escapeShellArg w.policy)}
      '';
in
{
  options.programs.vpnrun = {
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      description = "The package of the launcher: that of services.vpnrun.";
    };
    wrap = mkOption {
      type = types.attrsOf wrapped;
      default = { };
      description = "Packages whose programs go through a VPN whenever they are started.";
    };
  };
  config = lib.mkIf (cfg.wrap != { }) { home.packages = lib.mapAttrsToList wrap cfg.wrap; };
}
