"""What each of AudioSet's labels belongs to."""

from math import inf

import pytest

from containers.audioset.ontology import check_names, class_of, classes, least_scores
from containers.common.errors import UserError


def test_the_527_labels_in_their_order():
    labels = [name for name, known in classes().items() if known.is_label]
    assert len(labels) == 527
    known = {0: "Speech", 72: "Animal", 137: "Music", 283: "Wind", 300: "Vehicle", 500: "Silence"}
    assert {index: labels[index] for index in known} == known
    assert labels[-1] == "Field recording"


@pytest.mark.parametrize(
    ("label", "family"),
    [
        ("Violin, fiddle", "music"),
        ("Punk rock", "music"),
        ("Conversation", "speech"),
        ("Singing", "speech"),
        ("Giggle", "speech"),
        ("Bark", "nature"),
        ("Thunder", "nature"),
        ("Stream", "nature"),
        ("Sewing machine", "man-made"),
        ("Bus", "man-made"),
        ("Fire alarm", "man-made"),
        ("Walk, footsteps", None),
        ("White noise", None),
    ],
)
def test_families(label, family):
    assert class_of(label).family == family


def test_parents_lead_from_the_label_to_the_root():
    assert class_of("Bark").parents == ("Dog", "Domestic animals, pets", "Animal")


def test_asking_for_animals_gives_the_dog():
    least = least_scores(["Dog", "Bark", "Car", "Animal"], 0.3, {}, only=["animal"])
    assert least == {"Dog": 0.3, "Bark": 0.3, "Car": inf, "Animal": 0.3}


def test_the_nearest_threshold_counts():
    thresholds = {"nature": 0.5, "Animal": 0.4, "Bark": 0.1}
    least = least_scores(["Bark", "Meow", "Rain", "Car"], 0.3, thresholds, only=[])
    assert least == {"Bark": 0.1, "Meow": 0.4, "Rain": 0.5, "Car": 0.3}


def test_a_class_that_does_not_exist():
    check_names(["Animal", "music", "dog", "Natural sounds"])
    with pytest.raises(UserError, match="AudioSet has no class 'Unicorn'"):
        check_names(["Unicorn"])
