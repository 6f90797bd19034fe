"""Commands as a person types them, each in a process of its own that is forked from one with the libraries.

Great Expectations, pandas and SciPy take 5 s of a core to import, and the tests start some sixty commands.
Only what is not ours is loaded before: the project and Prefect read the environment as they are imported.
What importing itself prints is not seen here: the `demo` fixture's command is started plainly.
"""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LIBRARIES = ["great_expectations", "scipy.signal", "scipy.spatial.distance", "av", "httpx", "rich.console"]

_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(LIBRARIES)


def run_module(
    module: str, *arguments: object, cwd: Path = ROOT, timeout: float = 560, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """`python -m MODULE ARGUMENTS` with these variables besides this process's own.

    Raises subprocess.TimeoutExpired; the process is killed then.
    """
    words = [str(argument) for argument in arguments]
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        given = (module, words, cwd, dict(os.environ) | environment, out, err)
        process = _forking.Process(target=_become, args=given)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *words], timeout, out.read_text(), err.read_text())
        said = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        return subprocess.CompletedProcess([module, *words], process.exitcode, *said)


def _become(
    module: str, words: list[str], cwd: Path, environment: dict[str, str], out: Path, err: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[0:0] = [] if str(cwd) in sys.path else [str(cwd)]
    for number, path in ((1, out), (2, err)):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(target, number)
        os.close(target)
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        atexit._run_exitfuncs()  # which multiprocessing leaves out
