"""The files that the page reads, as scripts, since a page from a disk may read nothing else.

OUT/index.html                the page; it begins with
OUT/shelf/assets.js           every asset: name, day, length, languages, people, sounds, picture
OUT/shelf/said/<asset>.js     what is said in one, read when it may answer a question
OUT/shelf/words/<shard>.js    terms and the assets that have them, read when one of them is asked for
OUT/shelf/words/known.js      the words, of which forms and such as are spelled alike are looked for
OUT/shelf/words/about.js      the assets that the shards know, with the digests of their manifests
"""

import json
from typing import Any

SHARDS = 256


def as_script(function: str, *values: Any) -> bytes:
    """A call with JSON that no HTML parser mistakes for the end of a script."""
    text = ", ".join(json.dumps(value, ensure_ascii=True, separators=(",", ":")) for value in values)
    return f"shelf.{function}({text.replace('<', chr(92) + 'u003c')});\n".encode()


def from_script(content: bytes, function: str) -> Any:
    """The one value of such a call. Raises ValueError for anything else."""
    text = content.decode().strip()
    start, end = f"shelf.{function}(", ");"
    if not (text.startswith(start) and text.endswith(end)):
        raise ValueError("no such call")
    return json.loads(text[len(start) : -len(end)])


def shard_of(term: str) -> int:
    """FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16, as the page computes it."""
    value = 0x811C9DC5
    encoded = term.encode("utf-16-le")
    for at in range(0, len(encoded), 2):
        value = ((value ^ (encoded[at] | encoded[at + 1] << 8)) * 0x01000193) & 0xFFFFFFFF
    return value % SHARDS
