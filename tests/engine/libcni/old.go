// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !gc_status

// Of a libcni that knows neither GC nor STATUS.
package main

import (
	"context"
	"errors"

	"github.com/containernetworking/cni/libcni"
)

var errOld = errors.New("this libcni is too old for it")

func collect(context.Context, *libcni.CNIConfig, *libcni.NetworkConfigList, []string) error { return errOld }

func status(context.Context, *libcni.CNIConfig, *libcni.NetworkConfigList) error { return errOld }
