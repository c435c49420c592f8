"""`python -m emulator`, the same as `modelarts-emulator`."""

import sys

from emulator.cli import main

sys.exit(main())
