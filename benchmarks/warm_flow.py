"""Our flow with everything warm: one process, whose server, images and models are there since the first file.

`python -m benchmarks.warm_flow FOLDER MEDIA ...` analyses the first file twice and the others once; of every
run but the first seconds, seconds of processors and stages are printed, one line of JSON each.
"""

import json
import os
import sys
from pathlib import Path

from benchmarks.measure import cpu_of_tree
from flows.analyze.__main__ import quiet_prefect
from flows.runs.images import running_images
from flows.server.local import temporary_server, wait_for_server


def main() -> None:
    output, *media = (Path(name).absolute() for name in sys.argv[1:])
    quiet_prefect()
    with temporary_server() as server, running_images():
        from flows.analyze.flow import analyze

        wait_for_server(server)
        analyze(media[0], output, None, True)
        for path in media:
            before = cpu_of_tree(os.getpid())
            manifest = analyze(path, output, None, True)
            cpu = cpu_of_tree(os.getpid()) - before
            stages = [stage.model_dump(mode="json") for stage in manifest.stages]
            print(json.dumps({"seconds": manifest.seconds, "cpu": cpu, "stages": stages}), flush=True)


if __name__ == "__main__":
    main()
