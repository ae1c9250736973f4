"""The `annotate` composition: the rated moments of a video, with what was noted about them."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from renderowl.domain.spec.fields import Length, Problem, Source, Spec, Time, aliases

Tag = Annotated[str, Meta(min_length=1, max_length=100)]


class AnnotatedClip(Spec, frozen=True, kw_only=True):
    """A part of the video, in its seconds, with its rating, tags and notes."""

    start_time: Time
    end_time: Length
    rating: Annotated[int, Meta(ge=1, le=5)] = 3
    tags: Annotated[tuple[Tag, ...], Meta(max_length=20)] = ()
    notes: Annotated[str, Meta(max_length=1000)] | None = None

    def problems(self) -> Iterator[Problem]:
        if self.end_time <= self.start_time:
            yield "/end_time", "must be later than start_time"


class AnnotateParams(Spec, frozen=True, kw_only=True):
    """The clips, in the order of the film."""

    clips: Annotated[tuple[AnnotatedClip, ...], Meta(min_length=1, max_length=2000)]


class AnnotateSpec(Spec, frozen=True, kw_only=True):
    """The clips cut out of a video, one after the other, each with what was noted about it."""

    src: Annotated[Source, aliases("input_key")]
    params: AnnotateParams
