"""A bundle keeps all that a model needs, says so in its card, and does not load what could be dangerous or damaged."""

import json
import shutil
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from helpers.deploy.bundle import BundleError, Provenance, bundle_labels, find_bundles, load_bundle, save_bundle
from helpers.deploy.bundle_checks import sha256_of
from helpers.metrics import evaluate
from tests.helpers.deploy.tiny_bundles import darkness, squares, tiny_bundle


@pytest.fixture(scope="module")
def made(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        return tiny_bundle(tmp_path_factory.mktemp("bundles") / "squares-1")


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / made.name)


def test_what_was_saved_is_what_is_loaded(made):
    found, data = load_bundle(made), squares()
    assert (found.name, found.classes, found.threshold) == ("squares-1", ("bright", "dark"), 0.5)
    assert (found.size, found.color_mode) == ((32, 32), "grayscale")
    expected = darkness().predict(data.test.images, verbose=0)
    np.testing.assert_allclose(found.model.predict(data.test.images, verbose=0), expected, atol=1e-6)
    assert found.scores.to_dict() == evaluate(data.test.labels, expected[:, 0]).to_dict()
    assert found.key.startswith("squares-1:") and len(found.key) == len("squares-1:") + 12


def test_the_folder_holds_four_files_that_others_may_read(made):
    assert sorted(path.name for path in made.iterdir()) == [
        "MODEL_CARD.md",
        "bundle.json",
        "model.keras",
        "reference.npz",
    ]
    assert made.stat().st_mode & 0o777 == 0o755


def test_the_card_says_what_a_reader_must_know(made):
    card = (made / "MODEL_CARD.md").read_text(encoding="utf-8")
    scores = load_bundle(made).scores
    for words in ("For teaching, not for diagnosis", "Intended use", "0.500", "squares (real"):
        assert words in card
    assert f"{scores.recall:.3f}" in card and "{:.3f}-{:.3f}".format(*scores.interval("recall")) in card
    assert "Knows nothing but darkness." in card and "MIT" in card and keras.__version__ in card


def test_the_card_states_the_licence_of_images_that_forbids_something(tmp_path):
    folder = tiny_bundle(tmp_path / "cells", provenance=Provenance("solar_cells", "real", seed=7))
    data, licence = (folder / "MODEL_CARD.md").read_text(encoding="utf-8").split("## Model\n")[0::1]
    assert "License of the images: CC BY-NC-SA 4.0: not for commercial use" in data and "Deitsch et al. 2019" in data
    assert licence.endswith("## Licence\n\nCC BY-NC-SA 4.0, as the images that it learned from\n")
    assert load_bundle(folder).classes == load_bundle(tiny_bundle(tmp_path / "other")).classes


@pytest.mark.parametrize(
    "provenance, model, images",
    [
        (Provenance("concrete_cracks", "embedded", seed=7), "MIT", ""),
        (Provenance("concrete_cracks", "real", seed=7), "MIT", "CC BY 4.0"),
        (Provenance("solar_cells", "real", seed=7, licence="CC BY-NC-SA 4.0"), "CC BY-NC-SA 4.0", "CC BY-NC-SA 4.0"),
        (Provenance("leaves", "real", seed=7), "MIT", ""),
    ],
)
def test_model_and_images_have_a_licence_each(provenance, model, images):
    assert provenance.licences()[0] == model and provenance.licences()[1].startswith(images)
    assert bool(images) == bool(provenance.licences()[1])


def test_the_optimizer_stays_behind(tmp_path):
    model = darkness(extra=(layers.Dense(64), layers.Dense(1)))
    model.compile("adam", "binary_crossentropy")
    model.fit(squares().train.images, squares().train.labels, verbose=0)
    model.save(tmp_path / "whole.keras")
    folder = tiny_bundle(tmp_path / "trained", model)
    assert (folder / "model.keras").stat().st_size < (tmp_path / "whole.keras").stat().st_size
    assert getattr(load_bundle(folder).model, "optimizer", None) is None


def test_a_network_in_color_with_two_softmax_units_works_too(tmp_path):
    inputs = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(inputs)))
    found = load_bundle(tiny_bundle(tmp_path / "two", keras.Model(inputs, layers.Dense(2, activation="softmax")(x))))
    assert found.color_mode == "rgb" and found.extractor.classes == 2


def test_find_bundles_finds_those_in_a_folder_and_one_by_itself(made):
    assert find_bundles(made.parent) == [made] == find_bundles(made)


@pytest.mark.parametrize("name", ["bundle.json", "model.keras", "reference.npz"])
def test_an_incomplete_bundle_is_refused(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        load_bundle(copy)


@pytest.mark.parametrize("name", ["model.keras", "reference.npz"])
def test_a_changed_file_is_refused(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(BundleError, match=f"{name}: the content is not what bundle.json says"):
        load_bundle(copy)


def rewritten(folder, **changes):
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    (folder / "bundle.json").write_text(json.dumps(about | changes), encoding="utf-8")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"version": 99}, "another version"),
        ({"rule": {"threshold": 2.0}}, "threshold"),
        ({"rule": {"threshold": 0.25}}, "not measured at the threshold 0.25"),
        ({"classes": ["dark"]}, "class_names"),
        ({"scores": {}}, "cannot be loaded"),
        ({"input": {"height": 64, "width": 64, "color_mode": "grayscale"}}, "the model takes"),
        ({"sha256": "none"}, "the entry 'sha256' is 'none'"),
        ({"input": [64, 64]}, "the entry 'input'"),
        ({"rule": {"threshold": "half"}}, "threshold"),
        ({"rule": 0.5}, "the entry 'rule'"),
    ],
    ids=[
        "version",
        "no probability",
        "other threshold",
        "one class",
        "no scores",
        "other size",
        "no hashes",
        "no input",
        "words",
        "no rule",
    ],
)
def test_a_description_that_does_not_fit_is_refused(copy, changes, words):
    rewritten(copy, **changes)
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def test_a_description_that_is_cut_off_is_refused(copy):
    text = (copy / "bundle.json").read_text(encoding="utf-8")
    (copy / "bundle.json").write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle.json: cannot be read"):
        load_bundle(copy)
    rewritten_without = json.loads(text)
    del rewritten_without["licence"]
    (copy / "bundle.json").write_text(json.dumps(rewritten_without), encoding="utf-8")
    with pytest.raises(BundleError, match="no entry 'licence'"):
        load_bundle(copy)


def exchange_model(folder, model):
    """What an attacker would do: another model, with the hash made to fit."""
    model.save(folder / "model.keras")
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    about["sha256"]["model.keras"] = sha256_of(folder / "model.keras")
    (folder / "bundle.json").write_text(json.dumps(about), encoding="utf-8")


def test_a_lambda_layer_is_refused_and_never_run(copy, tmp_path):
    witness = tmp_path / "it ran"

    def evil(x):
        import pathlib

        pathlib.Path(str(witness)).touch()
        return x

    exchange_model(copy, darkness(extra=(layers.Lambda(lambda x: evil(x), output_shape=(1,)),)))
    witness.unlink(missing_ok=True)  # building it may run it
    with pytest.raises(BundleError, match=r"'lambda(_\d+)?' is of the kind Lambda"):
        load_bundle(copy)
    assert not witness.exists()


def test_a_layer_that_is_not_keras_own_is_refused(copy):
    @keras.saving.register_keras_serializable("mine")
    class Mine(layers.Layer):
        def call(self, x):
            return x

    exchange_model(copy, darkness(extra=(Mine(name="my_layer"),)))
    with pytest.raises(BundleError, match="'my_layer' is of the kind Mine"):
        load_bundle(copy)


def test_a_file_that_is_no_keras_archive_is_refused(copy):
    class Other:
        def save(self, path):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("readme.txt", "hello")

    exchange_model(copy, Other())
    with pytest.raises(BundleError, match="not a Keras model"):
        load_bundle(copy)


def test_a_model_with_a_lambda_is_not_saved_and_the_old_bundle_stays(copy):
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    with pytest.raises(BundleError, match="Lambda"):
        tiny_bundle(copy, darkness(extra=(layers.Lambda(lambda x: x, output_shape=(1,)),)))
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_the_old_bundle_comes_back_where_the_last_step_fails(copy, monkeypatch):
    before = (copy / "bundle.json").read_bytes()
    rename, calls = type(copy).rename, []

    def failing(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("no room")
        return rename(self, target)

    monkeypatch.setattr(type(copy), "rename", failing)
    with pytest.raises(OSError, match="no room"):
        tiny_bundle(copy, threshold=0.4)
    assert (copy / "bundle.json").read_bytes() == before
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_an_old_bundle_is_replaced_as_a_whole(copy):
    tiny_bundle(copy, threshold=0.4)
    assert load_bundle(copy).threshold == 0.4
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


def test_a_folder_of_other_things_is_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("Two years of work", encoding="utf-8")
    with pytest.raises(ValueError, match="is no bundle"):
        tiny_bundle(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.txt").exists()


def three_classes():
    inputs = keras.Input((32, 32, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))


def logits():
    model, end = darkness(), layers.Dense(1, bias_initializer=keras.initializers.Constant(9))
    return keras.Model(model.inputs, end(model.layers[-2].output))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"class_names": ["dark"]}, "class_names"),
        ({"class_names": ["cannot judge", "dark"]}, "class_names"),
        ({"rule": 0.4, "scores": evaluate([0, 1], [0.2, 0.8])}, "scores"),
        ({"model": three_classes()}, "3 classes"),
        ({"model": logits()}, "not probabilities"),
        ({"refuse": 1.0}, "refuse"),
    ],
    ids=["one class", "reserved word", "threshold", "three classes", "logits", "refuse"],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, changes, words):
    data = squares()
    arguments = {
        "model": darkness(),
        "class_names": data.class_names,
        "rule": 0.5,
        "scores": evaluate([0, 1], [0.2, 0.8]),
        "train_images": data.train.images,
        "val_images": data.train.images,
        "provenance": Provenance("squares", "real", seed=7),
        **changes,
    }
    with pytest.raises(ValueError, match=words):
        save_bundle(tmp_path / "x", **arguments)
    assert not any(tmp_path.glob("*x*"))


def with_hash(folder, name):
    """The hash made to fit a changed file, as one who exchanges it would."""
    about = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    about["sha256"][name] = sha256_of(folder / name)
    (folder / "bundle.json").write_text(json.dumps(about), encoding="utf-8")


def test_a_description_nested_without_end_is_refused(copy):
    deep = "[" * 100_000 + "]" * 100_000
    text = (copy / "bundle.json").read_text(encoding="utf-8")
    (copy / "bundle.json").write_text(text.replace('"use": ', f'"deep": {deep}, "use": '), encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle.json: cannot be read .RecursionError.*copy the bundle again"):
        load_bundle(copy)


@pytest.mark.parametrize("depth, words", [(100_000, "model.keras: not a Keras model"), (100, "cannot be loaded")])
def test_a_model_nested_without_end_is_refused(copy, depth, words):
    deep = '{"class_name": "Sequential", "config": {"layers": [' * depth + "]}}" * depth
    with zipfile.ZipFile(copy / "model.keras", "w") as archive:
        archive.writestr("config.json", deep)
    with_hash(copy, "model.keras")
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def test_a_number_that_is_none_is_refused(copy):
    text = (copy / "bundle.json").read_text(encoding="utf-8")
    (copy / "bundle.json").write_text(text.replace('"refuse": 0.02', '"refuse": NaN'), encoding="utf-8")
    with pytest.raises(BundleError, match="NaN found where a number is expected"):
        load_bundle(copy)


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("features_limit", lambda old: old * np.nan, "features_limit holds NaN"),
        ("statistics", lambda old: old * 0 + np.inf, "statistics holds NaN or infinite"),
        ("thumbnail_scale", lambda old: old * 0, "thumbnail_scale has numbers that are not above 0"),
        ("thumbnail_limit", lambda old: np.ones(3, np.float32), "thumbnail_limit is float32 of the shape .3,"),
        ("statistics_mean", lambda old: old.astype("U8"), "statistics_mean is <U8"),
        ("features", lambda old: old[:0], "features has the shape .0, 1."),
    ],
)
def test_a_reference_that_nothing_can_be_compared_with_is_refused_by_name(copy, name, change, words):
    with np.load(copy / "reference.npz") as found:
        arrays = dict(found)
    np.savez(copy / "reference.npz", **arrays | {name: change(arrays[name])})
    with_hash(copy, "reference.npz")
    with pytest.raises(BundleError, match=f"reference.npz: {words}.*save the bundle again"):
        load_bundle(copy)


def test_the_reference_of_another_model_and_one_that_is_none_are_refused(copy, tmp_path):
    other = tiny_bundle(tmp_path / "color", darkness(channels=3))
    with np.load(copy / "reference.npz") as found:
        arrays = dict(found)
    wide = {f"features{end}": np.repeat(arrays[f"features{end}"], 2, -1) for end in ("", "_mean", "_scale")}
    np.savez(copy / "reference.npz", **arrays | wide)
    with_hash(copy, "reference.npz")
    with pytest.raises(BundleError, match=r"reference.npz: made for another model .features of 2 numbers, expected 1"):
        load_bundle(copy)
    (other / "reference.npz").write_bytes(b"no archive")
    with_hash(other, "reference.npz")
    with pytest.raises(BundleError, match=r"reference.npz: cannot be read"):
        load_bundle(other)


def test_a_bundle_is_what_it_holds_not_what_its_folder_is_called(made, copy, tmp_path):
    moved = shutil.copytree(made, tmp_path / "elsewhere" / "another name")
    assert load_bundle(moved).identity == load_bundle(copy).identity == load_bundle(made).identity
    tiny_bundle(copy, threshold=0.4)  # the same model and name, another rule
    assert load_bundle(copy).key != load_bundle(made).key and load_bundle(copy).name == load_bundle(made).name


def test_bundles_of_one_name_in_two_folders_are_found_and_told_apart(made, tmp_path):
    home = tmp_path / "home"
    for place in ("spring/cracks", "autumn/cracks", "rust", ".hidden/cracks"):
        shutil.copytree(made, home / place)
    found = find_bundles(home)
    assert bundle_labels(found) == ["autumn/cracks", "rust", "spring/cracks"]


def test_a_quick_run_and_scores_no_better_than_chance_are_said_on_the_card(tmp_path):
    good = load_bundle(tiny_bundle(tmp_path / "good"))
    assert good.doubt == "" and good.about["training"]["profile"] == "full"
    quick = load_bundle(tiny_bundle(tmp_path / "quick", provenance=Provenance("x", "real", 7, profile="quick")))
    weak = load_bundle(tiny_bundle(tmp_path / "weak", scores=evaluate([0, 1] * 20, [0.6, 0.4, 0.4, 0.6] * 10)))
    assert "a quick run" in quick.doubt and "no better than chance: its ROC AUC 0.500" in weak.doubt
    for bundle in (quick, weak):
        assert f"**{bundle.doubt}**" in (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_profile_of_the_process_is_that_of_its_bundles(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert load_bundle(tiny_bundle(tmp_path / "x")).doubt
