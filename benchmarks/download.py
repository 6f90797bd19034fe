"""`python -m benchmarks.download`: 1 GB from this machine, ours with its hash against curl without one.

Writes benchmarks/download.md. A server process gives the file by sendfile; curl takes it over one connection,
`containers.model_downloader.download` over eight, each in a process of its own, in turns.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SIZE = 1 << 30
ROUNDS = 5
TABLE = Path(__file__).with_suffix(".md")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("MEDIAFLOW_BENCH_DIR")) as scratch:
        source = Path(scratch, "large.bin")
        with source.open("wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.download", "serve", str(source)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}/large.bin"
            rounds = [
                (_curl(url, Path(scratch, "curl")), *_ours(url, Path(scratch, "ours"))) for _ in range(ROUNDS)
            ]
        finally:
            server.kill()
            server.wait()
    curl = statistics.median(one[0] for one in rounds)
    ours = statistics.median(one[1] for one in rounds)
    ratio = statistics.median(one[1] / one[0] for one in rounds)
    ratios = [f"{one[1] / one[0]:.2f}" for one in rounds]
    lines = [
        "# Downloading 1 GB on loopback",
        "",
        f"`python -m benchmarks.download`, {len(os.sched_getaffinity(0))} cores, "
        f"load {os.getloadavg()[0]:.1f}, medians of {ROUNDS} rounds in turns; both write the file.",
        "",
        "| | MB/s |",
        "|---|---|",
        f"| curl, one connection, no hash | {curl / 1e6:.0f} |",
        f"| ours, eight connections, SHA-256 | {ours / 1e6:.0f} |",
        f"| ratio: median of {', '.join(ratios)} | {ratio:.2f} |",
        f"| our peak memory | {max(one[2] for one in rounds) / 1e6:.0f} MB |",
    ]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _curl(url: str, target: Path) -> float:
    """Bytes a second."""
    started = time.perf_counter()
    subprocess.run(["curl", "--silent", "--fail", "--output", str(target), url], check=True)
    seconds = time.perf_counter() - started
    target.unlink()
    return SIZE / seconds


def _ours(url: str, folder: Path) -> tuple[float, int]:
    """(bytes a second, peak memory of the process in bytes)."""
    command = [sys.executable, "-m", "benchmarks.download", "fetch", url, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = done.stdout.split()
    return SIZE / float(seconds), int(peak)


def fetch(url: str, folder: Path) -> None:
    """Prints seconds and this process's peak memory; start-up is not timed, as curl's is next to nothing."""
    from containers.model_downloader.download import download
    from containers.model_downloader.guard import Guard
    from containers.model_downloader.remote import web_remote
    from containers.model_downloader.session import open_session

    guard = Guard()
    guard.trust(url)
    started = time.perf_counter()
    with open_session(guard) as session:
        got = download(web_remote(session, url, "large.bin"), folder, lambda size, have: None)
    seconds = time.perf_counter() - started
    assert got.size == SIZE
    got.path.unlink()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak
    print(seconds, int(peak[1]) * 1024)


def serve(source: Path) -> None:
    """GET with ranges, by sendfile: little beside the kernel's own work takes time here."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_answer, args=(connection, source), daemon=True).start()


def _answer(connection: socket.socket, source: Path) -> None:
    with connection, source.open("rb") as file:
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                received = connection.recv(65_536)
                if not received:
                    return
                waiting += received
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            wanted = re.search(rb"[Rr]ange: bytes=(\d+)-(\d*)", head)
            first = int(wanted[1]) if wanted else 0
            last = int(wanted[2]) if wanted and wanted[2] else SIZE - 1
            status = b"206 Partial Content" if wanted else b"200 OK"
            length = str(last - first + 1).encode()
            try:
                connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + length + b"\r\n\r\n")
                while first <= last:
                    first += os.sendfile(connection.fileno(), file.fileno(), first, last - first + 1)
            except (BrokenPipeError, ConnectionResetError):  # the size was asked for, not the content
                return


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", source]:
            serve(Path(source))
        case ["fetch", url, folder]:
            fetch(url, Path(folder))
        case _:
            main()
