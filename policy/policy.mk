# Policies: OCI JSON compiled to BPF when the project is built; nothing is compiled at launch.

POLICIES := $(patsubst policy/seccomp/%.json,%,$(sort $(wildcard policy/seccomp/*.json)))
POLICYC  := $(B)/tools/policyc

policies: $(POLICIES:%=$(B)/lib/vpnrun/policy/%.bpf)

# Its own objects, not the library: it must be there before what depends on generated files.
$(POLICYC): $(patsubst src/%.c,$(B)/obj/%.o,src/tools/policyc.c $(wildcard src/policy/*.c)) \
		$(patsubst %,$(B)/obj/base/%.o,err log util)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lseccomp -ljansson -lcap

$(B)/lib/vpnrun/policy/%.bpf: policy/seccomp/%.json policy/capabilities/%.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,POLICY,$@)
	$(Q)$(POLICYC) --name $* --caps policy/capabilities/$*.json --output $@ $<

# The broker's own filter, as a C array.
$(B)/gen/vpnrund_filter.h: policy/vpnrund.json $(POLICYC)
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(POLICYC) --name vpnrund --header vpnrund_filter --output $@ $<

$(B)/obj/vpnrund.o $(BRK_SRC:src/%.c=$(B)/obj/%.o): $(B)/gen/vpnrund_filter.h

# Ours against libseccomp's export of the same files; --bench measures the two.
$(B)/tests/test_policy: tests/unit/test_policy.c $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/policy/*.c)) \
		$(patsubst %,$(B)/obj/%.o,base/err base/util box/seccomp)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lseccomp -ljansson -lcap
