# SPDX-License-Identifier: GPL-2.0-or-later
# services.vpnrun: the broker, and VPNs that are /etc/vpnrun/NAME.json. A deploy strands nobody: a VPN whose file has
# changed is reloaded, which renews its tunnel and leaves everybody inside.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.vpnrun;
  inherit (lib)
    mkEnableOption
    mkIf
    mkOption
    types
    ;
  names = builtins.attrNames cfg.vpns;
  published = builtins.attrNames cfg.publish;
  file =
    v:
    v.settings
    // {
      inherit (v) id;
    }
    // lib.optionalAttrs (v.layout != "netns") { inherit (v) layout; }
    // lib.optionalAttrs (v.configFile != null) { config = v.configFile; }
    // lib.optionalAttrs (v.privateKeyFile != null) { private_key_file = v.privateKeyFile; };
  secrets = v: builtins.filter (p: p != null) [ v.configFile v.privateKeyFile ];
  vpn = types.submodule {
    options = {
      id = mkOption {
        type = types.ints.between 1 99;
        description = "Its number, its own; the lowest is the default VPN.";
      };
      configFile = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The provider's WireGuard file, as it was downloaded: outside the store, which everybody reads.";
      };
      privateKeyFile = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The private key, where there is no configFile: outside the store.";
      };
      layout = mkOption {
        type = types.enum [ "netns" "bridge" ];
        default = "netns";
        description = "Where its bridge is: in a namespace of its own, or in the host's.";
      };
      autoStart = mkOption {
        type = types.bool;
        default = true;
        description = "Up with the machine, which does not wait for it.";
      };
      hold = mkOption {
        type = types.bool;
        default = false;
        description = "Closed from the start of the machine, so that containers may start before it is up.";
      };
      settings = mkOption {
        type = types.attrsOf types.anything;
        default = { };
        example = { dns = [ "10.64.0.1" ]; };
        description = "Every other key of vpnrun.json(5).";
      };
    };
  };
in
{
  imports = [
    ./confine.nix
    ./sane-vpn.nix
  ];

  options.services.vpnrun = {
    enable = mkEnableOption "vpnrun, which runs one program through a VPN";
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      description = "The package.";
    };
    users = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Who may use the VPNs that name nobody else: members of the group vpnrun.";
    };
    vpns = mkOption {
      type = types.attrsOf vpn;
      default = { };
      description = "The VPNs, by name.";
    };
    publish = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            vpn = mkOption {
              type = types.str;
              description = "The VPN that the service is in.";
            };
            ports = mkOption {
              type = types.listOf types.str;
              example = [ "9091:9091" "100.64.0.7:9091:9091" "5353:53/udp" ];
              description = "[ADDRESS:]HOST:INSIDE[/udp], as of vpnctl publish; on the host's localhost if none is said.";
            };
          };
        }
      );
      default = { };
      description = "Ports of services in a VPN that are reached on the host.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.allUnique (map (n: cfg.vpns.${n}.id) names);
        message = "services.vpnrun: two VPNs have the same id";
      }
    ]
    ++ map (n: {
      assertion = builtins.match "[A-Za-z0-9][A-Za-z0-9_-]{0,14}" n != null;
      message = "services.vpnrun: '${n}' is not a name of a VPN: at most 15 letters, digits, '-' and '_'";
    }) names
    ++ map (n: {
      assertion = builtins.all (p: !(lib.hasPrefix "/nix/store" p)) (secrets cfg.vpns.${n});
      message = "services.vpnrun.vpns.${n}: a key in the store can be read by everybody; name a file outside it";
    }) names
    ++ map (n: {
      assertion = cfg.vpns ? ${cfg.publish.${n}.vpn};
      message = "services.vpnrun.publish.${n}: there is no VPN '${cfg.publish.${n}.vpn}' in services.vpnrun.vpns";
    }) published;

    environment.systemPackages = [ cfg.package ];
    environment.etc = lib.listToAttrs (
      map (n: {
        name = "vpnrun/${n}.json";
        value.text = builtins.toJSON (file cfg.vpns.${n});
      }) names
      ++ map (n: {
        name = "vpnrun/publish-${n}.env";
        value.text = ''
          VPN=${cfg.publish.${n}.vpn}
          PORTS=${toString cfg.publish.${n}.ports}
        '';
      }) published
    );
    users.groups.vpnrun.members = cfg.users;
    users.users.vpnrun = {
      isSystemUser = true;
      group = "vpnrun";
      home = "/run/vpnrun";
      description = "vpnrun broker";
    };

    systemd.packages = [ cfg.package ];
    systemd.tmpfiles.rules = [ "d /run/vpnrun 0755 root root -" ];
    systemd.sockets.vpnrund.wantedBy = [ "sockets.target" ];
    systemd.services = lib.listToAttrs (
      lib.concatMap (
        n:
        let
          v = cfg.vpns.${n};
        in
        lib.optional v.autoStart {
          name = "vpnrun@${n}";
          value = {
            overrideStrategy = "asDropin";
            wantedBy = [ "multi-user.target" ];
            reloadIfChanged = true;
            reloadTriggers = [ (builtins.toJSON (file v)) ];
          };
        }
        ++ lib.optional v.hold {
          name = "vpnrun-hold@${n}";
          value = {
            overrideStrategy = "asDropin";
            wantedBy = [ "basic.target" ];
            restartIfChanged = false;
          };
        }
      ) names
      ++ map (n: {
        name = "vpnrun-publish@${n}";
        value = {
          overrideStrategy = "asDropin";
          wantedBy = [ "multi-user.target" ];
          restartTriggers = [ (toString cfg.publish.${n}.ports) ];
        };
      }) published
    );
  };
}
