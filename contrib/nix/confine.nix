# SPDX-License-Identifier: GPL-2.0-or-later
# systemd.services.UNIT.vpnrun.vpn: what `vpnctl confine` does, for units that are built and not edited. The settings
# are those of its drop-in, which tests/packages/others compares; a unit whose own settings would be weakened by them, or
# would weaken them, is refused when the system is built.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.vpnrun;
  inherit (lib) mkDefault mkIf mkOption types;
  # What belongs to the network namespace, and nothing else.
  families = [ "AF_UNIX" "AF_INET" "AF_INET6" "AF_NETLINK" ];
  toList = v: if builtins.isList v then v else [ v ];
  words = v: builtins.filter (w: builtins.isString w && w != "") (lib.concatMap (builtins.split " ") (toList v));

  service = types.submodule (
    { name, config, ... }:
    {
      options.vpnrun = {
        vpn = mkOption {
          type = types.nullOr types.str;
          default = null;
          description = "The VPN of services.vpnrun.vpns that the service is put into; its layout is netns.";
        };
        keepBus = mkOption {
          type = types.bool;
          default = false;
          description = "Leave it the system bus, by which a program can also ask the host's resolver.";
        };
        onDemand = mkOption {
          type = types.bool;
          default = false;
          description = "The VPN does not start it: a timer, a socket or a person does.";
        };
      };
      config = mkIf (config.vpnrun.vpn != null) (
        let
          inherit (config.vpnrun) vpn;
          etc = "vpnrun-etc-${name}.service";
        in
        {
          # It stops with the VPN's namespace and never starts without it. The machine's start does not wait for it.
          bindsTo = [ "vpnrun@${vpn}.service" ];
          requires = [ "sysinit.target" etc ];
          after = [ "vpnrun@${vpn}.service" "sysinit.target" "basic.target" etc ];
          conflicts = [ "shutdown.target" ];
          before = [ "shutdown.target" ];
          unitConfig.DefaultDependencies = "no";
          wantedBy = lib.optional (!config.vpnrun.onDemand) "vpnrun@${vpn}.service";
          serviceConfig = {
            NetworkNamespacePath = "/run/netns/${vpn}";
            # Whole and read-only; what is linked into it is in the store.
            BindReadOnlyPaths = [ "/run/vpnrun/etc/${vpn}/%n:/etc" ];
            TemporaryFileSystem = [
              "/run/nscd:ro"
              "/run/systemd/resolve:ro"
              "/run/avahi-daemon:ro"
              "/run/resolvconf:ro"
              "/run/nslcd:ro"
            ] ++ lib.optional (!config.vpnrun.keepBus) "/run/dbus:ro";
            InaccessiblePaths = map (p: "-${p}") [
              "/run/docker.sock"
              "/run/docker"
              "/run/podman"
              "/run/containerd"
              "/run/crio"
              "/run/libvirt"
              "/run/lxd.socket"
              "/run/snapd.socket"
              "/run/NetworkManager"
              "/var/lib/sss/pipes"
              "/net"
              "/misc"
              "/afs"
            ];
            # systemd merges lists that allow. So the unit's own stands alone, and an assertion looks at it.
            RestrictAddressFamilies = mkDefault families;
            SystemCallArchitectures = "native";
            # The first list says what the rest means: behind the unit's own.
            SystemCallFilter = lib.mkOrder 2000 [
              "~io_uring_setup:EPERM io_uring_enter:EPERM io_uring_register:EPERM keyctl:EPERM add_key:EPERM request_key:EPERM setns:EPERM"
            ];
          };
        }
      );
    }
  );

  confined = lib.filterAttrs (_: s: s.vpnrun.vpn != null) config.systemd.services;
  names = builtins.attrNames confined;
  # A unit beside those of systemd.services, of which the list of confined services is made.
  etcUnit =
    n:
    let
      inherit (confined.${n}.vpnrun) vpn;
    in
    pkgs.writeTextDir "lib/systemd/system/vpnrun-etc-${n}.service" ''
      [Unit]
      Description=/etc of ${n}.service in VPN ${vpn}
      Documentation=man:vpnctl-confine(8)
      BindsTo=vpnrun@${vpn}.service
      After=vpnrun@${vpn}.service sysinit.target
      PartOf=${n}.service
      StartLimitIntervalSec=0
      StopWhenUnneeded=yes
      DefaultDependencies=no
      Requires=sysinit.target
      Conflicts=shutdown.target
      Before=shutdown.target

      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=${cfg.package}/bin/vpnctl confined-etc ${vpn} ${n}.service
      ExecStop=${cfg.package}/bin/vpnctl confined-etc --remove ${n}.service
    '';
  refuse = assertion: n: message: {
    inherit assertion;
    message = "systemd.services.${n}.vpnrun: ${message}";
  };
  judge =
    n:
    let
      s = confined.${n}.serviceConfig;
      inherit (confined.${n}.vpnrun) vpn keepBus;
      own = words (s.RestrictAddressFamilies or families);
    in
    [
      (refuse (cfg.enable && cfg.vpns ? ${vpn}) n "there is no VPN '${vpn}' in services.vpnrun.vpns, or services.vpnrun.enable is false")
      (refuse ((cfg.vpns.${vpn}.layout or "netns") == "netns") n "VPN '${vpn}' has no namespace that a service could be in: its layout is bridge")
      (refuse (keepBus || !(s ? BusName || (s.Type or "") == "dbus")) n
        "it answers on the system bus, by which the host's resolver can be asked too; if that is accepted: keepBus = true")
      (refuse (!(s ? RootDirectory || s ? RootImage)) n "it has a root directory of its own, whose /etc is not made here; use vpnctl confine's drop-in by hand")
      (refuse (builtins.all (f: builtins.elem f families || f == "none") own) n
        "its RestrictAddressFamilies allows more than ${toString families}; a list of these is needed")
      (refuse (builtins.match "[A-Za-z0-9_.:-]+" n != null) n "a template or a name with escapes is confined by vpnctl confine alone")
    ];
in
{
  options.systemd.services = mkOption { type = types.attrsOf service; };
  config = mkIf (confined != { }) {
    assertions = lib.concatMap judge names;
    systemd.packages = map etcUnit names;
  };
}
