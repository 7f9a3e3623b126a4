"""Who publishes the course's data sets: addresses, hashes, and what to do where a download can't start."""

from dataclasses import dataclass
from pathlib import Path

from data_prework.sources.packages import Package
from data_prework.sources.wikimedia import COMMONS_API


@dataclass(frozen=True)
class Direct:
    """One file at one or more addresses. known_hash: "md5:..." or "sha256:..." where the publisher names it."""

    urls: tuple[str, ...]
    file: str
    page: str
    known_hash: str | None = None
    size_mb: float = 0.0


@dataclass(frozen=True)
class Kaggle:
    """A dataset on Kaggle. handle: "owner/name"."""

    handle: str

    @property
    def page(self) -> str:
        return f"https://www.kaggle.com/datasets/{self.handle}"


@dataclass(frozen=True)
class Commons:
    """Photos of Wikimedia Commons. categories: class name -> category, or several of them with | between.

    per_class: photos at most. pause: seconds before each request. unconfirmed: categories that were never seen used.
    """

    categories: dict[str, str]
    api: str = COMMONS_API
    per_class: int = 500
    pause: float = 0.2
    unconfirmed: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        titles = [title for line in self.categories.values() for title in line.split("|")]
        return ", ".join(f"https://commons.wikimedia.org/wiki/Category:{title.replace(' ', '_')}" for title in titles)


@dataclass(frozen=True)
class AddressList:
    """Photos anywhere on the web. lists: class name -> text file with one image address per line."""

    lists: dict[str, Path]
    pause: float = 0.1

    @property
    def page(self) -> str:
        return ", ".join(str(path) for path in self.lists.values())


Source = Direct | Kaggle | Commons | AddressList | Package
# Addresses as of November 2026, not tried from the place where they were written down. A checksum stands here only
# where a public record names it; Mendeley Data lists its own at /public-api/datasets/ID/files?folder_id=root&version=N.
_MENDELEY = "https://data.mendeley.com/public-files/datasets"
_ZENODO = "https://zenodo.org/records/10519652"
CHEST_XRAY = Direct(  # version 2 of the record: ChestXRay2017.zip, 1,235,512,464 bytes; no public record of a checksum
    urls=(f"{_MENDELEY}/rscbjbr9sj/files/f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",),
    file="ChestXRay2017.zip",
    page="https://data.mendeley.com/datasets/rscbjbr9sj/2",
    size_mb=1236,
)
CONCRETE_CRACKS = Direct(  # version 2 is a rar of 241,363,336 bytes; checksum as two public projects copied it
    urls=(f"{_MENDELEY}/5y9wdsg2zt/files/8a70d8a5-bce9-4291-bab9-b48cfb3e87c3/file_downloaded",),
    file="Concrete Crack Images for Classification.rar",
    page="https://data.mendeley.com/datasets/5y9wdsg2zt/2",
    known_hash="sha256:08d7dc505a4f5a0330cee2fa2a1ae4b5b4f98bcffd0549b774caf7959bb1f02f",
    size_mb=242,
)
PNEUMONIA_MNIST = {  # image size in pixels -> file; addresses and md5 as in medmnist 3.0.2, info.py; sizes uncompressed
    size: Direct((f"{_ZENODO}/files/{file}?download=1",), file, _ZENODO, f"md5:{md5}", size_mb)
    for size, file, md5, size_mb in (
        (28, "pneumoniamnist.npz", "28209eda62fecd6e6a2d98b1501bb15f", 5),
        (64, "pneumoniamnist_64.npz", "8f4eceb4ccffa70c672198ea285246c6", 24),
        (128, "pneumoniamnist_128.npz", "05b46931834c231683c68f40c47b2971", 96),
        (224, "pneumoniamnist_224.npz", "d6a3c71de1b945ea11211b03746c1fe1", 294),
    )
}
CHEST_XRAY_KAGGLE = Kaggle("paultimothymooney/chest-xray-pneumonia")
CONCRETE_CRACKS_KAGGLE = Kaggle("arnavr10880/concrete-crack-images-for-classification")  # plain folders, no rar
MONUMENTS = Commons(
    {"cristo_redentor": "Cristo Redentor (Rio de Janeiro)", "cristo_rei": "Cristo Rei (Almada)|Cristo Rei, Almada"},
    unconfirmed=("Cristo Rei (Almada)", "Cristo Rei, Almada"),  # one that does not exist adds nothing
)
