"""What people run and schedule."""

import os

# Prefect phones home unless told otherwise; an explicit setting of the user's wins.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
