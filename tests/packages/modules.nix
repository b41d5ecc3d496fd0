# SPDX-License-Identifier: GPL-2.0-or-later
# The modules with nixpkgs's own library, whose directory is NIXPKGS_LIB: types and merging are judged. Of NixOS's
# modules there is a stand-in: options that take anything, and systemd.services, which merges as NixOS's does.
let
  lib = import (builtins.getEnv "NIXPKGS_LIB");
  inherit (lib) mkOption types;
  anything = mkOption {
    type = types.attrsOf types.anything;
    default = { };
  };
  lines = mkOption {
    type = types.lines;
    default = "";
  };
  strings = mkOption {
    type = types.listOf types.str;
    default = [ ];
  };
  # As NixOS has it: one value, or lists that are put together.
  setting = types.mkOptionType {
    name = "systemd option";
    merge = loc: defs:
      if builtins.any (d: builtins.isList d.value) defs then
        lib.concatMap (d: lib.toList d.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
  settings = mkOption {
    type = types.attrsOf setting;
    default = { };
  };
  nixos = {
    options = {
      assertions = mkOption {
        type = types.listOf types.attrs;
        default = [ ];
      };
      warnings = strings;
      environment.etc = anything;
      environment.systemPackages = mkOption {
        type = types.listOf types.anything;
        default = [ ];
      };
      users.users = anything;
      users.groups = anything;
      networking.firewall.enable = mkOption {
        type = types.bool;
        default = true;
      };
      networking.firewall.extraCommands = lines;
      networking.firewall.extraInputRules = lines;
      systemd.packages = mkOption {
        type = types.listOf types.anything;
        default = [ ];
      };
      systemd.tmpfiles.rules = strings;
      systemd.sockets = anything;
      home.packages = mkOption {
        type = types.listOf types.anything;
        default = [ ];
      };
      systemd.services = mkOption {
        default = { };
        type = types.attrsOf (
          types.submodule {
            freeformType = types.attrsOf types.anything;
            options = {
              after = strings;
              before = strings;
              bindsTo = strings;
              conflicts = strings;
              requires = strings;
              wantedBy = strings;
              serviceConfig = settings;
              unitConfig = settings;
            };
          }
        );
      };
    };
    config._module.args.pkgs = {
      callPackage = _: _: { type = "derivation"; name = "vpnrun"; outPath = "/package"; };
      writeTextDir = path: text: { inherit path text; };
      runCommand = name: _: text: { inherit name text; };
    };
  };
  evaluated = modules: (lib.evalModules { modules = [ nixos ../../contrib/nix/module.nix ] ++ modules; }).config;
  mullvad = {
    services.vpnrun.enable = true;
    services.vpnrun.vpns.mullvad = {
      id = 1;
      configFile = "/run/secrets/mullvad.conf";
      hold = true;
    };
  };
  confined = {
    systemd.services.plain.serviceConfig.ExecStart = "/bin/true";
    systemd.services.plain.vpnrun.vpn = "mullvad";
  };
  unit = s: { systemd.services.other = { vpnrun.vpn = "mullvad"; } // s; };
  failing = modules: map (a: a.message) (builtins.filter (a: !a.assertion) (evaluated modules).assertions);
  good = evaluated [ mullvad confined (unit { serviceConfig.SystemCallFilter = "@system-service"; serviceConfig.RestrictAddressFamilies = [ "AF_UNIX AF_INET" ]; }) ];
  theirs = evaluated [
    ../../contrib/nix/vpn-confinement.nix
    {
      vpnNamespaces.wg = {
        enable = true;
        wireguardConfigFile = /. + "/secrets/wg0.conf";
        accessibleFrom = [ "192.168.0.0/24" ];
        portMappings = [ { from = 9091; to = 9091; protocol = "both"; } ];
        openVPNPorts = [ { port = 60729; protocol = "both"; } ];
      };
      vpnNamespaces.off = { };
      systemd.services.transmission.vpnConfinement = {
        enable = true;
        vpnNamespace = "wg";
      };
    }
  ];
  failed = config: map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  home = evaluated [
    ../../contrib/nix/home.nix
    {
      programs.vpnrun.wrap.firefox = {
        package = { type = "derivation"; name = "firefox-1"; outPath = "/nix/store/x-firefox-1"; };
        vpn = "mullvad";
        policy = "browser";
      };
    }
  ];
in
{
  good = failed good;
  plain = good.systemd.services.plain;
  other = good.systemd.services.other.serviceConfig;
  etc = map (p: if p ? path then p else { }) good.systemd.packages;
  families = failing [ mullvad (unit { serviceConfig.RestrictAddressFamilies = "~AF_PACKET"; }) ];
  bus = failing [ mullvad (unit { serviceConfig.Type = "dbus"; }) ];
  nowhere = failing [ mullvad (unit { vpnrun.vpn = "nothing"; }) ];
  bridge = failing [ mullvad { services.vpnrun.vpns.mullvad.layout = "bridge"; } confined ];
  sane = failed (evaluated [
    {
      sane.vpn.home = {
        id = 7;
        endpoint = "vpn.example.com:55280";
        publicKey = "TYQIuPkwrfHoWCbqHX7MUAcg+tjAx0BeBvT9K1iCcVo=";
        addrV4 = "172.27.12.34";
        privateKeyFile = "/run/secrets/wg-home.priv";
      };
    }
  ]);
  theirs = {
    failed = failed theirs;
    inherit (theirs) warnings;
    files = builtins.mapAttrs (_: f: f.text) theirs.environment.etc;
    firewall = theirs.networking.firewall;
    units = builtins.attrNames theirs.systemd.services;
    service = theirs.systemd.services.transmission.serviceConfig.NetworkNamespacePath;
  };
  egress = failing [
    ../../contrib/nix/vpn-confinement.nix
    { vpnNamespaces.wg = { enable = true; wireguardConfigFile = "/a"; allowedEgress = [ "10.0.0.1" ]; }; }
  ];
  home = map (p: p.text) home.home.packages;
}
