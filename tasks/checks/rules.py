"""What plausible results of one medium look like: per table, the expectations that its rows have to meet.

`critical` keeps an asset out of the search index, `warning` is only said. Every rule has one sentence
(`description`), which is what a person reads when it is broken.
"""

from great_expectations.expectations.expectation import Expectation

from tasks.checks import expect

FASTEST = 45  # characters a second; fast speakers reach 25, and short interjections look faster
NORM_SLACK = 1e-3
# The languages of Whisper's tokenizer (openai/whisper, whisper/tokenizer.py, LANGUAGES).
_LANGUAGES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht "
    "hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl "
    "ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)
LANGUAGES = _LANGUAGES.split()
INF = float("inf")


def rules() -> dict[str, list[Expectation]]:
    """Expectations by table name; see `tables` for the columns."""
    return {
        "segments": [
            *_within_media("segment"),
            expect.not_before("Segments are in the order of their starts.", "start", "before"),
            expect.one_of("The language is one that Whisper knows.", "language", LANGUAGES, "warning"),
            expect.there("A segment has a language.", "language", "warning"),
            expect.between("Nobody speaks that fast.", "characters_per_second", 0, FASTEST, "warning"),
        ],
        "words": [
            expect.not_before("A word ends after it starts.", "end", "start"),
            expect.not_before("A word starts inside its segment.", "start", "segment_start"),
            expect.not_before("A word ends inside its segment.", "segment_end", "end"),
            expect.not_before("Words are in the order of their starts.", "start", "before", "warning"),
            expect.between("A word's score is a probability.", "score", 0, 1, "warning"),
        ],
        "turns": [
            *_within_media("turn"),
            expect.true("Every speaker who has a turn has an embedding.", "known", "warning"),
        ],
        "exclusive_turns": [
            *_within_media("turn"),
            expect.not_before("Exclusive turns are in the order of their starts.", "start", "before"),
            expect.not_before("Exclusive turns do not overlap.", "start", "before_end"),
        ],
        "tags": [
            *_within_media("sound event"),
            expect.between("A sound event's score is a probability.", "score", 0, 1, "warning"),
            expect.there("A sound event has a label.", "label"),
        ],
        "faces": [
            expect.between("A face's frame is shown at or after 0 s.", "time", 0, INF),
            expect.not_before("A face's frame is shown inside the media.", "latest", "time"),
            expect.not_before("A face's box has a width.", "right", "left"),
            expect.not_before("A face's box has a height.", "bottom", "top"),
            expect.between("A face's box reaches into the frame from the left.", "right", 0, INF),
            expect.between("A face's box reaches into the frame from above.", "bottom", 0, INF),
            expect.not_before("A face's box reaches into the frame from the right.", "width", "left"),
            expect.not_before("A face's box reaches into the frame from below.", "height", "top"),
            expect.between("Most of a face's box is inside the frame.", "inside", 0.5, INF, "warning"),
            expect.between("A face's score is a probability.", "score", 0, 1),
            expect.between("A face's expressions sum to 1.", "expressions", 0.95, 1.05, "warning"),
            expect.between("A face's age is one that people have.", "age", 0, 120, "warning"),
            expect.between(
                "A gender's probability is at least one half.", "gender_probability", 0.5, 1, "warning"
            ),
        ],
        "embeddings": [
            expect.there("A vector names its model.", "model"),
            expect.true("A vector's numbers are finite.", "finite"),
            expect.equal("Vectors of one model have one dimension.", "dimension", "model_dimension"),
            expect.between("A vector is normalised.", "norm", 1 - NORM_SLACK, 1 + NORM_SLACK),
            expect.unique_together("A vector of one thing is there once.", ["asset", "fact"]),
        ],
        "manifest": [
            expect.there("What a result may depend on has a name.", "name"),
            expect.there("Models and software have a version.", "version", "warning"),
            expect.matches("A hash is a SHA-256.", "sha256", "^[0-9a-f]{64}$"),
            expect.equal("A file has the size that the manifest says.", "found_size", "size"),
            expect.equal("A file has the content that the manifest says.", "found_sha256", "sha256"),
        ],
    }


def _within_media(what: str) -> list[Expectation]:
    return [
        expect.not_before(f"A {what} ends after it starts.", "end", "start"),
        expect.between(f"A {what} starts at or after 0 s.", "start", 0, INF),
        expect.not_before(f"A {what} ends inside the media.", "latest", "end"),
    ]
