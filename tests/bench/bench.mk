# SPDX-License-Identifier: GPL-2.0-or-later
# The benchmark: numbers side by side in one run, a table and $(B)/bench.json. Root.
# BENCH='--quick', BENCH='--only flow' and the like are options of tests/bench/run.sh. With BESIDE=DIR, another tree that
# is built, the two are measured in turns in place of that: tests/bench/beside.pl.

BENCH_TOOLS := $(patsubst %,$(B)/bench/%,floor bench flow spawn)
BENCH_CFLAGS = -Itests/bench

bench-tools: $(BENCH_TOOLS)

$(B)/bench/%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(BENCH_CFLAGS) -MMD -MP -c $< -o $@

$(B)/bench/floor: $(B)/bench/floor.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(B)/bench/bench: $(addprefix $(B)/bench/,bench.o burst.o plug.o phases.o) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

$(B)/bench/flow $(B)/bench/spawn: %: %.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^

bench: all bench-tools
ifdef BESIDE
	$(Q)BESIDE_B='$(abspath $(B))' tests/bench/beside.pl '$(BESIDE)' $(BENCH)
else
	$(Q)B='$(abspath $(B))' tests/rig/rig run -- tests/bench/run.sh $(BENCH)
endif

# In the guest, where the tunnel is the kernel's. Its clock counts instructions and nothing else, so that other work on
# the machine changes nothing: one is a nanosecond there, with SHIFT=2 four, which is a slower processor.
bench-guest: all bench-tools vm-image
	$(Q)VM_ACCEL=tcg,thread=single VM_OPTIONS='-smp 1 -icount shift=$(or $(SHIFT),0),sleep=off' \
		tests/vm/run.sh '$(abspath $(B))/vm' '$(abspath $(B))' 'B=$$PWD/build BENCH_OUT=/tmp/bench.json \
		RIG_SLOW=1 RIG_SLOW_FACTOR=10 RIG_PATIENCE=30 RIG_WG=kernel exec tests/rig/rig run -- \
		tests/bench/run.sh $(or $(BENCH),--only flow --rounds 40)'

.PRECIOUS: $(B)/bench/%.o
.PHONY: bench bench-guest bench-tools
-include $(wildcard $(B)/bench/*.d)
