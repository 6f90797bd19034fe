"""Words are words, and sentences end where sentences end."""

import pytest

from containers.whisperx.sentences import HeardWord, find_ends, join_pieces


def pieces(*texts: str) -> list[HeardWord]:
    return [HeardWord(text, n, n + 1, 0.5) for n, text in enumerate(texts)]


def joined(language: str, *texts: str) -> list[str]:
    return [word.word for word in join_pieces(pieces(*texts), language)]


@pytest.mark.parametrize(
    ("language", "given", "words"),
    [
        (
            "en",
            [" worth", " $43", ",000,", " up", " 12", ".5", "%"],
            [" worth", " $43,000,", " up", " 12.5%"],
        ),
        ("en", [" at", " 555", "-1234", " or"], [" at", " 555-1234", " or"]),
        ("fr", [" Dis", "-moi,", " l", "'avion"], [" Dis-moi,", " l'avion"]),
        ("de", [" Die", " E", "-Mail", "-Adresse"], [" Die", " E-Mail-Adresse"]),
        ("ko", [" 3", ".5", "도입니다.", "내일은"], [" 3.5도입니다.", "내일은"]),
        ("en", [" Really?", "Yes."], [" Really?", "Yes."]),
        (
            "ja",
            ["今", "日", "は", "12", ".5", "%", "です", "N", "HK"],
            ["今", "日", "は", "12.5%", "です", "NHK"],
        ),
    ],
)
def test_a_piece_without_a_space_belongs_to_the_word_before(language, given, words):
    assert joined(language, *given) == words


def test_a_joined_word_has_one_time_and_the_probability_of_its_letters():
    (number,) = join_pieces([HeardWord(" $43", 1, 2, 0.6), HeardWord(",000", 2, 3, 0.95)], "en")
    assert number == HeardWord(" $43,000", 1, 3, pytest.approx((0.6 * 3 + 0.95 * 4) / 7))


def sentences(text: str, language: str | None) -> list[str]:
    words = [f" {word}" for word in text.split()]
    found: list[str] = []
    for number, word in enumerate(words):
        if number and number - 1 not in find_ends(words, language):
            found[-1] += word
        else:
            found.append(word.strip())
    return found


@pytest.mark.parametrize(
    ("language", "whole"),
    [
        ("de", "Dr. Müller kommt am 3. Oktober, z. B. in die 2. Etage."),
        ("de", "Er zahlt ca. 10 Euro usw. an Prof. Dr. Meier."),
        ("en", "Mr. Smith and Dr. Jones of the U.S. Army paid Acme Inc. and left at 5 p.m. sharp."),
        ("fr", "M. Dupont et Mme. Curie partent."),
        ("es", "El Sr. García y la Dra. López, p. ej. aquí."),
        ("da", "Den 3. oktober kom hr. Jensen."),
        ("hu", "Dr. Nagy október 3. napján."),
        ("ko", "오늘은 3.5도입니다."),
    ],
)
def test_abbreviations_and_ordinals_end_no_sentence(language, whole):
    assert sentences(whole, language) == [whole]


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("en", ["Who is it?", "It's me!", "Come in.", "No… never."]),
        ("en", ["Neither did I.", "Okay.", "You and I.", "He has a book by I. Newton."]),
        ("de", ["Es war 1998.", "Das ist gut."]),
        ("ko", ["안녕하세요.", "저는 학생입니다."]),
        ("ar", ["كيف حالك؟", "أنا بخير."]),
        ("hi", ["यह अच्छा है।", "वह आया।"]),
        (None, ["One here.", "Two here."]),
    ],
)
def test_sentences_end_where_they_end(language, parts):
    assert sentences(" ".join(parts), language) == parts


def test_characters_without_spaces_end_sentences_too():
    assert find_ends([*"今日は晴れです。", *"明日は雨。"], "ja") == {7, 12}
