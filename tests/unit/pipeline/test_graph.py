"""Filter graphs: as long and as broad as a film of the largest size needs them, each stream used once."""

import pytest

from renderowl.pipeline.graph import Stream, combined, compile_graph, input_stream, source


def test_a_graph_is_told_a_chain_a_line_with_inputs_by_their_numbers() -> None:
    first, second = input_stream(1, "v").then("fps", 30), input_stream(0, "v").then("crop", 2, 2, x="min(n,4)")
    small, large = combined("overlay", [first, second], x=1).split()
    graph = compile_graph(small.then("scale", 32, -2), large)
    assert graph.text == (
        "[1:v:0]fps=30[s0];\n"
        "[0:v:0]crop=2:2:x=min(n\\,4)[s1];\n"
        "[s0][s1]overlay=x=1[s2];\n"
        "[s2]split=2[s3][s4];\n"
        "[s3]scale=32:-2[s5]\n"
    )
    assert graph.outputs == ("[s5]", "[s4]")


def test_thousands_of_filters_may_follow_one_another() -> None:
    picture = source("color@background", color="black")
    for number in range(1500):
        picture = combined("overlay", [picture, source(f"color@{number}", color="red")])
    assert compile_graph(picture).text.count("overlay") == 1500


def test_thousands_of_inputs_may_be_mixed() -> None:
    voices = [input_stream(number, "a").then("volume", 2).then("atrim", end_sample=9) for number in range(1000)]
    text = compile_graph(combined("amix", voices, inputs=1000)).text
    assert text.count("\n") == 2001
    assert "[999:a:0]volume=2[s1998]" in text


def test_a_stream_that_is_used_twice_is_refused() -> None:
    once: Stream = source("color@once", color="red")
    with pytest.raises(ValueError, match="color@once"):
        compile_graph(combined("overlay", [once, once]))
