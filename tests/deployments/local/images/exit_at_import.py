import os

print("cannot go on", flush=True)
os._exit(7)
