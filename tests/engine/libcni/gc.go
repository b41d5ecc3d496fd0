// SPDX-License-Identifier: GPL-2.0-or-later

//go:build gc_status

// GC and STATUS, of libcni from 1.2 on.
package main

import (
	"context"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

func collect(ctx context.Context, cni *libcni.CNIConfig, list *libcni.NetworkConfigList, valid []string) error {
	args := &libcni.GCArgs{}
	for _, v := range valid {
		container, ifname, _ := strings.Cut(v, "/")
		args.ValidAttachments = append(args.ValidAttachments, types.GCAttachment{ContainerID: container, IfName: ifname})
	}
	return cni.GCNetworkList(ctx, list, args)
}

func status(ctx context.Context, cni *libcni.CNIConfig, list *libcni.NetworkConfigList) error {
	return cni.GetStatusNetworkList(ctx, list)
}
