# SPDX-License-Identifier: GPL-2.0-or-later
# The options of VPN-Confinement (vpnNamespaces.NAME, systemd.services.UNIT.vpnConfinement), as VPNs of services.vpnrun.
# Not beside that module, whose options they are. What has no counterpart is refused when the system is built; what is
# reached in another way is told by a warning.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  all = lib.filterAttrs (_: v: v.enable) config.vpnNamespaces;
  names = builtins.attrNames all;
  digit = c: lib.lists.findFirst (i: builtins.substring i 1 "0123456789abcdef" == c) 0 (lib.range 0 15);
  # Of its name alone, so that a VPN more changes no other's addresses.
  number =
    name:
    let
      h = builtins.hashString "sha256" name;
      n = lib.foldl' (n: i: n * 16 + digit (builtins.substring i 1 h)) 0 (lib.range 0 5);
    in
    n - n / 99 * 99 + 1;
  protocols = p: if p == "both" then [ "tcp" "udp" ] else [ p ];
  protocol = mkOption {
    type = types.enum [ "tcp" "udp" "both" ];
    default = "tcp";
  };
  address = default: mkOption {
    type = types.str;
    inherit default;
    description = "Accepted, and without effect: there is no cable between the host and the namespace.";
  };
  namespace = types.submodule (
    { name, ... }:
    {
      options = {
        enable = mkEnableOption "the VPN";
        id = mkOption {
          type = types.ints.between 1 99;
          default = number name;
          description = "services.vpnrun.vpns.NAME.id, which VPN-Confinement does not have; made of the name, and to be set where two are the same.";
        };
        wireguardConfigFile = mkOption {
          type = types.either types.str types.path;
          description = "The provider's file, outside the store.";
        };
        accessibleFrom = mkOption {
          type = types.listOf types.str;
          default = [ ];
          description = "Who besides the host itself reaches the ports of portMappings.";
        };
        allowedEgress = mkOption {
          type = types.listOf types.str;
          default = [ ];
        };
        namespaceAddress = address "192.168.15.1";
        namespaceAddressIPv6 = address "fd93:9701:1d00::2";
        bridgeAddress = address "192.168.15.5";
        bridgeAddressIPv6 = address "fd93:9701:1d00::1";
        openVPNPorts = mkOption {
          default = [ ];
          type = types.listOf (types.submodule {
            options = {
              port = mkOption { type = types.port; };
              inherit protocol;
            };
          });
        };
        portMappings = mkOption {
          default = [ ];
          type = types.listOf (types.submodule {
            options = {
              from = mkOption { type = types.port; };
              to = mkOption { type = types.port; };
              inherit protocol;
            };
          });
        };
      };
    }
  );
  service = types.submodule (
    { config, ... }:
    {
      options.vpnConfinement = {
        enable = mkEnableOption "the service's VPN";
        vpnNamespace = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "Its VPN.";
        };
      };
      config.vpnrun = mkIf config.vpnConfinement.enable { vpn = config.vpnConfinement.vpnNamespace; };
    }
  );
  mapped = lib.filterAttrs (_: v: v.portMappings != [ ]) all;
  mapping = v: m: p: {
    port = "${if v.accessibleFrom == [ ] then "" else "0.0.0.0:"}${toString m.from}:${toString m.to}${if p == "udp" then "/udp" else ""}";
    rules = map (from: { inherit from p; dport = m.from; }) (builtins.filter (a: !(lib.hasInfix ":" a)) v.accessibleFrom);
  };
  mappings = v: lib.concatMap (m: map (mapping v m) (protocols m.protocol)) v.portMappings;
  rules = lib.concatMap (v: lib.concatMap (m: m.rules) (mappings v)) (builtins.attrValues mapped);
in
{
  options.vpnNamespaces = mkOption {
    type = types.attrsOf namespace;
    default = { };
    description = "VPNs by the options of VPN-Confinement; see services.vpnrun.";
  };
  options.systemd.services = mkOption { type = types.attrsOf service; };

  config = mkIf (all != { }) {
    assertions = map (n: {
      assertion = all.${n}.allowedEgress == [ ];
      message = "vpnNamespaces.${n}.allowedEgress: services.vpnrun lets no confined service out beside the tunnel; see --reach and --lan of vpnrun(1)";
    }) names
    ++ map (n: {
      assertion = builtins.all (a: !(lib.hasInfix ":" a)) all.${n}.accessibleFrom;
      message = "vpnNamespaces.${n}.accessibleFrom: ports are published on IPv4 addresses of the host here";
    }) names;
    warnings = [
      "vpnNamespaces: a service binds to 127.0.0.1 and not to namespaceAddress, and portMappings lead to it from the host's localhost; who comes from elsewhere by them has the tunnel's address there"
    ]
    ++ lib.optional (rules != [ ] && !config.networking.firewall.enable)
      "vpnNamespaces: networking.firewall is off, so that everybody, and not accessibleFrom alone, reaches the ports of portMappings";

    services.vpnrun.enable = true;
    services.vpnrun.vpns = lib.mapAttrs (_: v: {
      inherit (v) id;
      configFile = toString v.wireguardConfigFile;
      settings = lib.optionalAttrs (v.openVPNPorts != [ ]) {
        expose = lib.concatMap (o: map (p: "${toString o.port}/${p}") (protocols o.protocol)) v.openVPNPorts;
      };
    }) all;
    services.vpnrun.publish = lib.mapAttrs (n: v: {
      vpn = n;
      ports = map (m: m.port) (mappings v);
    }) mapped;
    networking.firewall = mkIf (rules != [ ]) {
      extraCommands = lib.concatMapStrings (r: "iptables -A nixos-fw -p ${r.p} -s ${r.from} --dport ${toString r.dport} -j nixos-fw-accept\n") rules;
      extraInputRules = lib.concatMapStrings (r: "ip saddr ${r.from} ${r.p} dport ${toString r.dport} accept\n") rules;
    };
  };
}
