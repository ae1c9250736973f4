"""A thin typed edge over ffmpeg-python: pictures and sounds that filters turn into others, and the finished graph.

ffmpeg-python escapes every argument. Two nodes with equal arguments are one node to it, which may not be used twice, so
inputs and sources carry names of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import ffmpeg
from ffmpeg.nodes import FilterableStream, FilterNode, Node

Value = str | int | float

_INPUT: Final = "input-"


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
    return Stream(ffmpeg.input(f"{_INPUT}{number}")[f"{kind}:0"])


def combined(name: str, streams: Sequence[Stream], **kwargs: Value) -> Stream:
    """Return one stream made of several, by a filter such as `overlay` or `amix`."""
    return Stream(ffmpeg.filter([stream._node for stream in streams], name, **kwargs))


@dataclass(frozen=True)
class Graph:
    """The text of a filter graph and the labels of its outputs, in the order asked for."""

    text: str
    outputs: tuple[str, ...]


def compile_graph(*outputs: Stream) -> Graph:
    """Return the graph that makes these streams, one chain a line; raises ValueError when a stream is used twice.

    ffmpeg-python tells each filter, but puts them in order by looking through a list for each of them, and by recursion.
    """
    ends = [stream._node for stream in outputs]
    nodes = _in_order([end.node for end in ends])
    taken = [(edge.upstream_node, edge.upstream_label) for node in nodes for edge in node.incoming_edges]
    used: dict[Any, list[Any]] = {node: [] for node in nodes if isinstance(node, FilterNode)}
    for node, label in [*taken, *((end.node, end.label) for end in ends)]:
        if node in used:
            if label in used[node]:
                raise ValueError(f"{node.name} is used twice without being split")
            used[node].append(label)
    streams = [(node, label) for node, labels in used.items() for label in sorted(labels)]
    names = {stream: f"[s{number}]" for number, stream in enumerate(streams)}
    chains = (
        "".join(_taken(edge, names) for edge in node.incoming_edges)
        + str(node._get_filter(labels))
        + "".join(names[node, label] for label in sorted(labels))
        for node, labels in used.items()
    )
    return Graph(";\n".join(chains) + "\n", tuple(names[end.node, end.label] for end in ends))


def _in_order(ends: Sequence[Any]) -> list[Any]:
    """Return the nodes that make these, each behind all it is made of."""
    found: dict[Any, None] = {}
    waiting = [(end, False) for end in reversed(ends)]
    while waiting:
        node, are_there = waiting.pop()
        if are_there:
            found[node] = None
        elif node not in found:
            waiting.append((node, True))
            waiting += [(edge.upstream_node, False) for edge in reversed(node.incoming_edges)]
    return list(found)


def _taken(edge: Any, names: Mapping[tuple[Any, Any], str]) -> str:
    """Return what a filter takes: what another one makes, or a stream of an input."""
    node = edge.upstream_node
    if isinstance(node, FilterNode):
        return names[node, edge.upstream_label]
    return f"[{node.kwargs['filename'].removeprefix(_INPUT)}:{edge.upstream_selector}]"
