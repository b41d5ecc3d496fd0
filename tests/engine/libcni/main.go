// SPDX-License-Identifier: GPL-2.0-or-later

// What containerd, CRI-O, Multus and podman do for a container's network: one call of libcni, with the library's own
// cache and its own reading of results and errors. A refusal is JSON on stdout, as the library understood it, and 1.
//
// usage: libcni add|check|del|cached LIST CONTAINER NETNS IFNAME [CAPABILITIES]
//        libcni as VERSION LIST CONTAINER NETNS IFNAME
//        libcni version|validate|status LIST
//        libcni gc LIST [CONTAINER/IFNAME...]
//
// CNI_PATH says where plugins lie, CNI_CACHE where the library keeps its own files, CNI_ARGS is KEY=VALUE;KEY=VALUE.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

func runtimeOf(arg []string) (*libcni.RuntimeConf, error) {
	if len(arg) < 3 {
		return nil, errors.New("usage: libcni COMMAND LIST CONTAINER NETNS IFNAME [CAPABILITIES]")
	}
	rt := &libcni.RuntimeConf{ContainerID: arg[0], NetNS: arg[1], IfName: arg[2]}
	if len(arg) > 3 {
		if err := json.Unmarshal([]byte(arg[3]), &rt.CapabilityArgs); err != nil {
			return nil, err
		}
	}
	for _, pair := range strings.Split(os.Getenv("CNI_ARGS"), ";") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			rt.Args = append(rt.Args, [2]string{key, value})
		}
	}
	return rt, nil
}

func attachment(ctx context.Context, cni *libcni.CNIConfig, list *libcni.NetworkConfigList, arg []string) (any, error) {
	rt, err := runtimeOf(arg[1:])
	if err != nil {
		return nil, err
	}
	switch arg[0] {
	case "add":
		return cni.AddNetworkList(ctx, list, rt)
	case "check":
		return nil, cni.CheckNetworkList(ctx, list, rt)
	case "del":
		return nil, cni.DelNetworkList(ctx, list, rt)
	}
	return cni.GetNetworkListCachedResult(list, rt)
}

func versions(ctx context.Context, cni *libcni.CNIConfig, list *libcni.NetworkConfigList) (any, error) {
	info, err := cni.GetVersionInfo(ctx, list.Plugins[0].Network.Type)
	if err != nil {
		return nil, err
	}
	return info.SupportedVersions(), nil
}

func call(arg []string) (any, error) {
	as := ""
	if len(arg) > 1 && arg[0] == "as" {
		as, arg = arg[1], append([]string{"cached"}, arg[2:]...)
	}
	if len(arg) < 2 {
		return nil, errors.New("usage: libcni COMMAND LIST ...")
	}
	text, err := os.ReadFile(arg[1])
	if err != nil {
		return nil, err
	}
	list, err := libcni.ConfListFromBytes(text)
	if err != nil {
		return nil, err
	}
	cni := libcni.NewCNIConfigWithCacheDir(strings.Split(os.Getenv("CNI_PATH"), ":"), os.Getenv("CNI_CACHE"), nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch arg[0] {
	case "version":
		return versions(ctx, cni, list)
	case "validate":
		return cni.ValidateNetworkList(ctx, list)
	case "gc":
		return nil, collect(ctx, cni, list, arg[2:])
	case "status":
		return nil, status(ctx, cni, list)
	}
	result, err := attachment(ctx, cni, list, append(arg[:1:1], arg[2:]...))
	if r, ok := result.(types.Result); ok && as != "" && err == nil {
		return r.GetAsVersion(as)
	}
	return result, err
}

func main() {
	answer, err := call(os.Args[1:])
	if err == nil && answer != nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err == nil {
		return
	}
	said := struct {
		Code         uint
		Msg, Details string
		Whole        string
	}{Whole: err.Error()}
	var e *types.Error
	if errors.As(err, &e) {
		said.Code, said.Msg, said.Details = e.Code, e.Msg, e.Details
	}
	if json.NewEncoder(os.Stdout).Encode(said) != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}
