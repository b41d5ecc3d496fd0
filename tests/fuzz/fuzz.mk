# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzing: every reader of bytes from outside, each by a target of its own (README.md has the table).
# Included by tests/tests.mk.
#
#   make fuzz SECONDS=600            each target for ten minutes, one after the other
#   make fuzz TARGET=netlink SECONDS=60
#
# Needs clang and its runtime. The corpora alone, which run with any compiler, are a part of `make check`.

FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
SECONDS ?= 60

# The whole program but for the mains, behind a world that lies.
FUZZ_MAINS := $(B)/obj/hooks/cni/vpnrun.o $(B)/obj/hooks/netavark/vpnrun.o $(B)/obj/hooks/oci/vpnrun-hook.o
FUZZ_PARTS := $(CTL_SRC:src/%.c=$(B)/obj/%.o) $(BRK_SRC:src/%.c=$(B)/obj/%.o) $(PLG_SRC:src/%.c=$(B)/obj/%.o) \
	$(BUS_OBJ) $(filter-out $(FUZZ_MAINS),$(patsubst hooks/%.c,$(B)/obj/hooks/%.o,$(wildcard hooks/*/*.c)))
FUZZ_LIB   := $(B)/libfuzz.a
FUZZ_LIBS  := $(LIBS_CTL) $(DBUS_LIBS)

# What the world answers in libc's place.
FUZZ_WRAP := open openat fopen close stat lstat fstatat access faccessat readlink readlinkat opendir fdopendir \
	readdir closedir socket connect bind setsockopt getsockname sendto send sendmsg recvfrom recv recvmsg read poll \
	scandir glob mkdir rmdir unlink rename symlink kill mount gethostname util_now_ms
# -fsanitize=fuzzer brings a main of its own; without it, files are replayed.
FUZZ_MAIN ?= $(B)/obj/tests/fuzz/replay.o
FUZZ_LD   ?=
FUZZ_CC    = $(CC) $(ALL_CFLAGS) -Ihooks -Itests $(DBUS_CFLAGS) -Wno-missing-prototypes

$(FUZZ_LIB): $(sort $(FUZZ_PARTS)) $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) qcs $@ $^

$(B)/obj/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_CC) -MMD -MP -c $< -o $@

$(B)/libexec/vpnrun/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/world.o $(FUZZ_LIB) \
		$(if $(FUZZ_LD),,$(B)/obj/tests/fuzz/replay.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(FUZZ_LD) $(patsubst %,-Wl$(comma)--wrap=%,$(FUZZ_WRAP)) -o $@ \
		$(filter-out $(FUZZ_LIB),$^) $(FUZZ_LIB) $(FUZZ_LIBS)

.SECONDARY: $(FUZZ_TARGETS:%=$(B)/obj/tests/fuzz/fuzz_%.o) $(B)/obj/tests/fuzz/world.o $(B)/obj/tests/fuzz/replay.o
comma := ,

# They lie where the programs do, because some find the policies from where they are.
fuzz-targets: $(FUZZ_TARGETS:%=$(B)/libexec/vpnrun/fuzz_%) policies $(OCI_POLICIES)

fuzz:
	$(Q)B='$(abspath $(B))' tests/fuzz/run --seconds '$(SECONDS)' $(TARGET)

.PHONY: fuzz fuzz-targets
