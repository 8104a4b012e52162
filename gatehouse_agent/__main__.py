"""`python -m gatehouse_agent`."""

import sys

from gatehouse_agent.cli import main

sys.exit(main())
