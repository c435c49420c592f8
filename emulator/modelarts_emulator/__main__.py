"""`python -m emulator`, the same as `modelarts-emulator`."""

import sys

from modelarts_emulator.cli import main

sys.exit(main())
