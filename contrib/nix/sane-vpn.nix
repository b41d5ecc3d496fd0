# SPDX-License-Identifier: GPL-2.0-or-later
# The options of sane.vpn, as VPNs of services.vpnrun in the layout "bridge": br-NAME is 10.20.ID.1/24, as there. What
# is told by a warning is not the same.
{ config, lib, ... }:
let
  inherit (lib) mkIf mkOption types;
  cfg = config.sane.vpn;
  vpn = types.submodule (
    { name, ... }:
    {
      options = {
        id = mkOption { type = types.ints.between 1 99; };
        endpoint = mkOption { type = types.str; };
        publicKey = mkOption { type = types.str; };
        addrV4 = mkOption { type = types.str; };
        dns = mkOption {
          type = types.listOf types.str;
          default = [ "46.227.67.134" "192.165.9.158" ];
        };
        bridgeDevice = mkOption {
          type = types.str;
          default = "br-${name}";
        };
        privateKeyFile = mkOption { type = types.either types.str types.path; };
      };
    }
  );
in
{
  options.sane.vpn = mkOption {
    type = types.attrsOf vpn;
    default = { };
    description = "VPNs by the options of sane.vpn; see services.vpnrun.";
  };

  config = mkIf (cfg != { }) {
    warnings = [
      "sane.vpn: `systemctl start vpn-NAME` is `vpnctl default NAME` here, and the file of a VPN is /etc/vpnrun/NAME.json"
    ];
    services.vpnrun.enable = true;
    services.vpnrun.vpns = lib.mapAttrs (_: v: {
      inherit (v) id;
      layout = "bridge";
      privateKeyFile = toString v.privateKeyFile;
      settings = {
        inherit (v) endpoint dns;
        public_key = v.publicKey;
        addresses = [ (if lib.hasInfix "/" v.addrV4 then v.addrV4 else "${v.addrV4}/32") ];
        bridge = v.bridgeDevice;
      };
    }) cfg;
  };
}
