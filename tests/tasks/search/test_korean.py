"""Korean verbs and adjectives are found in every form by every form."""

from pathlib import Path

import pytest

from tasks.search.korean import noun_stem, verb_beginnings
from tasks.search.moments import find_moments
from tasks.search.question import MomentQuestion
from tests.tasks.words.archive import publish

# Dictionary form, forms; regular and irregular ones.
VERBS = {
    "결정하다": ["결정했습니다", "결정한", "결정할", "결정해요", "결정하는", "결정합니다"],
    "적용하다": ["적용됩니다", "적용되는", "적용했다"],
    "가다": ["갔어요", "갑니다", "간다", "가고", "가서", "갔다"],
    "먹다": ["먹었습니다", "먹는", "먹어요", "먹을"],
    "보다": ["봤습니다", "봐요", "봅니다", "보는"],
    "듣다": ["들었어요", "들어서", "듣는", "듣습니다"],
    "돕다": ["도왔다", "도와요", "도운", "돕는"],
    "짓다": ["지었다", "지어요", "짓는"],
    "부르다": ["불렀다", "불러요", "부르는", "부릅니다"],
    "만들다": ["만들었다", "만드는", "만듭니다", "만든"],
    "배우다": ["배웠어요", "배워요", "배운"],
    "마시다": ["마셨어요", "마셔요", "마십니다"],
    "예쁘다": ["예뻤어요", "예쁜", "예뻐요"],
    "춥다": ["추웠어요", "추운", "추워요", "춥습니다"],
    "쓰다": ["썼다", "써요", "쓰는"],
    "보내다": ["보냈습니다", "보내요", "보낸"],
}
FORMS = ["결정했습니다", "갔어요", "갑니다", "먹었습니다", "들었어요", "추웠어요", "불렀다", "봤습니다"]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("korean")
    forms = [form for dictionary, forms in VERBS.items() for form in (dictionary, *forms)]
    said = [(f"그때 {form}.", 10.0 * place, 10.0 * place + 5) for place, form in enumerate(forms)]
    publish(folder, "a" * 16, said, language="ko")
    return folder


def find(output: Path, said: str) -> dict[str, float]:
    found = find_moments(output, MomentQuestion(said=said, k=100), say=pytest.fail).moments
    return {moment.text.removeprefix("그때 ").rstrip("."): moment.score for moment in found}


@pytest.mark.parametrize("dictionary", VERBS)
def test_the_dictionary_form_finds_what_was_said(output: Path, dictionary: str) -> None:
    found = find(output, dictionary)
    assert found.keys() >= {dictionary, *VERBS[dictionary]}
    assert next(iter(found)) == dictionary


@pytest.mark.parametrize("form", FORMS)
def test_a_form_finds_the_others(output: Path, form: str) -> None:
    (dictionary,) = [verb for verb, forms in VERBS.items() if form in forms]
    found = find(output, form)
    assert found.keys() >= {dictionary, *VERBS[dictionary]}
    assert [said for said, score in found.items() if score == 1] == [form]


@pytest.mark.parametrize("noun", ["회의", "예산", "은행", "사람들", "학교"])
def test_nouns_are_no_verbs(noun: str) -> None:
    assert verb_beginnings(noun) == []


def test_particles() -> None:
    assert (noun_stem("회의에서는"), noun_stem("예산을"), noun_stem("회의")) == ("회의", "예산", None)
