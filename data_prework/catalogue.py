"""The data sets of the course: one readable table."""

from collections.abc import Callable
from dataclasses import dataclass, field

from data_prework.group import by_itself, crack_block, solar_module, xray_patient
from data_prework.manifest import SPLITS
from data_prework.sources import packages, publishers


@dataclass(frozen=True)
class Entry:
    """What data_prework knows of a data set.

    `classes` are in the order negative, positive. `keep_splits` are the official splits to respect. `sources` are
    tried in order by `download`. `terms` are those of the licence, where it forbids something. `columns` are those that
    only this data set has, name -> "str", "int" or "float": they stand in `columns.csv` beside the class folders, and
    go into the manifest. `balance` is one of them whose values all splits get alike, as they do the classes.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    group: Callable[[str, str], str]
    group_words: str
    keep_splits: tuple[str, ...]
    sources: tuple
    page: str
    citation: str
    licence: str
    author: str
    terms: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    balance: str = ""


CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry(
            name="chest_xray",
            title="Chest X-rays of children, normal or pneumonia",
            classes=("NORMAL", "PNEUMONIA"),
            group=xray_patient,
            group_words="patient, from the file name",
            keep_splits=("test",),  # the official validation split has 16 images: too few to choose by
            sources=(publishers.CHEST_XRAY, publishers.CHEST_XRAY_KAGGLE),
            page="https://data.mendeley.com/datasets/rscbjbr9sj",
            citation="Kermany, Zhang & Goldbaum 2018, Mendeley Data rscbjbr9sj",
            licence="CC BY 4.0",
            author="Kermany, Zhang, Goldbaum",
        ),
        Entry(
            name="concrete_cracks",
            title="Patches of concrete walls, with or without a crack",
            classes=("Negative", "Positive"),
            group=crack_block,
            group_words="blocks of 100 neighboring numbers for Positive, which were cut in order from the same photos",
            keep_splits=("test",),
            sources=(
                publishers.CONCRETE_CRACKS_KAGGLE,
                publishers.CONCRETE_CRACKS,
            ),  # Mendeley has a .rar, to be unpacked by hand
            page="https://data.mendeley.com/datasets/5y9wdsg2zt/2",
            citation="Özgenel 2019, Concrete Crack Images for Classification, Mendeley Data 5y9wdsg2zt",
            licence="CC BY 4.0",
            author="Çağlar Fırat Özgenel",
        ),
        Entry(
            name="monuments",
            title="Photos of two look-alike statues: Cristo Redentor (Rio) and Cristo Rei (Almada)",
            classes=("cristo_redentor", "cristo_rei"),
            group=by_itself,
            group_words="near-duplicates only",
            keep_splits=("test",),
            sources=(publishers.MONUMENTS,),
            page="https://commons.wikimedia.org",
            citation="Wikimedia Commons; the page of each file is in its row",
            licence="per file",
            author="per file",
        ),
        Entry(
            name="pneumonia_mnist",  # not in the lessons: the same X-rays, small, for quick experiments
            title="PneumoniaMNIST: the chest X-rays at 28, 64, 128 or 224 pixels",
            classes=("normal", "pneumonia"),
            group=by_itself,
            group_words="near-duplicates only: the file names, and with them the patients, are lost",
            keep_splits=SPLITS,
            sources=(publishers.PNEUMONIA_MNIST[28],),  # other sizes with --size
            page="https://zenodo.org/records/10519652",
            citation="Yang et al. 2023, MedMNIST v2, Zenodo 10519652; after Kermany et al. 2018",
            licence="CC BY 4.0",
            author="Yang et al.; Kermany et al.",
        ),
        Entry(
            name="solar_cells",
            title="Electroluminescence photographs of solar cells, functional or defective",
            classes=("functional", "defective"),
            group=solar_module,
            group_words="solar module, from the order of the files",
            keep_splits=(),
            sources=(packages.ELPV,),
            page=packages.ELPV.page,
            citation="Buerhop-Lutz et al. 2018, Deitsch et al. 2019 and 2021; elpv-dataset 1.0.0.post1",
            licence=packages.ELPV.licence,
            author="Buerhop-Lutz, Deitsch, Maier, Gallwitz, Berger, Doll, Hauch, Camus, Brabec",
            terms=packages.ELPV.terms,
            columns={"soft_label": "float", "cell_type": "str", "module": "int"},
            balance="cell_type",  # by classes alone the validation split gets one mono module, nearly all defective
        ),
    )
}


def entry_for(name: str) -> Entry:
    """The catalogue's entry, or a plain one for a data set of one's own.

    Raises:
        ValueError: a name that cannot be a folder's name.

    Example:
        >>> entry_for("chest_xray").classes, entry_for("leaves").citation
        (('NORMAL', 'PNEUMONIA'), 'own images')
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    if not name.replace("-", "_").isidentifier() or name in ("raw", "embedded"):
        raise ValueError(f"{name!r} cannot name a data set: use letters, digits, - and _ (not 'raw' or 'embedded')")
    return Entry(
        name=name,
        title=name,
        classes=(),
        group=by_itself,
        group_words="near-duplicates only; give --group-pattern if file names tell what belongs together",
        keep_splits=SPLITS,
        sources=(),
        page="",
        citation="own images",
        licence="unknown",
        author="unknown",
    )
