"""Draws the raw folder of `chest_xray`: names, folders, sizes and encodings as in the real download, with its traps.

The images come from `thorax`; here they get a patient, a folder, a size and a JPEG quality. What gives the class
away in the real files does so here: size and quality of the files, never their content.
"""

import csv
from pathlib import Path

import numpy as np

from data_prework.synthetic import faults
from data_prework.synthetic.canvas import draw_all, save_jpeg, save_mask
from data_prework.synthetic.xrays import thorax

TEST_SHARE = 0.2
SICK_SHARE = {"train": 0.75, "test": 0.625}
CLASSES = ("NORMAL", "PNEUMONIA")
GROUP_SIZES = [0.72, 0.12, 0.07, 0.05, 0.025, 0.015]  # share of patients with 1, 2, ... 6 images
KINDS = {"bacteria": [0.6, 0.3, 0.1], "virus": [0.15, 0.35, 0.5]}  # focal, patchy, diffuse


def synthesize(
    folder: Path, seed: int = 7, count: int = 1500, difficulty: float = 1.0, workers: int | None = None
) -> dict[str, int]:
    """Draw the raw folder of synthetic chest X-rays, and masks and lists in `<folder>_truth` beside it.

    Args:
        folder: must not exist, or be empty; gets train/ and test/ with NORMAL and PNEUMONIA each.
        seed: same seed, same bytes.
        count: images that are usable after preparation (60 at least); faulty files come on top.
        difficulty: above 1 the opacities are fainter, below 1 stronger.
        workers: processes; all processors when None. The result does not depend on it.

    Returns:
        Images drawn per split and class ("train/NORMAL"), and planted files per fault.

    Raises:
        FileExistsError: when `folder` holds anything.
        ValueError: when `count` is too small for the planted faults.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: delete it or choose another folder; nothing was drawn")
    if count < 60:
        raise ValueError(f"count={count} is too small: the planted faults need at least 60 images")
    truth = folder.with_name(folder.name + "_truth")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    extra = faults.COUNTS["two_classes"]
    jobs = plan(rng, seed, count - faults.COUNTS["near_duplicate"] + extra, difficulty)
    train = [i for i, job in enumerate(jobs) if job["split"] == "train"]
    odd = rng.choice(train, extra + max(1, round(0.01 * len(train))), replace=False).tolist()
    twins, wrong = odd[:extra], odd[extra:]
    for i in wrong:
        jobs[i]["sick"] = not jobs[i]["sick"]
    for job in jobs:
        job |= {"folder": folder, "truth": truth}
    rows = draw_all(draw, jobs, "chest X-rays", workers)

    paths = [folder / job["path"] for job in jobs]
    chosen = set(odd)
    victims = {name: [p for i, p in enumerate(paths) if i not in chosen and p.parent.name == name] for name in CLASSES}
    conflicts = [(paths[i], folder / other_class(jobs[i]["path"], 9000 + k)) for k, i in enumerate(twins)]
    planted = faults.plant(
        folder, truth, rng, victims, another_name, conflicts=conflicts, mislabelled=[paths[i] for i in wrong]
    )
    with (truth / "draws.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    kinds = [p.parent.relative_to(folder).as_posix() for p in paths] + [row["kind"] for row in planted]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def plan(rng: np.random.Generator, seed: int, count: int, difficulty: float) -> list[dict]:
    """One job an image: path, split, patient, series, whether sick, and seeds; `patient` is (series, number)."""
    tests = round(count * TEST_SHARE)
    jobs = []
    numbers = {series: rng.permutation(np.arange(1, count + 1)).tolist() for series in ("IM", "NORMAL2", *KINDS)}
    running = dict.fromkeys(KINDS, 0)
    for split, total in (("test", tests), ("train", count - tests)):
        sick = round(total * SICK_SHARE[split])
        for label, left in (("PNEUMONIA", sick), ("NORMAL", total - sick)):
            series_names, shares = (
                (list(KINDS), [0.65, 0.35]) if label == "PNEUMONIA" else (["IM", "NORMAL2"], [0.5, 0.5])
            )
            while left:
                series = str(rng.choice(series_names, p=shares))
                # one bag of numbers a series for both splits: person12 of bacteria and of virus may differ in split
                number = numbers[series].pop()
                size = min(left, 1 + int(rng.choice(6, p=GROUP_SIZES)))
                left -= size
                person_seed = int(rng.integers(2**62))
                for k in range(size):
                    if label == "PNEUMONIA":
                        running[series] += 1
                        name = f"person{number}_{series}_{running[series]}"
                    else:
                        name = f"{'NORMAL2-' if series == 'NORMAL2' else ''}IM-{number:04d}-0001"
                        name += f"-{k + 1:04d}" if size > 1 else ""
                    jobs.append(
                        {
                            "path": f"{split}/{label}/{name}.jpeg",
                            "split": split,
                            "patient": f"{series}:{number}",
                            "sick": label == "PNEUMONIA",
                            "person_seed": person_seed,
                            "seed": (seed, 1, len(jobs)),
                            "difficulty": difficulty,
                        }
                    )
    return jobs


def draw(job: dict) -> dict:
    """Draw and save one image and its mask; returns its row of draws.csv."""
    rng = np.random.default_rng(np.random.SeedSequence(job["seed"]))
    person = np.random.default_rng(job["person_seed"])
    anatomy = thorax.draw_anatomy(person)
    pose = thorax.draw_pose(rng, job["split"] == "test")
    series = job["patient"].split(":")[0]
    sign = draw_sign(person, rng, series, job["difficulty"]) if job["sick"] else None
    path = job["folder"] / job["path"]
    label = path.parent.name
    size, quality, mode = file_traits(rng, job["split"], label)
    pixels, mask = thorax.xray(rng, anatomy, pose, sign, size)
    save_jpeg(path, pixels, quality, mode)
    save_mask(faults.mask_path(job["folder"], job["truth"], path), mask)
    return {
        "path": job["path"],
        "label": CLASSES[job["sick"]],
        "saved_as": label,
        "split": job["split"],
        "patient": job["patient"],
        "kind": sign["kind"] if sign else "",
        "strength": round(sign["strength"], 3) if sign else "",
        "mask_share": round(float(mask.mean()), 4),
        "hilum": round(float(anatomy["hilum"]), 2),
        "thymus": round(float(anatomy["thymus"].max()), 2),
        "veil": round(pose["veil"], 3),
        "breath": round(pose["breath"], 3),
        "width": size[0],
        "height": size[1],
        "quality": quality,
        "mode": mode or "L",
    }


def draw_sign(person: np.random.Generator, rng: np.random.Generator, series: str, difficulty: float) -> dict:
    """The opacity: kind and places belong to the patient, strength and extent to the day."""
    kind = str(person.choice(["focal", "patchy", "diffuse"], p=KINDS.get(series, KINDS["bacteria"])))
    sides = person.choice([-1, 1], 1) if kind == "focal" or person.random() < 0.4 else np.array([-1, 1])
    number = {"focal": 1, "patchy": int(person.integers(2, 6)), "diffuse": int(person.integers(4, 7))}[kind]
    spread = {"focal": (0.3, 0.46), "patchy": (0.17, 0.29), "diffuse": (0.3, 0.46)}[kind]
    spots = []
    for _ in range(number):
        x = person.choice(sides) * person.uniform(0.32, 0.74)
        spots.append((x, person.uniform(0.22, 0.92), person.uniform(*spread) * rng.uniform(0.9, 1.15)))
    faint = rng.random() < 0.05
    strength = (rng.uniform(0.35, 0.65) if faint else rng.uniform(0.65, 1.1)) / difficulty
    return {"kind": kind, "strength": min(strength, 1.1), "spots": spots}


def file_traits(rng: np.random.Generator, split: str, label: str) -> tuple[tuple[int, int], int, str | None]:
    """((width, height), JPEG quality, color mode): the shortcuts of the real files, rates as measured there."""
    normal = label == "NORMAL"
    width = np.clip((740 if normal else 520) * np.exp(rng.normal(0, 0.15)), 380, 960)
    aspect = np.clip(rng.normal(1.2 if normal else 1.4, 0.11 if normal else 0.14), 1.0, 1.9)
    fine = normal and split == "train"
    quality = 95 if (rng.random() < 0.015) != fine else 75
    mode = "RGB" if rng.random() < 0.048 and not normal and split == "train" else None
    return (round(width), round(width / aspect)), quality, mode


def another_name(path: Path, kind: str) -> Path:
    """An unused name for a further image of the same patient, in the same folder."""
    stem, number = path.stem.rsplit("_" if path.stem.startswith("person") else "-", 1)
    for k in range(1, 10_000):
        if path.stem.startswith("person"):
            free = path.with_name(f"{stem}_{int(number) + k}.jpeg")
        else:  # IM-0115-0001 and IM-0115-0001-0002 are both in use: the fourth number counts one patient's images
            root = stem if stem.removeprefix("NORMAL2-").count("-") == 2 else path.stem
            free = path.with_name(f"{root}-{k + 1:04d}.jpeg")
        if not free.exists():
            return free
    raise FileExistsError(f"no free name beside {path}")


def other_class(path: str, number: int) -> str:
    """The path of a copy in the other class, under the name of a patient that does not exist."""
    split, label, _ = path.split("/")
    if label == "PNEUMONIA":
        return f"{split}/NORMAL/IM-{number:04d}-0001.jpeg"
    return f"{split}/PNEUMONIA/person{number}_bacteria_{number}.jpeg"
