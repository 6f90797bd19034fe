"""The words of a segment as its text has them, white space included."""

from collections.abc import Sequence

from containers.common.documents.speech import Word

UNSPACED = frozenset({"ja", "zh", "yue", "th", "lo", "my"})  # languages that put no space between sentences


def cut_text(text: str, words: Sequence[Word]) -> list[str]:
    """One piece of `text` a word: the word and what stands before it, such as a space.

    Joined, the pieces are the text again, in languages with spaces between words and without. A word that
    the text does not have at its place stands with a space before it.
    """
    pieces, place = [], 0
    for word in words:
        found = text.find(word.word, place)
        if found < 0:
            pieces.append(f" {word.word}")
            continue
        end = found + len(word.word)
        pieces.append(text[place:end])
        place = end
    return pieces
