# SPDX-License-Identifier: GPL-2.0-or-later
# Policies: OCI JSON compiled to BPF when the project is built; nothing is compiled at launch.

POLICIES := $(patsubst policy/seccomp/%.json,%,$(sort $(wildcard policy/seccomp/*.json)))
POLICYC  := $(B)/tools/policyc

policies: $(POLICIES:%=$(B)/lib/vpnrun/policy/%.bpf)

# Its own objects, not the library: it must be there before what depends on generated files.
$(POLICYC): $(patsubst src/%.c,$(B)/obj/%.o,src/tools/policyc.c $(wildcard src/policy/*.c)) \
		$(patsubst %,$(B)/obj/base/%.o,err log str util)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lseccomp -ljansson -lcap

$(B)/lib/vpnrun/policy/%.bpf: policy/seccomp/%.json policy/capabilities/%.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,POLICY,$@)
	$(Q)$(POLICYC) --name $* --caps policy/capabilities/$*.json --output $@ $<

# The filters of the broker's two programs, as C arrays.
$(B)/gen/vpnrund_filter.h: policy/vpnrund.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name vpnrund --header vpnrund_filter --output $@ $<

$(B)/gen/vpnrund_plug_filter.h: policy/vpnrund-plug.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name vpnrund-plug --header vpnrund_plug_filter --output $@ $<

# The relay's, of published ports.
$(B)/gen/relay_filter.h: policy/relay.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name relay --header relay_filter --output $@ $<

# Of the process that reads archives for `vpnctl import`.
$(B)/gen/unzip_filter.h: policy/unzip.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name unzip --header unzip_filter --output $@ $<

$(B)/obj/files/archive.o: $(B)/gen/unzip_filter.h

$(B)/obj/relay/stay.o $(B)/musl/relay/stay.o: $(B)/gen/relay_filter.h

$(B)/obj/vpnrund.o: $(B)/gen/vpnrund_filter.h
$(B)/obj/vpnrund_plug.o: $(B)/gen/vpnrund_plug_filter.h

# Loads a policy and execs, or knocks at the doors: for tests/unit/policy.t.
test-tools: $(B)/tests/unit/policy_try

# The filters of our own programs, on paper.
$(B)/tests/unit/test_filters: $(B)/gen/vpnrund_filter.h $(B)/gen/vpnrund_plug_filter.h $(B)/gen/relay_filter.h $(B)/gen/session_filter.h $(B)/gen/unzip_filter.h
