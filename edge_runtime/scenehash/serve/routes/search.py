"""Search, by a document or by an address."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from scenehash.errors import ConfigurationError
from scenehash.report.geojson import feature_collection, hit_feature
from scenehash.retrieval.options import DEFAULT_HITS

from ..queries import MOST_HITS, MOST_QUERIES, SearchRequest, query_of
from .common import GEOJSON, PROBLEMS, AnyServed, Where, answer

router = APIRouter(tags=["search"], responses=PROBLEMS)

Texts = Annotated[
    list[str], Query(description="row:12, code:0f3a, upload:ID, scene:ID, at:LAT,LON")
]


@router.post("/api/search")
def search(served: AnyServed, asked: SearchRequest) -> Response:
    """Search, as scenehash search does."""
    return answer(served.search(asked).document(asked.group, asked.explain))


@router.get("/api/search")
def search_by_address(
    served: AnyServed,
    where: Where,
    q: Texts,
    unlike: Annotated[list[str] | None, Query(alias="not")] = None,
    k: Annotated[int, Query(ge=1, le=MOST_HITS)] = DEFAULT_HITS,
    radius: Annotated[int | None, Query(ge=0, le=256)] = None,
    other_scenes: bool = False,
    group: bool = False,
    explain: bool = False,
) -> Response:
    """The same for a search that fits an address."""
    asked = _asked(q, unlike or [], k, radius, other_scenes, group, explain, where)
    return answer(served.search(asked).document(asked.group, asked.explain))


@router.get("/api/search.geojson")
def search_as_geojson(
    served: AnyServed,
    where: Where,
    q: Texts,
    unlike: Annotated[list[str] | None, Query(alias="not")] = None,
    k: Annotated[int, Query(ge=1, le=MOST_HITS)] = DEFAULT_HITS,
    radius: Annotated[int | None, Query(ge=0, le=256)] = None,
    other_scenes: bool = False,
) -> Response:
    """The hits that have a footprint, for maps."""
    asked = _asked(q, unlike or [], k, radius, other_scenes, False, False, where)
    result = served.search(asked)
    features = [hit_feature(hit) for hit in result.hits]
    return answer(feature_collection(features), media=GEOJSON)


def _asked(
    q: list[str],
    unlike: list[str],
    k: int,
    radius: int | None,
    other_scenes: bool,
    group: bool,
    explain: bool,
    where: Where,
) -> SearchRequest:
    if not 1 <= len(q) <= MOST_QUERIES or len(unlike) > MOST_QUERIES:
        raise ConfigurationError(f"q: give 1 to {MOST_QUERIES} queries")
    return SearchRequest.model_construct(
        queries=[query_of(text) for text in q],
        unlike=[query_of(text) for text in unlike],
        k=k,
        radius=radius,
        other_scenes=other_scenes,
        rerank=None,
        group=group,
        explain=explain,
        filter=where,
    )
