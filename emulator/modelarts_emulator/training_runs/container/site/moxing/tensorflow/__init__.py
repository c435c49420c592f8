"""What needs the real product."""

raise NotImplementedError("moxing.tensorflow is not emulated: the emulator has mox.file and mox.shift only")
