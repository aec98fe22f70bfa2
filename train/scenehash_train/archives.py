"""Published archives, and where to download them.

Addresses and checksums come from the source named in the comment above each. An archive without a
published checksum is not listed. Tests download none of them.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PublishedArchive:
    """A zip file of images, one folder per class.

    checksum: an algorithm of hashlib, a colon, and hexadecimal digits. page: about the archive and
    its terms of use. images, classes, megabytes: the expected size.
    """

    url: str
    checksum: str
    page: str
    images: int
    classes: int
    megabytes: int

    def document(self, name: str) -> dict[str, Any]:
        """The archive as plain values."""
        return {"name": name} | asdict(self)


PUBLISHED: dict[str, PublishedArchive] = {
    # Xia et al. 2017. The copy and the checksum that torchgeo-bench downloads.
    "aid": PublishedArchive(
        url="https://huggingface.co/datasets/isaaccorley/aid/resolve/"
        "e6767964e40f567a18eac6e6ca5fce397e4ce411/AID.zip",
        checksum="sha256:79345ef1766e85f7b92cf556c809c4f32ff24228ae71aadf96780f74f48c26a4",
        page="https://captain-whu.github.io/AID/",
        images=10_000,
        classes=30,
        megabytes=2600,
    ),
    # Helber et al. 2019: the authors' own record, with its checksum.
    "eurosat": PublishedArchive(
        url="https://zenodo.org/records/7711810/files/EuroSAT_RGB.zip",
        checksum="md5:f46e308c4d50d4bf32fedad2d3d62f3b",
        page="https://doi.org/10.5281/zenodo.7711810",
        images=27_000,
        classes=10,
        megabytes=95,
    ),
    # Cheng, Han, Lu 2017. The copy and the checksum of torchgeo.
    "resisc45": PublishedArchive(
        url="https://huggingface.co/datasets/torchgeo/resisc45/resolve/"
        "a826b44d938a883185f11ebe3d512d38b464312f/NWPU-RESISC45.zip",
        checksum="md5:75206b2e16446591afa88e2628744886",
        page="https://doi.org/10.1109/JPROC.2017.2675998",
        images=31_500,
        classes=45,
        megabytes=427,
    ),
    # Yang and Newsam 2010. The copy and the checksum of torchgeo.
    "ucmerced": PublishedArchive(
        url="https://huggingface.co/datasets/torchgeo/ucmerced/resolve/"
        "7c5ef3454d9b1cccfa7ccde0c01fc8f00a45909a/UCMerced_LandUse.zip",
        checksum="md5:5b7ec56793786b6dc8a908e8854ac0e4",
        page="http://weegee.vision.ucmerced.edu/datasets/landuse.html",
        images=2_100,
        classes=21,
        megabytes=332,
    ),
}
