# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun: build, install, test. `make` builds into build/, laid out as an installation is.
# V=1 shows the commands; WERROR=1 makes warnings errors (CI does).

PREFIX     ?= /usr/local
DESTDIR    ?=
SYSCONFDIR ?= /etc
B          ?= build
CC         ?= cc
PKG_CONFIG ?= pkg-config
# The one place: programs, the tarball and the packages have it from here (tests/lint/version.t).
VERSION    := 0.2.0
# STATIC=no links everything to shared libraries, for distributions whose rule that is.
STATIC     ?= yes

ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

cc-option = $(shell t=$$(mktemp); echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c - -o $$t >/dev/null 2>&1 && echo '$(1)'; rm -f $$t)
# Each question takes a tenth of a second. So they are asked when the first file is compiled, once, and one by one only
# where the compiler lacks one of them: in each of four hundred commands anew, it took longer than to compile.
cc-options = $(or $(call cc-option,$(1)),$(foreach o,$(1),$(call cc-option,$(o))))
WARN_KNOWN = $(eval WARN_KNOWN := $(call cc-options,-Wlogical-op -Wduplicated-cond -Wjump-misses-init))$(WARN_KNOWN)
HARDENING_KNOWN = $(eval HARDENING_KNOWN := $(call cc-options,-fstack-clash-protection -fcf-protection=full \
	-ftrivial-auto-var-init=zero))$(HARDENING_KNOWN)

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wformat=2 -Wswitch-enum -Wnull-dereference $(WARN_KNOWN)
ifeq ($(WERROR),1)
WARN += -Werror
endif

# Distributions replace this whole variable by their own.
HARDENING ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong $(HARDENING_KNOWN)
HARDENING_LD ?= -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs

CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARN) $(HARDENING) -fno-strict-aliasing -fno-delete-null-pointer-checks -ffunction-sections \
	-fPIE -D_GNU_SOURCE -DVPNRUN_VERSION='"$(VERSION)"' -Isrc -I$(B)/gen $(CFLAGS) $(SAN)
ALL_LDFLAGS = -pie $(HARDENING_LD) -Wl,--as-needed $(LDFLAGS) $(SAN)

LIBS_CTL = -lcap -ljansson -lseccomp -lnftables -lresolv

LIB_SRC := $(sort $(wildcard src/base/*.c src/nf/*.c src/nl/*.c src/ns/*.c src/session/*.c $(foreach r,conf state tunnel want ensure wall lan up default keeper plug,src/$(r)/*.c) src/box/*.c src/ipc/*.c src/launch/*.c src/line/*.c src/policy/*.c src/relay/*.c src/running/*.c))
# The commands of vpnctl, by idea.
CTL_SRC := $(sort $(wildcard $(foreach r,ctl look leak confine wrap files engine command,src/$(r)/*.c)))
BRK_SRC := $(sort $(wildcard src/broker/*.c) src/plugd/allow.c src/plugd/whose.c)
PLG_SRC := $(sort $(wildcard src/plugd/*.c))
LIB_OBJ := $(LIB_SRC:src/%.c=$(B)/obj/%.o)
LIB     := $(B)/libvpnrun.a

PROGRAMS := $(B)/bin/vpnrun $(B)/bin/vpnctl $(B)/libexec/vpnrun/vpnrund $(B)/libexec/vpnrun/vpnrund-plug

all: $(PROGRAMS) $(B)/libexec/vpnrun/vpnrun-notify policies

$(B)/libexec/vpnrun/vpnrun-notify: contrib/desktop/vpnrun-notify
	@mkdir -p $(@D)
	$(Q)install -m 0755 $< $@

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) qcs $@ $^

# The launcher needs libc alone, and starts a fifth of a millisecond faster without the dynamic linker.
# The broker's two programs are linked in the same way, and hold no code that they do not call.
LAUNCHER_LD ?= $(if $(SAN)$(filter no,$(STATIC)),,$(call cc-option,-static-pie))
LAUNCHER_LD := $(LAUNCHER_LD)
STATIC_LD = $(if $(LAUNCHER_LD),$(filter-out -pie,$(ALL_LDFLAGS)) $(LAUNCHER_LD),$(ALL_LDFLAGS)) -Wl,--gc-sections

# With musl it starts faster still, where it is installed: at each start glibc 2.36 asks the processor for
# its caches by some ninety CPUID instructions, which a hypervisor answers one by one, for half a
# millisecond of every launch. LAUNCHER_CC= means the compiler of the rest.
MUSL_GCC := $(if $(LAUNCHER_LD),$(if $(findstring coverage,$(CFLAGS)),,$(shell command -v musl-gcc)))
musl-dir = $(patsubst %/Scrt1.o,%,$(filter %/Scrt1.o,$(subst ", ,$(shell $(1) -### -x c /dev/null 2>&1))))
LAUNCHER_CC ?= $(if $(MUSL_GCC),$(if $(wildcard $(call musl-dir,$(MUSL_GCC))/rcrt1.o),$(filter ccache,$(CC)) $(MUSL_GCC)))
LAUNCHER_CC := $(LAUNCHER_CC)

ifeq ($(LAUNCHER_CC),)
LAUNCHER_OBJ := $(B)/obj/vpnrun.o $(LIB)
LAUNCHER_LINK = $(CC) $(if $(LAUNCHER_LD),$(filter-out -pie,$(ALL_LDFLAGS)) $(LAUNCHER_LD),$(ALL_LDFLAGS)) -o $@ $^
else
# musl-gcc knows neither the kernel's headers nor how a static program is made that may lie anywhere.
MUSL_DIR := $(call musl-dir,$(LAUNCHER_CC))
LAUNCHER_SRC := src/vpnrun.c $(shell grep -LE '^\#include <(sys/capability|jansson|seccomp|nftables/)' \
	$(filter-out src/box/isolate.c,$(filter $(foreach r,base box ipc launch line look nf nl ns plug relay running session state,src/$(r)/%),$(LIB_SRC))))
LAUNCHER_OBJ := $(LAUNCHER_SRC:src/%.c=$(B)/musl/%.o)
LAUNCHER_LINK = $(LAUNCHER_CC) $(filter-out -pie,$(ALL_LDFLAGS)) -static -nostartfiles \
	-Wl,-pie,--no-dynamic-linker,-z,text,--gc-sections -o $@ $(MUSL_DIR)/rcrt1.o $(MUSL_DIR)/crti.o $^ $(MUSL_DIR)/crtn.o
KERNEL_HEADERS := $(B)/gen/kernel

$(KERNEL_HEADERS):
	@mkdir -p $@
	$(Q)for d in linux asm-generic asm; do i=$$(echo "#include <$$d/types.h>" | $(CC) -M -x c - | tr ' ' '\n' | \
		grep "/$$d/types.h$$" | head -n 1); ln -sfn "$${i%/types.h}" $@/$$d || exit 1; done

$(B)/musl/%.o: src/%.c | $(KERNEL_HEADERS)
	@mkdir -p $(@D)
	$(call say,MUSL,$<)
	$(Q)$(LAUNCHER_CC) $(ALL_CFLAGS) -ffunction-sections -fdata-sections -isystem $(KERNEL_HEADERS) \
		-include netinet/in.h -D_LARGEFILE64_SOURCE -MMD -MP -c $< -o $@
endif

$(B)/bin/vpnrun: $(LAUNCHER_OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LAUNCHER_LINK)

$(B)/bin/vpnctl: $(B)/obj/vpnctl.o $(CTL_SRC:src/%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

$(B)/libexec/vpnrun/vpnrund: $(B)/obj/vpnrund.o $(BRK_SRC:src/%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(STATIC_LD) -o $@ $^

$(B)/libexec/vpnrun/vpnrund-plug: $(B)/obj/vpnrund_plug.o $(PLG_SRC:src/%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(STATIC_LD) -o $@ $^

# --- generated files -------------------------------------------------------------------------

# A build that was made of another version must not keep that one's name.
VERSION_OBJ := $(patsubst src/%.c,$(B)/obj/%.o,$(patsubst hooks/%,src/hooks/%,$(shell grep -rl VPNRUN_VERSION src hooks --include='*.c')))
$(VERSION_OBJ) $(VERSION_OBJ:$(B)/obj/%=$(B)/musl/%): $(B)/gen/version
$(B)/gen/version: $(if $(filter $(VERSION),$(file <$(B)/gen/version)),,version-changed)
	@mkdir -p $(@D)
	@echo '$(VERSION)' > $@

# Text of the firewall, embedded in vpnctl.
$(B)/gen/%.nft.h: policy/%.nft
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< > $@

$(B)/obj/wall/firewall.o: $(B)/gen/netns.nft.h $(B)/gen/netns-ip4.nft.h $(B)/gen/netns-ip6.nft.h \
	$(B)/gen/bridge.nft.h $(B)/gen/direct.nft.h $(B)/gen/bridge-ip4.nft.h $(B)/gen/bridge-ip6.nft.h \
	$(B)/gen/bridge-no6.nft.h $(B)/gen/bridge-busy.nft.h $(B)/gen/bridge-arp.nft.h $(B)/gen/dns.nft.h
$(B)/obj/wall/guard.o: $(B)/gen/bridge-guard.nft.h
$(B)/obj/wall/lan.o: $(B)/gen/netns-lan.nft.h
$(B)/obj/wall/lan_host.o: $(B)/gen/lan.nft.h

$(B)/obj/default/default_firewall.o: $(B)/gen/default.nft.h $(B)/gen/default-ip4.nft.h \
	$(B)/gen/default-ip6.nft.h $(B)/gen/default-strict.nft.h $(B)/gen/default-arp.nft.h
$(B)/obj/default/default_exempt.o: $(B)/gen/default-inbound.nft.h $(B)/gen/default-exclude.nft.h
$(B)/obj/default/default_boot.o: $(B)/gen/default-boot.nft.h

# --- installation ----------------------------------------------------------------------------

BINDIR     := $(PREFIX)/bin
LIBEXECDIR := $(PREFIX)/libexec/vpnrun
LIBDIR     := $(PREFIX)/lib/vpnrun
MANDIR     := $(PREFIX)/share/man
# systemd reads units of a local installation in /usr/local/lib too; sysusers and tmpfiles likewise.
UNITDIR     ?= $(PREFIX)/lib/systemd/system
USERUNITDIR ?= $(PREFIX)/lib/systemd/user
SYSUSERSDIR ?= $(if $(filter /usr,$(PREFIX)),/usr/lib,$(PREFIX)/lib)/sysusers.d
TMPFILESDIR ?= $(if $(filter /usr,$(PREFIX)),/usr/lib,$(PREFIX)/lib)/tmpfiles.d
NETWORKDIR  ?= $(if $(filter /usr,$(PREFIX)),/usr/lib,$(PREFIX)/lib)/systemd/network
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR        ?= $(PREFIX)/share/zsh/site-functions
FISHDIR       ?= $(PREFIX)/share/fish/vendor_completions.d
# The profile is for AppArmor 4: an older parser does not know what it allows, and nothing forbids it there.
APPARMORDIR ?= $(if $(wildcard $(DESTDIR)$(SYSCONFDIR)/apparmor.d/abi/4.0),$(SYSCONFDIR)/apparmor.d)
D := $(DESTDIR)

subst-paths = sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g'

install: all install-plugins
	install -d $(D)$(BINDIR) $(D)$(LIBEXECDIR) $(D)$(LIBDIR)/policy $(D)$(UNITDIR) $(D)$(USERUNITDIR) $(D)$(SYSUSERSDIR) \
		$(D)$(TMPFILESDIR) $(D)$(COMPLETIONDIR) $(D)$(ZSHDIR) $(D)$(FISHDIR) $(D)$(SYSCONFDIR)/vpnrun
	install -m 0755 $(B)/bin/vpnrun $(B)/bin/vpnctl $(D)$(BINDIR)
	install -m 0755 $(B)/libexec/vpnrun/vpnrund $(B)/libexec/vpnrun/vpnrund-plug $(B)/libexec/vpnrun/vpnrun-notify \
		contrib/desktop/vpnrun-notify-watch contrib/torrent/vpnrun-torrent-port contrib/setup/before-remove \
		$(D)$(LIBEXECDIR)
	$(install-hooks)
	$(install-dbus)
	install -m 0644 $(B)/lib/vpnrun/policy/*.bpf $(D)$(LIBDIR)/policy
	install -m 0644 contrib/systemd/vpnrund.socket contrib/systemd/vpnrund-plug.socket contrib/systemd/vpnrun-default.socket \
		contrib/systemd/vpnrun-keeper@.path $(D)$(UNITDIR)
	for u in vpnrund.service vpnrund-plug@.service vpnrun@.service vpnrun-keeper@.service vpnrun-hold@.service vpnrun-boot@.service \
		vpnrun-default@.service vpnrun-publish@.service; do \
		$(subst-paths) contrib/systemd/$$u.in > $(D)$(UNITDIR)/$$u && chmod 0644 $(D)$(UNITDIR)/$$u || exit 1; done
	$(subst-paths) contrib/systemd/vpnrun-notify.service.in > $(D)$(USERUNITDIR)/vpnrun-notify.service
	chmod 0644 $(D)$(USERUNITDIR)/vpnrun-notify.service
	install -d $(D)$(NETWORKDIR)
	install -m 0644 contrib/network/05-vpnrun.network contrib/network/05-vpnrun-bridge.network $(D)$(NETWORKDIR)
	install -m 0644 contrib/systemd/vpnrun.sysusers $(D)$(SYSUSERSDIR)/vpnrun.conf
	install -m 0644 contrib/systemd/vpnrun.tmpfiles $(D)$(TMPFILESDIR)/vpnrun.conf
	install -m 0644 contrib/completion/vpnrun.bash $(D)$(COMPLETIONDIR)/vpnrun
	ln -sf vpnrun $(D)$(COMPLETIONDIR)/vpnctl
	install -m 0644 contrib/completion/_vpnrun $(D)$(ZSHDIR)
	install -m 0644 contrib/completion/vpnrun.fish $(D)$(FISHDIR)
	ln -sf vpnrun.fish $(D)$(FISHDIR)/vpnctl.fish
	[ -z '$(APPARMORDIR)' ] || { install -d $(D)$(APPARMORDIR) && \
		$(subst-paths) policy/apparmor/vpnrun.in > $(D)$(APPARMORDIR)/vpnrun && \
		chmod 0644 $(D)$(APPARMORDIR)/vpnrun; }
	for m in src/man/*.[1-8]; do s=$${m##*.}; install -D -m 0644 $$m $(D)$(MANDIR)/man$$s/$${m##*/} || exit 1; done
	@[ -n '$(D)' ] || BINDIR='$(BINDIR)' tests/setup/after-install

uninstall:
	@[ -n '$(D)' ] || contrib/setup/before-remove
	rm -f $(D)$(BINDIR)/vpnrun $(D)$(BINDIR)/vpnctl $(D)$(UNITDIR)/vpnrund.socket \
		$(D)$(UNITDIR)/vpnrun-default.socket $(D)$(UNITDIR)/vpnrun-default@.service \
		$(D)$(UNITDIR)/vpnrund.service $(D)$(UNITDIR)/vpnrund-plug.socket \
		$(D)$(UNITDIR)/vpnrund-plug@.service $(D)$(UNITDIR)/vpnrun@.service $(D)$(UNITDIR)/vpnrun-publish@.service \
		$(D)$(UNITDIR)/vpnrun-keeper@.path $(D)$(UNITDIR)/vpnrun-keeper@.service \
		$(D)$(UNITDIR)/vpnrun-hold@.service $(D)$(UNITDIR)/vpnrun-boot@.service \
		$(D)$(USERUNITDIR)/vpnrun-notify.service $(D)$(SYSUSERSDIR)/vpnrun.conf $(D)$(TMPFILESDIR)/vpnrun.conf \
		$(D)$(COMPLETIONDIR)/vpnrun $(D)$(COMPLETIONDIR)/vpnctl \
		$(D)$(ZSHDIR)/_vpnrun $(D)$(FISHDIR)/vpnrun.fish $(D)$(FISHDIR)/vpnctl.fish
	for m in src/man/*.[1-8]; do rm -f $(D)$(MANDIR)/man$${m##*.}/$${m##*/}; done
	rm -f $(D)$(SYSCONFDIR)/containers/containers.conf.d/90-vpnrun.conf \
		$(D)/usr/share/containers/oci/hooks.d/vpnrun-*.json $(D)$(SYSCONFDIR)/apparmor.d/vpnrun
	rm -rf $(D)$(SYSCONFDIR)/vpnrun/oci
	rm -f $(D)$(NETWORKDIR)/05-vpnrun.network $(D)$(NETWORKDIR)/05-vpnrun-bridge.network
	rm -rf $(D)$(LIBEXECDIR) $(D)$(LIBDIR)
	@[ -n '$(D)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

# What to build and to test with; see tests/setup/deps for the other distributions.
deps:
	@tests/setup/deps build test

# --- development -----------------------------------------------------------------------------

# The trusted base: the functions that are linked into the process with a capability, in a build of its own that
# inlines none of them.
TCB_MAX = 1803
tcb:
	$(Q)$(MAKE) --no-print-directory B=$(B)/tcb HARDENING= HARDENING_LD= LAUNCHER_LD= CFLAGS='-O0 -g' \
		$(B)/tcb/libexec/vpnrun/vpnrund-plug >/dev/null
	@echo 'Linked into vpnrund-plug (CAP_NET_ADMIN):'
	@tests/lint/tcb.pl --max $(TCB_MAX) $(B)/tcb/libexec/vpnrun/vpnrund-plug src
	@echo 'Without any privilege: vpnrund as user vpnrun, vpnrun as the user.'

FORMATTED = $(shell find src hooks tests -name '*.[ch]')
# Each version formats a little otherwise, so one judges: Debian 12's.
CLANG_FORMAT_VERSION := 14
CLANG_FORMAT ?= $(shell command -v clang-format-$(CLANG_FORMAT_VERSION) || command -v clang-format)
CLANG_FORMAT_IS = $(if $(CLANG_FORMAT),$(shell $(CLANG_FORMAT) --version | sed -n 's/.*version \([0-9]*\).*/\1/p'))
clang-format-judges:
	@echo $(if $(CLANG_FORMAT),$(if $(filter $(CLANG_FORMAT_VERSION),$(CLANG_FORMAT_IS)),yes,no: \
		that of clang-format $(CLANG_FORMAT_VERSION) counts, and here is $(CLANG_FORMAT_IS)))
format:
	@[ '$(CLANG_FORMAT_IS)' = '$(CLANG_FORMAT_VERSION)' ] || { \
		echo 'format: needs clang-format $(CLANG_FORMAT_VERSION) (CLANG_FORMAT=PROGRAM): others format otherwise' >&2; exit 1; }
	$(CLANG_FORMAT) --style=file:src/.clang-format -i $(FORMATTED)
check-format:
	$(Q)case '$(CLANG_FORMAT_IS)' in \
	$(CLANG_FORMAT_VERSION)) printf '%s\n' $(FORMATTED) | \
		xargs -n 40 -P "$$(nproc)" $(CLANG_FORMAT) --style=file:src/.clang-format --dry-run -Werror ;; \
	*) echo 'check-format: left out, since the format of clang-format $(CLANG_FORMAT_VERSION) alone counts' ;; esac

# A second build with the sanitizers, in $(B)/asan; `make check` runs the unit tests there too.
asan:
	$(Q)$(MAKE) --no-print-directory B=$(B)/asan HARDENING= \
		CFLAGS='-O1 -g' SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		HARDENING_LD= all unit-tests fuzz-targets

UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/test_*.c))
NET_TOOLS  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/net/*.c tests/fault/*.c tests/model/*.c))
$(B)/tests/%: tests/%.c $(LIB) $(wildcard tests/unit/*.h)
	@mkdir -p $(@D) $(dir $(B)/obj/tests/$*)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(B)/obj/tests/$*.d -MT $@ -Itests $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS_CTL)

unit-tests: $(UNIT_TESTS)
net-tools: $(NET_TOOLS)
test-tools: net-tools unit-tests

# Everything that can be shown here; as root the rig and the guest too.
check:
	$(Q)tests/check $(B)

# What has changed since the format was last right: clang-format needs as long as a quarter of the tests.
$(B)/formatted: $(shell find src hooks tests -name '*.[ch]') src/.clang-format
	@mkdir -p $(@D)
	$(Q)$(MAKE) --no-print-directory check-format $(if $(wildcard $@),$(if $(filter %.clang-format,$?),,FORMATTED='$(filter %.c %.h,$?)'))
	@touch $@

# While one works: the format, the layers, the unit tests and the fixtures. No privilege, ten seconds on two
# processors. The longest come first, and as some of them only wait, more run than there are processors.
FAST_FIRST := tests/unit/archives.t tests/unit/import.t $(B)/tests/unit/test_state tests/unit/wrap.t \
	$(B)/tests/unit/test_relay tests/unit/exec.t tests/lint/layers.t tests/unit/complete.t tests/unit/policy.t \
	$(B)/tests/unit/test_use tests/unit/hook.t tests/unit/fixtures.t $(B)/tests/unit/test_up
check-fast:
	$(Q)tests/setup/deps build test || [ "$$(id -u)" != 0 ]
	$(Q)$(MAKE) --no-print-directory fast-tests
fast-tests: all unit-tests $(B)/tests/unit/policy_try $(B)/tests/net/mkvpn $(B)/formatted
	$(Q)B='$(abspath $(B))' VPNCTL='$(abspath $(B))/bin/vpnctl' prove -Q --jobs "$$(($$(nproc) * 2 + 1))" --exec tests/exec \
		$(FAST_FIRST) $(filter-out $(FAST_FIRST),$(wildcard tests/unit/*.t) $(UNIT_TESTS))

# For editors and clangd.
compile_commands.json:
	$(Q){ echo '['; for f in $$(find src hooks -name '*.c'); do printf '%s\n' "$$sep{ \"directory\": \"$(CURDIR)\", \"file\": \"$$f\"," \
		" \"arguments\": [ \"$(CC)\"$$(for a in $(subst ",\",$(ALL_CFLAGS)) -Ihooks -c $$f; do printf ', "%s"' "$$a"; done) ] }"; sep=,; done; echo ']'; } > $@

help:
	@printf '%s\n' 'make            builds into $(B)/, laid out as an installation is' \
		'make check      all tests; as root the rig, the engines and the guests too' \
		'make check-fast the format, the layers and the unit tests, in seconds' \
		'make check-rig  those files of the rig that catch most, in a minute and a half (root)' \
		'make check-model what may happen, step by step, DEPTH events in a row: no packet leaves' \
		'make check-fault every program fails and is killed at every system call' \
		'make check-engines  all tests of containers with the engines of Debian SUITE (trixie, sid)' \
		'make check-debian13, check-debian12  the demo and all tests from a clean system of that release' \
		'make check-soak  thousands of launches, restarts and containers, and nothing left' \
		'make fuzz       any bytes for every reader of them, for SECONDS each (clang)' \
		'make coverage   the lines of src and hooks that no test runs (clang; as root all tests)' \
		'make check-mutations each guard taken out: a test notices' \
		'make demo       the main job, on two VPN providers built for the moment (root)' \
		'make bench      launches and paths beside the kernel'\''s floor (BENCH=--quick)' \
		'make install    PREFIX=$(PREFIX) DESTDIR=; make uninstall' \
		'make dist       the tarball of VERSION, twice the same bits; STATIC=no: shared libraries only' \
		'make deb        packages for Debian; check-packages: installed, upgraded and purged (root)' \
		'make deps       what to build and test with' \
		'make tcb        what runs with a capability' \
		'make format, asan, clean, compile_commands.json' \
		'V=1 shows the commands, WERROR=1 makes warnings errors, B=DIR builds elsewhere'

clean:
	$(Q)rm -rf $(B)

.PHONY: version-changed all clean policies install uninstall deps tcb format check-format clang-format-judges asan unit-tests net-tools test-tools check check-fast fast-tests help
include policy/policy.mk
include policy/dbus.mk
include hooks/hooks.mk
include contrib/packages.mk
-include tests/tests.mk
-include tests/bench/bench.mk
-include $(shell find $(B)/obj $(B)/musl -name '*.d' 2>/dev/null)
