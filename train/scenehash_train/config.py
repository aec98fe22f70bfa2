"""The configuration of a run: what is trained, on which backbone, by which recipe."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from scenehash.codes import check_bits
from scenehash.errors import ConfigurationError

MIN_TILE, MAX_TILE = 32, 1024
NESTED_WIDTHS = (16, 24, 32, 48)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CentresSettings(_Settings):
    """Hyperparameters of the recipe `centres`; see train/recipes/centres.py."""

    varied: float = Field(default=0.25, ge=0, le=1)
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
    """Hyperparameters of phase three; see train/finetune.py.

    blocks: how many of the backbone's last blocks learn, its last convolution besides. They learn
    at a share of the head's learning rate.
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
    """All that a run depends on, besides its images."""

    recipe: Literal["centres", "mhcln"] = "centres"
    bits: int = 64
    seed: int = Field(default=0, ge=0)
    backbone: str = "efficientnet_lite0"
    tile_size: int = Field(default=256, ge=MIN_TILE, le=MAX_TILE)
    settings: CentresSettings | MhclnSettings
    finetune: FinetuneSettings | None = None

    @property
    def widths(self) -> tuple[int, ...]:
        """How many first bits of a code are codes of their own, ascending; the last is bits."""
        nested = isinstance(self.settings, CentresSettings) and self.settings.nested
        return (*(width for width in NESTED_WIDTHS if nested and width < self.bits), self.bits)

    @property
    def method(self) -> str:
        """The recipe, and what was done besides, in a word."""
        return self.recipe if self.finetune is None else f"{self.recipe}+finetune"

    @field_validator("bits")
    @classmethod
    def _check_bits(cls, bits: int) -> int:
        return check_bits(bits)


def make_config(values: dict[str, Any]) -> Config:
    """Check values and fill in the rest; ConfigurationError names what is wrong.

    The keys are those of Config; "settings" holds those of the recipe, "finetune", where there is
    to be a phase three, those of FinetuneSettings.
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
    """The values in a JSON file, such as the config.json of a run."""
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
    if first["type"] == "extra_forbidden":
        known = Config.model_fields if error.title == "Config" else RECIPES[recipe].model_fields
        if key.startswith("finetune."):
            known = FinetuneSettings.model_fields
        return f"unknown configuration key {key!r}; known are {', '.join(known)}"
    return f"configuration key {key!r}: {first['msg']} (got {first['input']!r})"
