"""Copies, near-duplicates and conflicts: which they are, and that their number does not cost memory."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data_prework.compare import correlations
from data_prework.duplicates import NEAR, drop_duplicates, hash_bits, join, near_pair_blocks, near_pairs
from data_prework.scan import describe
from tests.data_prework.conftest import encoded, sample_image


def test_hashes_become_bits_without_loss():
    text = pd.Series(["0" * 63 + "1", "8" + "0" * 63, "f" * 64])
    bits = hash_bits(text)
    assert bits.shape == (3, 4)
    assert ["".join(f"{int(word):016x}" for word in row) for row in bits] == text.tolist()
    assert hash_bits(text[:0]).shape[0] == 0


def brute_force(bits: np.ndarray, distance: int) -> set[tuple[int, int]]:
    numbers = [int("".join(f"{int(word):016x}" for word in row), 16) for row in bits]
    return {
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if (numbers[i] ^ numbers[j]).bit_count() <= distance
    }


@st.composite
def clusters(draw) -> np.ndarray:
    """Hashes around a few centers, up to 40 bits away: pairs on both sides of the limit."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    centers = random.integers(0, 2, (draw(st.integers(1, 4)), 256))
    rows = centers[random.integers(0, len(centers), draw(st.integers(1, 40)))]
    flips = random.random(rows.shape) < random.random((len(rows), 1)) * 0.1
    packed = np.packbits((rows ^ flips).astype(np.uint8), axis=1)
    return packed.view(">u8").astype(np.uint64)


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(0, 40), st.integers(1, 500))
def test_near_pairs_are_those_of_a_count_by_hand_whatever_the_block_size(bits, distance, cells):
    pairs = np.concatenate([np.empty((0, 2), int), *near_pair_blocks(bits, distance, cells)])
    assert pairs.tolist() == near_pairs(bits, distance).tolist() == sorted(pairs.tolist())
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert {tuple(pair) for pair in pairs.tolist()} == brute_force(bits, distance)
    assert len(pairs) == len(brute_force(bits, distance))


def test_the_documented_distance_is_the_limit():
    bits = np.zeros((3, 4), dtype=np.uint64)
    bits[1, 0], bits[2, 3] = 2**NEAR - 1, 2 ** (NEAR + 1) - 1
    assert near_pairs(bits).tolist() == [[0, 1]]


def grouped(bits: np.ndarray, distance: int = NEAR) -> np.ndarray:
    cluster = np.arange(len(bits))
    for pairs in near_pair_blocks(bits, distance):
        cluster = join(cluster, pairs)
    return cluster


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(0, 40))
def test_clusters_are_what_is_connected_by_near_pairs(bits, distance):
    found = grouped(bits, distance)
    by_hand = list(range(len(bits)))
    for _ in by_hand:
        for i, j in near_pairs(bits, distance):
            by_hand[i] = by_hand[j] = min(by_hand[i], by_hand[j])
    assert (np.equal.outer(found, found) == np.equal.outer(by_hand, by_hand)).all()


def test_the_memory_does_not_grow_with_the_number_of_pairs():
    bits = np.zeros((6000, 4), dtype=np.uint64)  # photos of a fixed camera: 18 million pairs, 288 MB of numbers
    tracemalloc.start()
    found = grouped(bits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found == found[0]).all() and peak < 250 * 2**20


@pytest.mark.parametrize("copies", [2, 70])
def test_pairs_are_measured_alike_one_by_one_and_all_at_once(copies):
    random = np.random.default_rng(1)
    small = random.integers(0, 256, (copies, 768), dtype=np.uint8)
    pairs = np.array([(i, j) for i in range(copies) for j in range(i + 1, copies)])
    correlation, difference = correlations(small, pairs)
    for few in (pairs[:1], pairs[-1:], pairs[:: copies + 3]):  # few of many
        i, j = few[0]
        at = np.flatnonzero((pairs == few[0]).all(axis=1))
        assert correlations(small, few)[0][0] == pytest.approx(correlation[at][0], abs=1e-5)
        assert correlation[at][0] == pytest.approx(np.corrcoef(small[i], small[j])[0, 1], abs=1e-5)
        apart = np.square(small[i].astype(float) - small[j]).mean()
        assert difference[at][0] == pytest.approx(apart, rel=1e-4)


def table(root: Path, files: dict[str, Image.Image], **options) -> pd.DataFrame:
    """Files as the scan reads them: label/name -> image, saved by the ending of the name."""
    for name, image in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(root / name, **({"quality": 85} | options if name.endswith(".jpg") else {}))
    rows = [describe(root / name) | {"raw": name, "label": name.split("/")[-2]} for name in files]
    return pd.DataFrame(rows).assign(official=["test" if name.startswith("test") else "" for name in files])


def sorted_out(rows: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, dict[str, str], str]:
    said = []
    kept, dropped = drop_duplicates(rows, root, NEAR, said.append)
    return kept, dropped.set_index("raw")["reason"].to_dict(), said[0]


def saved(image: Image.Image, kind: str = "JPEG", **options) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, kind, **options)))


def photo(number: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Shapes with edges, and grain."""
    random = np.random.default_rng(number)
    image = sample_image(number, size)
    for _ in range(4):
        x, y = random.integers(0, size[0] - 30), random.integers(0, size[1] - 30)
        image.paste(tuple(random.integers(40, 200, 3).tolist()), (x, y, x + 30, y + 25))
    grain = random.normal(0, 4, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(image) * 0.8 + 20 + grain).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(28, 28), (61, 259), (300, 517)])
def test_copies_of_any_size_are_compared_to_their_last_row(tmp_path, size):
    one = photo(1).convert("L").resize(size)
    two = one.copy()
    two.paste(255, (size[0] // 8 * 8 - 8, size[1] // 8 * 8 - 8, *size))
    rows = table(tmp_path, {"elm/1.png": one, "elm/2.jpg": one, "elm/3.jpg": two, "oak/1.png": photo(2)})
    kept, _, _ = sorted_out(rows, tmp_path)
    assert kept["raw"].tolist() == ["elm/1.png", "elm/3.jpg", "oak/1.png"]


def test_copies_of_each_kind_are_dropped_and_named(tmp_path):
    one = photo(1)
    rows = table(
        tmp_path,
        {
            "elm/1.png": one,
            "elm/2.jpg": one,
            "elm/3.png": one,
            "elm/4.jpg": saved(one, quality=60),
            "elm/5.webp": one,
            "oak/1.jpg": photo(2),
            "test/oak/9.jpg": saved(photo(2), quality=95),
        },
    )
    kept, reasons, said = sorted_out(rows, tmp_path)
    assert kept["raw"].tolist() == ["elm/1.png", "test/oak/9.jpg"]
    again = "re-encoded copy: the same image, saved again, as "
    assert reasons == {
        "elm/2.jpg": again + "elm/1.png",
        "elm/3.png": "exact duplicate: another file has the same bytes",
        "elm/4.jpg": again + "elm/1.png",
        "elm/5.webp": again + "elm/1.png",
        "oak/1.jpg": again + "test/oak/9.jpg",
    }
    assert "1 exact copies dropped, 4 re-encoded copies dropped, 0 files of" in said


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 98])
def test_a_copy_is_recognized_whatever_its_quality(tmp_path, quality):
    files = {f"elm/{n}.jpg": photo(n) for n in range(4)} | {"oak/1.png": photo(50)}
    rows = table(tmp_path, files | {f"elm/again{n}.jpg": photo(n) for n in range(4)}, quality=75)
    for n in range(4):
        saved(photo(n), quality=80).save(tmp_path / f"elm/again{n}.jpg", quality=quality)
        rows.loc[rows["raw"] == f"elm/again{n}.jpg", "raw_sha256"] = f"other {n}"
    kept, _, _ = sorted_out(rows, tmp_path)
    assert kept["raw"].tolist() == list(files)


def moved(image: Image.Image) -> Image.Image:
    """A small thing at another place."""
    image = image.copy()
    image.paste((250, 250, 250), (60, 50, 66, 56))
    return image


def grainy(image: Image.Image) -> Image.Image:
    """The same scene, taken once more: other grain."""
    noise = np.random.default_rng(5).normal(0, 8, (image.height, image.width, 1))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda value: min(255, round(value * 1.04 + 2)))


def smaller(image: Image.Image) -> Image.Image:
    return image.resize((120, 90))


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((1, 1, *image.size)).resize(image.size)


@pytest.mark.parametrize("change", [moved, grainy, brighter, smaller, cropped])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_near_duplicates_that_no_encoding_explains_are_kept_together(tmp_path, change, ending):
    rows = table(tmp_path, {f"elm/1.{ending}": photo(1), f"elm/2.{ending}": change(photo(1)), "oak/3.png": photo(3)})
    kept, reasons, said = sorted_out(rows, tmp_path)
    assert reasons == {} and kept["cluster"].nunique() == 2 and kept["cluster"][0] == kept["cluster"][1]
    assert "2 images with a near-duplicate stay with it" in said


@pytest.mark.parametrize("change", [saved, brighter, smaller])
def test_an_image_in_two_classes_is_dropped_also_where_it_was_changed(tmp_path, change):
    files = {"elm/1.jpg": photo(1), "oak/1.png": change(photo(1)), "elm/2.png": photo(2), "oak/3.png": photo(3)}
    kept, reasons, _ = sorted_out(table(tmp_path, files), tmp_path)
    assert kept["raw"].tolist() == ["elm/2.png", "oak/3.png"]
    assert set(reasons.values()) == {"conflict: the same image is in two classes"}


def test_a_small_thing_or_a_color_that_tells_two_classes_apart_is_no_conflict(tmp_path):
    """A fixed camera: the classes differ in a small thing, or in the color of a lamp."""
    red, green = photo(4), photo(4)
    red.paste((200, 40, 40), (60, 50, 76, 66))
    green.paste((40, 122, 40), (60, 50, 76, 66))  # as bright
    files = {"good/1.jpg": photo(1), "bad/1.jpg": moved(photo(1)), "good/2.jpg": green, "bad/2.jpg": red}
    kept, reasons, _ = sorted_out(table(tmp_path, files), tmp_path)
    assert reasons == {} and len(kept) == 4
    assert kept["cluster"][0] == kept["cluster"][1]


def disk(color: tuple[int, int, int], at: int) -> Image.Image:
    y, x = np.mgrid[:96, :96]
    inside = (x - 30 - at) ** 2 + (y - 40 - 2 * at) ** 2 < 20**2
    return Image.fromarray(np.where(inside[..., None], color, 255).astype(np.uint8))


def test_shapes_of_equal_brightness_in_two_colors_are_two_classes(tmp_path):
    files = {f"ripe/{n}.jpg": disk((200, 40, 40), n) for n in range(0, 20, 5)}
    files |= {f"unripe/{n}.jpg": disk((40, 122, 40), n) for n in range(0, 20, 5)}
    rows = table(tmp_path, files)
    assert len(near_pairs(hash_bits(rows["phash"]))) >= 4  # the hashes see no color
    kept, reasons, _ = sorted_out(rows, tmp_path)
    assert reasons == {} and len(kept) == 8
    assert kept.groupby("cluster")["label"].nunique().max() == 1


@pytest.mark.parametrize("spot", [0, 4, 8])
def test_hashes_of_plain_images_are_no_evidence(tmp_path, spot):
    def tile(gray: int, spot: int) -> Image.Image:
        image = Image.new("RGB", (96, 96), (gray, gray, gray))
        image.paste((gray // 2,) * 3, (40, 40, 40 + spot, 40 + spot))
        return image

    files = {f"blank/{n}.png": tile(100 + 3 * n, 0) for n in range(6)}
    files |= {f"stained/{n}.png": tile(100 + 3 * n, spot) for n in range(20, 26)}
    rows = table(tmp_path, files)
    assert len(near_pairs(hash_bits(rows["phash"]))) >= 30
    kept, reasons, _ = sorted_out(rows, tmp_path)
    assert reasons == {} and kept["cluster"].is_unique and len(kept) == 12
