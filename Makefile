# vpnrun: build, install, test. `make` builds into build/, laid out as an installation is.
# V=1 shows the commands; WERROR=1 makes warnings errors (CI does).

PREFIX     ?= /usr/local
DESTDIR    ?=
SYSCONFDIR ?= /etc
B          ?= build
CC         ?= cc
PKG_CONFIG ?= pkg-config
VERSION    := 0.1.0

ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

cc-option = $(shell t=$$(mktemp); echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c - -o $$t >/dev/null 2>&1 && echo '$(1)'; rm -f $$t)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wformat=2 -Wswitch-enum -Wnull-dereference
WARN += $(call cc-option,-Wlogical-op) $(call cc-option,-Wduplicated-cond) \
	$(call cc-option,-Wjump-misses-init)
ifeq ($(WERROR),1)
WARN += -Werror
endif

# Distributions replace this whole variable by their own.
HARDENING ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	$(call cc-option,-fstack-clash-protection) $(call cc-option,-fcf-protection=full) \
	$(call cc-option,-ftrivial-auto-var-init=zero)
HARDENING_LD ?= -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs

CFLAGS  ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(WARN) $(HARDENING) -fno-strict-aliasing -fno-delete-null-pointer-checks \
	-fPIE -D_GNU_SOURCE -DVPNRUN_VERSION='"$(VERSION)"' -Isrc -I$(B)/gen $(CFLAGS) $(SAN)
ALL_LDFLAGS = -pie $(HARDENING_LD) -Wl,--as-needed $(LDFLAGS) $(SAN)

LIBS_RUN = -lmnl -lcap
LIBS_CTL = -lmnl -lcap -ljansson -lseccomp -lnftables

LIB_SRC := $(sort $(wildcard src/base/*.c src/nl/*.c src/ns/*.c src/vpn/*.c src/box/*.c src/ipc/*.c src/policy/*.c))
CTL_SRC := $(sort $(wildcard src/ctl/*.c))
BRK_SRC := $(sort $(wildcard src/broker/*.c))
LIB_OBJ := $(LIB_SRC:src/%.c=$(B)/obj/%.o)
LIB     := $(B)/libvpnrun.a

PROGRAMS := $(B)/bin/vpnrun $(B)/bin/vpnctl $(B)/libexec/vpnrun/vpnrund

all: $(PROGRAMS) policies


$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(B)/bin/vpnrun: $(B)/obj/vpnrun.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_RUN)

$(B)/bin/vpnctl: $(B)/obj/vpnctl.o $(CTL_SRC:src/%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_CTL)

$(B)/libexec/vpnrun/vpnrund: $(B)/obj/vpnrund.o $(BRK_SRC:src/%.c=$(B)/obj/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,-Map=$@.map -o $@ $^ $(LIBS_RUN)

# --- generated files -------------------------------------------------------------------------

# Text of the firewall, embedded in vpnctl.
$(B)/gen/%.nft.h: policy/%.nft
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< > $@

$(B)/obj/vpn/firewall.o: $(B)/gen/netns.nft.h $(B)/gen/netns-ip4.nft.h $(B)/gen/netns-ip6.nft.h

clean:
	$(Q)rm -rf $(B)

.PHONY: all clean policies
-include tests/tests.mk
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
