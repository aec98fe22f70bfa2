"""The demo does with its tiles what ingest and search do with anyone's."""

from pathlib import Path

import numpy as np

from scenehash import HashModel
from scenehash.decode_params import DecodeParams
from scenehash.demo.demo import run_demo
from scenehash.demo.tiles import KINDS, query_path
from scenehash.scenes import read_image


def test_queries_are_read_as_the_models_card_says(tmp_path: Path) -> None:
    model = HashModel.load(threads=1)
    params = DecodeParams(bands="3,2,1", stretch=(0, 200))
    model.card = model.card.model_copy(update={"decode_params": params})
    demo = run_demo(tmp_path, model)
    assert [search.kind for search in demo.searches] == list(KINDS)
    for search in demo.searches:
        image = read_image(query_path(search.kind), params)
        assert np.array_equal(search.query.codes, model.encode([image], 64))
        assert search.query.picture is not None
        assert np.array_equal(search.query.picture, image)
        assert len(search.hits) == 6
