# SPDX-License-Identifier: GPL-2.0-or-later
# What container engines call: the OCI hook, the wrapper runtime, and the CNI and netavark plugins.
# Included by the top Makefile.

# An engine starts the hook three times for a container: without the dynamic linker that is a
# millisecond less. Distributions that want it dynamic say HOOK_LD= .
HOOK_LD ?= $(if $(LAUNCHER_LD),$(shell t=$$(mktemp); echo 'int json_delete(void *); int main(void){return json_delete(0);}' | \
	$(CC) $(LAUNCHER_LD) -x c - -o $$t -ljansson >/dev/null 2>&1 && echo '$(LAUNCHER_LD)'; rm -f $$t))
HOOK_LD := $(HOOK_LD)
HOOK_LDFLAGS = $(if $(HOOK_LD),$(filter-out -pie,$(ALL_LDFLAGS)) $(HOOK_LD),$(ALL_LDFLAGS))

HOOK_SRC := $(sort $(wildcard hooks/oci/*.c))
HOOK     := $(B)/libexec/vpnrun/vpnrun-hook

$(B)/obj/hooks/%.o: hooks/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -Ihooks -MMD -MP -c $< -o $@

$(HOOK): $(HOOK_SRC:hooks/%.c=$(B)/obj/hooks/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOOK_LDFLAGS) -o $@ $^ -ljansson

# The wrapper shares the hook's parts, but for its main.
RUNTIME := $(B)/libexec/vpnrun/vpnrun-runtime
$(RUNTIME): $(patsubst hooks/%.c,$(B)/obj/hooks/%.o,$(wildcard hooks/runtime/*.c)) \
		$(patsubst hooks/%.c,$(B)/obj/hooks/%.o,$(filter-out %/vpnrun-hook.c,$(HOOK_SRC))) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOOK_LDFLAGS) -o $@ $^ -ljansson

# The policies as engines read them, beside the compiled ones.
OCI_POLICIES := $(foreach k,seccomp capabilities,$(POLICIES:%=$(B)/lib/vpnrun/policy/oci/$(k)/%.json))
$(B)/lib/vpnrun/policy/oci/%.json: policy/%.json
	@mkdir -p $(@D)
	$(Q)cp $< $@

# The plugins: a directory each, whose vpnrun.c is the main.
PLUGIN_NAMES := cni netavark
COMMON_OBJ   := $(patsubst hooks/%.c,$(B)/obj/hooks/%.o,$(wildcard hooks/common/*.c))
PLUGIN_OBJ   := $(patsubst hooks/%.c,$(B)/obj/hooks/%.o,$(wildcard $(PLUGIN_NAMES:%=hooks/%/*.c)))
PLUGINS      := $(PLUGIN_NAMES:%=$(B)/libexec/vpnrun/%/vpnrun)

plugin-needs = $(eval $(B)/libexec/vpnrun/$(1)/vpnrun: $(filter $(B)/obj/hooks/$(1)/%,$(PLUGIN_OBJ)))
$(foreach p,$(PLUGIN_NAMES),$(call plugin-needs,$(p)))
$(PLUGINS): $(COMMON_OBJ) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOOK_LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -ljansson

# Engines look in directories of their own (CNI: /opt/cni/bin, /usr/lib/cni; netavark: /usr/libexec/netavark and more): see the manual pages.
install-plugins: $(PLUGINS)
	for p in $(PLUGINS:$(B)/libexec/vpnrun/%=%); do \
		install -D -m 0755 $(B)/libexec/vpnrun/$$p $(D)$(LIBEXECDIR)/$$p || exit 1; done

.PHONY: install-plugins

# All but the mains, for the tests.
PLUGIN_PARTS := $(filter-out %/vpnrun.o,$(PLUGIN_OBJ) $(COMMON_OBJ))
$(B)/tests/unit/test_engine: tests/unit/test_engine.c $(PLUGIN_PARTS) $(LIB) tests/unit/tap.h
	@mkdir -p $(@D) $(B)/obj/tests/unit
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Ihooks -MMD -MP -MF $(B)/obj/tests/unit/test_engine.d -MT $@ -Itests $(ALL_LDFLAGS) -o $@ $< $(PLUGIN_PARTS) $(LIB) -ljansson

all: $(HOOK) $(RUNTIME) $(PLUGINS) $(OCI_POLICIES)

define install-hooks
install -m 0755 $(HOOK) $(RUNTIME) $(D)$(LIBEXECDIR)
for k in seccomp capabilities; do install -d $(D)$(LIBDIR)/policy/oci/$$k && \
	install -m 0644 $(B)/lib/vpnrun/policy/oci/$$k/*.json $(D)$(LIBDIR)/policy/oci/$$k || exit 1; done
endef
