# SPDX-License-Identifier: GPL-2.0-or-later
# Tests: the helpers of the rig, the demo, the second run in a virtual machine.
# Included by the top Makefile.

RIG_TOOLS := $(patsubst %,$(B)/rig/%,rigbox webd dnsd rigcap)

all: rig-tools
rig-tools: $(RIG_TOOLS)

$(B)/rig/%: tests/rig/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

# A 32-bit program, without any library: no 32-bit packages are needed.
ifeq ($(shell uname -m),x86_64)
test-tools: $(B)/tests/i386/old32
$(B)/tests/i386/old32: tests/i386/old32.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -m32 -O1 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fcf-protection=none \
		-fno-pie -fno-asynchronous-unwind-tables -nostdlib -static -o $@ $<
endif

# Stands before a library of the system's.
test-tools: $(B)/tests/shim/oldnft.so
$(B)/tests/shim/%.so: tests/shim/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O1 -Wall -Wextra -Werror -fPIC -shared -o $@ $<

# With functions of its own in the place of those that allocate.
MEMORY_WRAP := malloc calloc realloc reallocarray strdup strndup asprintf vasprintf open_memstream free
$(B)/tests/unit/test_memory: private ALL_LDFLAGS += $(MEMORY_WRAP:%=-Wl,--wrap=%)

# What to see first: the main job, in a private network of its own. Needs root, touches nothing.
# The packages come first and make starts again: what the compiler can do is asked as it starts.
demo:
	$(Q)tests/setup/deps build test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)B='$(abspath $(B))' tests/rig/rig run -- tests/rig/demo.sh

# Before a change is sent, after check-fast: those files of the rig that catch most, in a minute and a half.
check-rig:
	$(Q)tests/check '$(B)' quick

# At every system call each program fails and is killed, in both layouts: all points, not a sample. PROGRAM="up down" some of
# them, SAMPLE=N so many of each, SEED=S the same choice again, POINT=P.CALL:WHAT:N one alone, PART='--match KILL
# --slice 1/4 --keep /var/tmp/well' a part of them.
FAULTS = B='$(abspath $(B))' FAULT_SAMPLE='$(or $(SAMPLE),0)' FAULT_KINDS='$(PROGRAM)' FAULT_SEED='$(SEED)' FAULT_ONLY='$(POINT)' \
	FAULT_PART='$(PART)' \
	RIG_TIMEOUT=36000 prove -v --exec tests/exec
check-fault:
	$(Q)tests/setup/deps build test
	$(Q)$(MAKE) --no-print-directory all test-tools
	$(Q)$(FAULTS) tests/fault/*.t
	$(Q)RIG_LAYOUT=bridge $(FAULTS) tests/fault/control.t tests/fault/unread.t tests/fault/begun.t

# The same thing thousands of times, and nothing left. PROGRAM="launch restart" some of it, SCALE=10 a tenth.
check-soak:
	$(Q)tests/setup/deps build test engine
	$(Q)$(MAKE) --no-print-directory all test-tools
	$(Q)B='$(abspath $(B))' tests/rig/rig run --layout '$(or $(RIG_LAYOUT),netns)' -- \
		tests/fault/soak.pl --scale '$(or $(SCALE),100)' $(PROGRAM)

# What may happen to a VPN and to the machine's default, one step at a time, over the real lists and firewalls: DEPTH
# events in a row, each killed between any two steps. See tests/model/model.pl.
# All engine tests, not those of make check alone. SUITE=sid: with the engines of Debian's next release.
check-engines:
	$(Q)ALL_ENGINES=1 SUITE='$(or $(SUITE),trixie)' tests/check '$(B)' today

check-model: $(B)/tests/model/lists
	$(Q)B='$(abspath $(B))' DEPTH='$(or $(DEPTH),4)' tests/model/model.t

# Each guard taken out, one at a time: the test that is named for it notices. See tests/mutate/README.md.
check-mutations:
	$(Q)tests/setup/deps build test desktop
	$(Q)$(MAKE) --no-print-directory all test-tools
	$(Q)tests/setup/unpack '$(abspath $(B))/autofs' autofs && \
		tests/setup/unpack '$(abspath $(B))/openssh' openssh-server && \
		tests/setup/unpack '$(abspath $(B))/fetchmail' fetchmail
	$(Q)B='$(abspath $(B))' tests/mutate/mutate.pl
	$(Q)B='$(abspath $(B))' RULES=. prove --exec tests/exec tests/leak/rules.t

# A Debian guest under QEMU, whose kernel has WireGuard. The image is made once.
vm-image:
	$(Q)tests/setup/deps vm
	$(Q)tests/vm/build.sh '$(abspath $(B))/vm'

check-vm: vm-image
	$(Q)tests/setup/deps build test
	$(Q)$(MAKE) --no-print-directory all test-tools
	$(Q)mkdir -p '$(abspath $(B))/tap/vm'
	$(Q)B='$(abspath $(B))' TAP_DIR='$(abspath $(B))/tap/vm' \
		prove --timer --comments --exec tests/exec tests/vm/vm.t

# The same system as of check-nspawn, booted as a machine of its own in the guest.
check-system: vm-image nspawn-image
	$(Q)tests/setup/deps build test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)mkdir -p '$(abspath $(B))/tap/system'
	$(Q)B='$(abspath $(B))' TAP_DIR='$(abspath $(B))/tap/system' \
		prove --timer --comments --exec tests/exec tests/vm/system.t

# The same machine, which is closed from its start on until a VPN is its default; by hand.
check-closed: vm-image nspawn-image
	$(Q)$(MAKE) --no-print-directory all
	$(Q)B='$(abspath $(B))' prove --timer --comments --exec tests/exec tests/vm/closed.t

# A Debian with systemd on this kernel, booted inside the rig.
nspawn-image:
	$(Q)tests/setup/deps nspawn
	$(Q)tests/nspawn/build.sh '$(abspath $(B))/vm'

check-nspawn: nspawn-image
	$(Q)tests/setup/deps build test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)mkdir -p '$(abspath $(B))/tap/nspawn'
	$(Q)B='$(abspath $(B))' TAP_DIR='$(abspath $(B))/tap/nspawn' \
		prove --timer --comments --exec tests/exec tests/nspawn/*.t

# The demo and all tests from a clean Debian of that release, as CI runs them. SECTIONS="unit lint" some of them
# and no demo; AGAIN=1 on the system that the last run left.
check-debian12: suite := bookworm
check-debian13: suite := trixie
check-debian12 check-debian13:
	$(Q)tests/setup/deps tree
	$(Q)CI=true tests/setup/debian $(suite) '$(abspath $(B))/$(@:check-%=%)' \
		sh -c '$(if $(SECTIONS),,make demo && )exec $(if $(SECTIONS),tests/check build $(SECTIONS),make check)'

-include tests/fuzz/fuzz.mk
-include tests/coverage/coverage.mk

.PHONY: rig-tools demo check-rig check-engines check-debian12 check-debian13 check-model check-fault check-soak check-mutations vm-image check-vm check-system check-closed nspawn-image check-nspawn
