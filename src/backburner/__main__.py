"""`python -m backburner`: the command line."""

import sys

from backburner.cli.main import main

sys.exit(main())
