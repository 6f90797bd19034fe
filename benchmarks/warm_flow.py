"""Our flow's second run in one process: server, workers and models are there, every stage is done again."""

import json
import sys
from pathlib import Path

from flows.analyze.__main__ import quiet_prefect
from flows.images import running_images
from flows.local_server import temporary_server, wait_for_server


def main() -> None:
    media, output = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    quiet_prefect()
    with temporary_server() as server, running_images():
        from flows.analyze.flow import analyze

        wait_for_server(server)
        analyze(media, output, None, True)
        manifest = analyze(media, output, None, True)
        print(json.dumps(manifest.seconds))


if __name__ == "__main__":
    main()
