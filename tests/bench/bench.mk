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

$(B)/bench/bench: $(addprefix $(B)/bench/,bench.o plug.o phases.o) $(LIB)
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

.PRECIOUS: $(B)/bench/%.o
.PHONY: bench bench-tools
-include $(wildcard $(B)/bench/*.d)
