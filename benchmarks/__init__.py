"""What the project claims about its speed, measured against the upstream tools used by hand."""

import os

# What is measured cold must not find images or a server that another run left warm.
os.environ.setdefault("MEDIAFLOW_KEEP_WARM", "0")
