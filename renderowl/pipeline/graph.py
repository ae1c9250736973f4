"""A thin typed edge over ffmpeg-python: pictures and sounds that filters turn into others, and the finished graph.

ffmpeg-python escapes every argument and names the links. Two nodes with equal arguments are one node to it, which it
then refuses to use twice, so inputs and sources carry names of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ffmpeg
from ffmpeg.nodes import FilterableStream, FilterNode, Node

Value = str | int | float


class _SourceNode(FilterNode):  # type: ignore[misc]  # ffmpeg-python has no types
    """A filter without inputs, which ffmpeg-python does not foresee."""

    def __init__(self, name: str, args: Sequence[Value], kwargs: dict[str, Value]) -> None:
        Node.__init__(
            self,
            stream_spec=None,
            name=name,
            incoming_stream_types={},
            outgoing_stream_type=FilterableStream,
            min_inputs=0,
            max_inputs=0,
            args=list(args),
            kwargs=kwargs,
        )

    def __hash__(self) -> int:
        """Tell sources of different names apart, which ffmpeg-python would merge when their arguments are equal."""
        return hash((super().__hash__(), self.name))


@dataclass(frozen=True)
class Stream:
    """One picture or sound stream inside a graph."""

    _node: Any

    def then(self, name: str, *args: Value, **kwargs: Value) -> "Stream":
        """Return this stream filtered."""
        return Stream(self._node.filter(name, *args, **kwargs))

    def split(self, kind: Literal["v", "a"] = "v") -> tuple["Stream", "Stream"]:
        """Return the stream twice."""
        both = self._node.filter_multi_output("split" if kind == "v" else "asplit")
        return Stream(both[0]), Stream(both[1])


def source(name: str, **kwargs: Value) -> Stream:
    """Return what a filter without inputs makes, such as `color@background`; the part after `@` makes it unique."""
    return Stream(_SourceNode(name, [], kwargs).stream())


def input_stream(number: int, kind: Literal["v", "a"]) -> Stream:
    """Return the first video or audio stream of the input with this number."""
    return Stream(ffmpeg.input(f"input-{number:04d}")[f"{kind}:0"])


def combined(name: str, streams: Sequence[Stream], **kwargs: Value) -> Stream:
    """Return one stream made of several, by a filter such as `overlay` or `amix`."""
    return Stream(ffmpeg.filter([stream._node for stream in streams], name, **kwargs))


@dataclass(frozen=True)
class Graph:
    """The text of a filter graph and the labels of its outputs, in the order asked for."""

    text: str
    outputs: tuple[str, ...]


def compile_graph(*outputs: Stream) -> Graph:
    """Return the graph that makes these streams, its inputs numbered as `input_stream` did; one chain a line."""
    nodes = [ffmpeg.output(stream._node, f"output-{index}") for index, stream in enumerate(outputs)]
    nodes.append(ffmpeg.output(ffmpeg.input("anchor")["v"], "output-anchor"))  # a graph of sources alone is refused
    arguments: list[str] = ffmpeg.merge_outputs(*nodes).get_args()
    text = arguments[arguments.index("-filter_complex") + 1]
    names = [arguments[index + 1] for index, word in enumerate(arguments) if word == "-i"]
    for position, name in enumerate(names):  # ffmpeg-python numbers inputs in the order it meets them
        text = text.replace(f"[{position}:", f"[{name}:")
    for name in names:
        text = text.replace(f"[{name}:", f"[{int(name.removeprefix('input-'))}:") if name != "anchor" else text
    labels = [arguments[index + 1] for index, word in enumerate(arguments) if word == "-map"]
    files = [word for word in arguments if word.startswith("output-")]
    label_of = dict(zip(files, labels, strict=True))
    return Graph(text.replace("];", "];\n") + "\n", tuple(label_of[f"output-{i}"] for i in range(len(outputs))))
