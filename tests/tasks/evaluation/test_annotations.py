"""TextGrid, EAF and Audacity's labels as their programs write them, and what else may be in such a file."""

from pathlib import Path

import pytest

from containers.common.errors import UserError
from tasks.evaluation.nist import Utterance
from tasks.evaluation.references import read_transcript, read_who_speaks

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 4.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "Kate"
        xmin = 0
        xmax = 4.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1.25
            text = ""
        intervals [2]:
            xmin = 1.25
            xmax = 2.5
            text = "She said ""yes"" 3 times"
        intervals [3]:
            xmin = 2.5
            xmax = 4.5
            text = " "
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 4.5
        points: size = 1
        points [1]:
            number = 2
            mark = "click"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
4.5
<exists>
1
"IntervalTier"
"Kate"
0
4.5
1
1.25
2.5
"She said ""yes"" 3 times"
"""
KATE = [Utterance('She said "yes" 3 times', 1.25, 2.5, "Kate")]
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1500"/>
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="1200"/><TIME_SLOT TIME_SLOT_ID="ts4"/>
  </TIME_ORDER>
  <TIER TIER_ID="A_words" PARTICIPANT="Kate" LINGUISTIC_TYPE_REF="default-lt">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>안녕하세요 &amp; hello</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
      <ANNOTATION_VALUE>no end</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER TIER_ID="gloss" PARENT_REF="A_words" LINGUISTIC_TYPE_REF="gloss">
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
      <ANNOTATION_VALUE>greeting</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]>
<ANNOTATION_DOCUMENT><TIER TIER_ID="&y;"/></ANNOTATION_DOCUMENT>"""
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ANNOTATION_DOCUMENT>&x;</ANNOTATION_DOCUMENT>'
)


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_a_textgrid_is_read_long_and_short(tmp_path: Path, text: str, encoding: str) -> None:
    path = write(tmp_path, "a.TextGrid", text, encoding)
    assert read_transcript(path) == KATE
    (turn,) = read_who_speaks(path)
    assert (turn.start, turn.end, turn.speaker) == (1.25, 2.5, "Kate")


def test_of_the_aligners_tiers_the_words_are_read(tmp_path: Path) -> None:
    def tier(name: str, text: str) -> str:
        return f'"IntervalTier" "{name}" 0 2 1 0.5 1 "{text}" '

    tiers = tier("Kate - words", "yes") + tier("Kate - phones", "j")
    path = write(tmp_path, "a.TextGrid", f'"ooTextFile" "TextGrid" 0 2 <exists> 2 {tiers}')
    assert read_transcript(path) == [Utterance("yes", 0.5, 1, "Kate")]


def test_an_eaf_is_read_by_participant(tmp_path: Path) -> None:
    path = write(tmp_path, "a.eaf", EAF)
    assert read_transcript(path) == [Utterance("안녕하세요 & hello", 0.5, 1.5, "Kate")]
    assert [turn.speaker for turn in read_who_speaks(path)] == ["Kate"]


def test_audacitys_labels_are_what_is_said_or_who_speaks(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "0.500000\t1.500000\tKate\r\n\\\t100.0\t200.0\n2,0\t3,5\tTom\n4\t4\t\n")
    assert read_transcript(path) == [Utterance("Kate", 0.5, 1.5, None), Utterance("Tom", 2.0, 3.5, None)]
    assert [(turn.start, turn.speaker) for turn in read_who_speaks(path)] == [(0.5, "Kate"), (2.0, "Tom")]
    plain = write(tmp_path, "b.txt", "1 2 3\nHello.")
    assert read_transcript(plain) == [Utterance("1 2 3\nHello.", None, None)]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.eaf", BOMB, "has a document type"),
        ("a.eaf", OUTSIDE, "has a document type"),
        ("a.eaf", EAF[:400], "is no ELAN file"),
        ("a.eaf", "<ANNOTATION_DOCUMENT/>", "has no annotation with a time and a text"),
        ("a.eaf", EAF.replace('"500"', '"9500"'), "annotation from 9.5 to 1.5 s"),
        ("a.TextGrid", LONG[:500], "ends too early"),
        ("a.TextGrid", LONG.replace("xmax = 2.5", "xmax = 0.5"), "annotation from 1.25 to 0.5 s"),
        ("a.TextGrid", "hello", "is no TextGrid"),
        ("a.TextGrid", SHORT.replace("IntervalTier", "Tier"), "ends too early or is out of order"),
        ("a.txt", "5\t4\tKate", "annotation from 5 to 4 s"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        read_transcript(write(tmp_path, name, text))
    assert name in str(told.value) and "\n" not in str(told.value)


def test_a_wrong_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.eaf cannot be read"):
        read_transcript(write(tmp_path, "a.eaf", "é", "latin-1"))
