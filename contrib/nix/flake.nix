# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun as a flake: ?dir=contrib/nix behind the address of the repository.
{
  description = "Run one program, and nothing else, through a VPN";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: builtins.listToAttrs (map (s: { name = s; value = f nixpkgs.legacyPackages.${s}; }) systems);
    in
    {
      packages = each (pkgs: rec {
        vpnrun = pkgs.callPackage ./package.nix { };
        default = vpnrun;
      });
      overlays.default = final: _: { vpnrun = final.callPackage ./package.nix { }; };
      nixosModules.default = import ./module.nix;
      # In the place of VPN-Confinement's module.
      nixosModules.vpn-confinement.imports = [ ./module.nix ./vpn-confinement.nix ];
      homeModules.default = import ./home.nix;
    };
}
