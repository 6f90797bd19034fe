"""What arrives in a campaign of days: in a folder and in a bucket, new, once more, and under other names."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import soundfile

from containers.common.models.store import sha256_of
from tests.flows.watch.test_bucket_events import bridge

LENGTH = 1.5  # seconds


class Arrivals:
    """`contents`: assets that there are to be; `runs`: how many are to be started for each path or URI."""

    def __init__(self, speech: Path, folder: Path, output: Path, bucket: Any, queue: Any) -> None:
        """`bucket` and `queue` are boto3's resources."""
        self._samples, self._rate = soundfile.read(speech)
        self._folder, self._output, self._bucket, self._queue = folder, output, bucket, queue
        self._number = 0
        self._held: dict[Path, str] = {}  # asset of what lies in the folder
        self.contents: set[str] = set()
        self.runs: Counter[str] = Counter()

    def burst(self) -> None:
        """At once: three new contents, one of them under two more names too, and a name that was there."""
        first = self._cut()
        self._put(self._new(), first)
        self._put(self._new(), self._cut())
        self._put(self._new(), first)
        if analysed := [path for path, asset in self._held.items() if self._is_there(asset)]:
            path = random.choice(analysed)
            self._put(path, random.choice((path.read_bytes(), first, self._cut())))
        name = self._new().name
        self._send(name, self._cut())
        self._tell(name)  # a message that comes twice
        self._send(f"copy-of-{name}", first)

    def media_to_be_analysed(self) -> set[str]:
        """Assets that are not complete yet."""
        return {asset for asset in self.contents if not self._is_there(asset)}

    def _is_there(self, asset: str) -> bool:
        return (self._output / asset / "manifest.json").is_file()

    def _new(self) -> Path:
        self._number += 1
        return self._folder / f"clip{self._number:04}.wav"

    def _cut(self) -> bytes:
        """A second and a half of the speech, another one each time."""
        length = round(LENGTH * self._rate)
        start = random.randrange(len(self._samples) - length)
        path = self._folder / ".cut.wav"  # whose name is hidden: it starts nothing
        soundfile.write(path, self._samples[start : start + length], self._rate)
        content = path.read_bytes()
        path.unlink()
        return content

    def _put(self, path: Path, content: bytes) -> None:
        making = path.with_name(f".{path.name}")
        making.write_bytes(content)
        self._held[path] = self._expect(making)
        making.replace(path)
        self.runs[str(path)] += 1

    def _send(self, name: str, content: bytes) -> None:
        making = self._folder / f".{name}"
        making.write_bytes(content)
        self._expect(making)
        making.unlink()
        self._bucket.put_object(Key=f"in/{name}", Body=content)
        self.runs[f"s3://{self._bucket.name}/in/{name}"] += 1
        self._tell(name)

    def _tell(self, name: str) -> None:
        self._queue.send_message(MessageBody=bridge(f"in/{name}", etag=name))

    def _expect(self, path: Path) -> str:
        asset = sha256_of(path)[:16]
        self.contents.add(asset)
        return asset
