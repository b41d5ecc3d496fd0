# The plugins of container engines: the CNI plugin and the netavark plugin. Included by the top
# Makefile.

HOOK_CFLAGS   = -Ihooks
WIRE_OBJ     := $(patsubst hooks/%.c,$(B)/obj/plugins/%.o,$(wildcard hooks/common/*.c))
CNI_OBJ      := $(patsubst hooks/%.c,$(B)/obj/plugins/%.o,$(wildcard hooks/cni/*.c))
NETAVARK_OBJ := $(patsubst hooks/%.c,$(B)/obj/plugins/%.o,$(wildcard hooks/netavark/*.c))
PLUGINS      := $(B)/libexec/vpnrun/cni/vpnrun $(B)/libexec/vpnrun/netavark/vpnrun

all: $(PLUGINS)

$(B)/obj/plugins/%.o: hooks/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(HOOK_CFLAGS) -MMD -MP -c $< -o $@

$(B)/libexec/vpnrun/cni/vpnrun: $(CNI_OBJ) $(WIRE_OBJ) $(LIB)
$(B)/libexec/vpnrun/netavark/vpnrun: $(NETAVARK_OBJ) $(WIRE_OBJ) $(LIB)
$(PLUGINS):
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(HOOK_LDFLAGS) -o $@ $^ -ljansson

# Engines look in directories of their own (CNI: /opt/cni/bin, /usr/lib/cni; netavark: /usr/libexec/netavark and more): see the manual pages.
install-plugins: $(PLUGINS)
	for p in $(PLUGINS:$(B)/libexec/vpnrun/%=%); do \
		install -D -m 0755 $(B)/libexec/vpnrun/$$p $(D)$(LIBEXECDIR)/$$p || exit 1; done

.PHONY: install-plugins

# All but the mains, for the tests.
PLUGIN_PARTS := $(filter-out %/vpnrun.o,$(CNI_OBJ) $(NETAVARK_OBJ) $(WIRE_OBJ))
$(B)/tests/unit/test_engine: tests/unit/test_engine.c $(PLUGIN_PARTS) $(LIB) tests/unit/tap.h
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(HOOK_CFLAGS) -Itests $(ALL_LDFLAGS) -o $@ $< $(PLUGIN_PARTS) $(LIB) -ljansson
