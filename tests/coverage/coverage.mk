# SPDX-License-Identifier: GPL-2.0-or-later
# Which lines of src and hooks the tests run, in a build of its own: tests/coverage/README.md.
# SECTIONS="unit net" some of the tests, TESTS="FILE..." some files, SECTIONS=none just the report; LINES=1 every line that
# has not run. What runs have shown adds up, until FRESH=1 or the programs change.

COVERAGE_B := $(abspath $(B))/coverage
COVERAGE_FLAGS := -O0 -g -Xclang -fsanitize-coverage-type=2 -Xclang -fsanitize-coverage-no-prune \
	-Xclang -fsanitize-coverage-inline-bool-flag -Xclang -fsanitize-coverage-pc-table
COVERAGE_BUILD := B='$(COVERAGE_B)' CC='$(filter ccache,$(CC)) clang' HARDENING= WERROR= CFLAGS='$(COVERAGE_FLAGS)' \
	LDFLAGS='-Wl,-T,$(CURDIR)/tests/coverage/keep.ld $(COVERAGE_B)/keep.o'

# What was linked with another one is linked again.
$(COVERAGE_B)/keep.o: tests/coverage/keep.c tests/coverage/keep.ld tests/coverage/coverage.mk
	$(Q)tests/setup/deps build test coverage
	$(Q)rm -rf $(patsubst %,'$(COVERAGE_B)/%',bin libexec tests tools rig)
	$(Q)install -d -m 0755 '$(COVERAGE_B)' '$(COVERAGE_B)/blocks'
	$(Q)clang -O1 -fPIE -Wall -Wextra -D_GNU_SOURCE -DCOVERAGE_DIR='"$(COVERAGE_B)/blocks"' -c $< -o $@

coverage: $(COVERAGE_B)/keep.o
	$(Q)COVERAGE_FLAGS='$(COVERAGE_FLAGS)' prove -Q tests/coverage/selftest.t
	$(Q)[ -z '$(FRESH)' ] || rm -f '$(COVERAGE_B)'/blocks/*.cov
	$(Q)$(MAKE) --no-print-directory $(COVERAGE_BUILD) all test-tools fuzz-targets
	$(Q)tests/coverage/seed '$(COVERAGE_B)'
	$(Q)rm -f '$(COVERAGE_B)'/lib/vpnrun/policy/*.bpf
	-$(Q)$(MAKE) --no-print-directory $(COVERAGE_BUILD) coverage-tests
	$(Q)tests/coverage/report.pl $(if $(LINES),--lines) '$(COVERAGE_B)/blocks'

# In a make of the same build, so that what the tests build is built in the same way. "all" makes the policies once more:
# their compiler runs at no other time.
coverage-tests: all
ifneq ($(TESTS),)
	+$(Q)B='$(B)' VPNCTL='$(B)/bin/vpnctl' TAP_DIR='$(B)/tap' prove --timer --exec tests/exec $(TESTS)
else ifneq ($(SECTIONS),none)
	-$(Q)FUZZ_BIN='$(B)/libexec/vpnrun' prove --exec tests/exec tests/fuzz/replay.t
	+$(Q)tests/check '$(B)' $(or $(SECTIONS),unit net rig bridge engine nspawn)
endif

.PHONY: coverage coverage-tests
