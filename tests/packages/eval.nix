# SPDX-License-Identifier: GPL-2.0-or-later
# The module without nixpkgs, which Debian has not: with a stand-in for the few functions of its library, and with the
# defaults of options filled in. So types are not judged here, nor what NixOS makes of the values.
let
  lib = {
    mkOption = o: o;
    mkEnableOption = d: { default = false; description = d; };
    mkIf = c: v: if c then v else { };
    types = builtins.listToAttrs (
      map (n: { name = n; value = _: { }; }) [ "nullOr" "listOf" "attrsOf" "enum" "submodule" ]
    ) // { str = { }; bool = { }; package = { }; anything = { }; path = { }; either = _: _: { }; ints.between = _: _: { }; };
    optionalAttrs = c: v: if c then v else { };
    optional = c: v: if c then [ v ] else [ ];
    hasPrefix = p: s: builtins.substring 0 (builtins.stringLength p) s == p;
    hasInfix = p: s: builtins.match ".*${p}.*" s != null;
    allUnique = l: builtins.length l == builtins.length (builtins.attrNames (builtins.listToAttrs (map (x: { name = toString x; value = x; }) l)));
    inherit (builtins) listToAttrs concatMap mapAttrs;
  };
  defaults = { configFile = null; privateKeyFile = null; layout = "netns"; autoStart = true; hold = false; settings = { }; };
  sane = import ../../contrib/nix/sane-vpn.nix {
    inherit lib;
    config.sane.vpn.home = {
      id = 7;
      endpoint = "vpn.example.com:55280";
      publicKey = "TYQIuPkwrfHoWCbqHX7MUAcg+tjAx0BeBvT9K1iCcVo=";
      addrV4 = "172.27.12.34";
      dns = [ "46.227.67.134" ];
      bridgeDevice = "br-home";
      privateKeyFile = "/run/secrets/wg-home.priv";
    };
  };
  evaluated = vpns: import ../../contrib/nix/module.nix {
    inherit lib;
    pkgs.callPackage = f: _: f;
    config.services.vpnrun = {
      enable = true;
      package = "/package";
      users = [ "alice" ];
      publish = { };
      vpns = builtins.mapAttrs (_: v: defaults // v) vpns;
    };
  };
  good = evaluated (sane.config.services.vpnrun.vpns // {
    mullvad = { id = 1; configFile = "/run/secrets/mullvad.conf"; hold = true; };
  });
  failing = vpns: map (a: a.message) (builtins.filter (a: !a.assertion) (evaluated vpns).config.assertions);
in
{
  files = builtins.mapAttrs (_: f: f.text) good.config.environment.etc;
  units = builtins.attrNames good.config.systemd.services;
  good = builtins.filter (a: !a.assertion) good.config.assertions;
  twice = failing { a = { id = 1; configFile = "/a"; }; b = { id = 1; configFile = "/b"; }; };
  stored = failing { a = { id = 1; configFile = "/nix/store/x-a.conf"; }; };
  named = failing { "much-too-long-a-name" = { id = 1; configFile = "/a"; }; };
}
