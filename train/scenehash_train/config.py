"""The configuration of a run: what is trained, on which backbone, by which recipe."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from scenehash.codes import check_bits
from scenehash.decode_params import DecodeParams
from scenehash.errors import ConfigurationError
from scenehash.tiles import MAX_TILE_SIZE, MIN_TILE_SIZE

NESTED_WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CentresSettings(_Settings):
    """Hyperparameters of the recipe `centres`; see recipes/centres.py.

    random_augment: the fraction of views that are randomly augmented. balance: how far classes are
    drawn equally often: 0, each image as often as others; 1, each class. similarity, instance,
    decorrelation: weights of the losses.
    """

    random_augment: float = Field(default=0.25, ge=0, le=1)
    balance: float = Field(default=0.5, ge=0, le=1)
    components: int = Field(default=512, ge=1)
    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=256, ge=2)
    learning_rate: float = Field(default=4e-3, gt=0)
    weight_decay: float = Field(default=5e-4, ge=0)
    hidden: int = Field(default=512, ge=1)
    deep_bits: int = Field(default=24, ge=1)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    noise: float = Field(default=0.5, ge=0)
    margin: float = Field(default=0.2, ge=0)
    similarity: float = Field(default=4.0, ge=0)
    whitened: bool = True
    instance: float = Field(default=0.3, ge=0)
    temperature: float = Field(default=0.2, gt=0)
    decorrelation: float = Field(default=0.0, ge=0)
    centres: Literal["fixed", "learned"] = "fixed"
    nested: bool = True


class MhclnSettings(_Settings):
    """Hyperparameters of the recipe `mhcln`, the paper's values by default."""

    components: int = Field(default=512, ge=1)
    steps: int = Field(default=10_000, ge=1)
    batch: int = Field(default=90, ge=3)
    learning_rate: float = Field(default=1e-4, gt=0)
    margin: float = Field(default=0.2, ge=0)
    push: float = Field(default=0.001, ge=0)
    balance: float = Field(default=1.0, ge=0)
    balance_over: Literal["code", "bit"] = "code"
    mining: Literal["published", "all", "semihard", "distance"] = "published"


class FinetuneSettings(_Settings):
    """Hyperparameters of phase three; see finetune.py.

    blocks: how many of the backbone's last blocks are trained, besides its last convolution. share:
    their learning rate as a fraction of the head's.
    """

    blocks: int = Field(default=5, ge=1)
    steps: int = Field(default=100, ge=1)
    batch: int = Field(default=64, ge=4)
    learning_rate: float = Field(default=1e-3, gt=0)
    share: float = Field(default=0.1, gt=0, le=1)


RECIPES: dict[str, type[CentresSettings] | type[MhclnSettings]] = {
    "centres": CentresSettings,
    "mhcln": MhclnSettings,
}


class Config(_Settings):
    """All parameters of a run besides its images.

    dims: dimensions of the compact representation, which a device may keep for each tile; one byte
    each.
    """

    recipe: Literal["centres", "mhcln"] = "centres"
    bits: int = 64
    seed: int = Field(default=0, ge=0)
    backbone: str = "efficientnet_lite0"
    tile_size: int = Field(default=256, ge=MIN_TILE_SIZE, le=MAX_TILE_SIZE)
    decode_params: DecodeParams = DecodeParams()
    dims: int = Field(default=192, ge=16, le=512)
    settings: CentresSettings | MhclnSettings
    finetune: FinetuneSettings | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of leading bits that are also codes, ascending; the last number is bits."""
        nested = isinstance(self.settings, CentresSettings) and self.settings.nested
        return (*(width for width in NESTED_WIDTHS if nested and width < self.bits), self.bits)

    @property
    def method(self) -> str:
        """The recipe, with "+finetune" if the backbone was fine-tuned."""
        return self.recipe if self.finetune is None else f"{self.recipe}+finetune"

    @field_validator("bits")
    @classmethod
    def _check_bits(cls, bits: int) -> int:
        return check_bits(bits)


def make_config(values: Mapping[str, Any]) -> Config:
    """Check values and add the defaults; raises ConfigurationError, which names the wrong key.

    The keys are the fields of Config. "settings" has the keys of the recipe. "finetune" turns on
    phase three, and has the keys of FinetuneSettings.
    """
    recipe = values.get("recipe", "centres")
    if recipe not in RECIPES:
        raise ConfigurationError(f"unknown recipe {recipe!r}; known are {', '.join(RECIPES)}")
    settings = values.get("settings", {})
    try:
        checked = settings if isinstance(settings, _Settings) else RECIPES[recipe](**settings)
        return Config(**{**values, "settings": checked})
    except ValidationError as error:
        raise ConfigurationError(_in_words(error, recipe)) from error
    except TypeError as error:
        raise ConfigurationError(f"settings must be a JSON object, not {settings!r}") from error


def read_config(path: Path) -> dict[str, Any]:
    """Read the values of a JSON file, such as the config.json of a run.

    Raises ConfigurationError when it cannot be read or is not a JSON object.
    """
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: not a JSON object")
    return values


def _in_words(error: ValidationError, recipe: str) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known: Iterable[str] = RECIPES[recipe].model_fields
        if error.title == "Config":
            known = Config.model_fields
        if key.startswith("finetune."):
            known = FinetuneSettings.model_fields
        if key.startswith("decode_params."):
            known = [field.name for field in fields(DecodeParams)]
        return f"unknown configuration key {key!r}; known are {', '.join(known)}"
    return f"configuration key {key!r}: {first['msg']} (got {first['input']!r})"
