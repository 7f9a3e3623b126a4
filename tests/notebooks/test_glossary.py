"""The glossary is in alphabetical order, and names in code exist in the libraries that it names."""

import re

import keras
import pytest
import sklearn.metrics
import sklearn.model_selection

from data_prework.files import PROJECT

TEXT = (PROJECT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^\*\*(.+?)\*\*: (.+)$", TEXT, re.M)


def test_the_terms_are_in_order_and_none_is_explained_twice():
    terms = [term.lower() for term, _ in ENTRIES]
    assert len(terms) > 70 and terms == sorted(set(terms))


def test_every_line_below_the_introduction_is_an_entry_of_one_to_three_sentences():
    lines = [line for line in TEXT.split("\n")[3:] if line]
    assert [line for line in lines if not line.startswith("**")] == []
    too_long = [term for term, words in ENTRIES if not 1 <= len(re.findall(r"[.](?: |$)", words)) <= 3]
    assert too_long == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:keras\.layers\.|keras\.optimizers\.)?([A-Z]\w+)`", TEXT))))
def test_a_class_that_is_named_exists(name):
    places = (keras.layers, keras.optimizers, keras.optimizers.schedules, keras.callbacks)
    places += (sklearn.metrics, sklearn.model_selection)
    assert any(hasattr(place, name) for place in places)
