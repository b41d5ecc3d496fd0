# SPDX-License-Identifier: GPL-2.0-or-later
# An engine that makes an omega of each w.
import gi
gi.require_version('IBus', '1.0')
from gi.repository import IBus, GLib
IBus.init()
bus = IBus.Bus()
class Omega(IBus.Engine):
    def do_process_key_event(self, val, code, state):
        if val == ord('w') and not state & IBus.ModifierType.RELEASE_MASK:
            self.commit_text(IBus.Text.new_from_string('\u03c9'))
            return True
        return False
factory = IBus.Factory.new(bus.get_connection())
from gi.repository import GObject
GObject.type_register(Omega)
factory.add_engine('omega', Omega.__gtype__)
c = IBus.Component.new('org.example.Omega', 'omega', '1', 'GPL', 'rig', '', '', '')
c.add_engine(IBus.EngineDesc.new('omega', 'omega', 'omega', 'en', 'GPL', 'rig', '', 'us'))
bus.register_component(c)
bus.set_global_engine_async('omega', -1, None, None, None)
print('engine', flush=True)
GLib.MainLoop().run()
