from xml.etree import ElementTree

from renderowl.domain.spec.output import OutputSettings
from renderowl.pipeline.lanes import lay_out
from renderowl.pipeline.plan import Plan, make_plan
from renderowl.pipeline.plan_svg import plan_svg
from renderowl.pipeline.timeline import (
    AudioClip,
    Box,
    Canvas,
    Clip,
    ColorContent,
    Content,
    Media,
    Rate,
    TextContent,
    Timeline,
)

BOX = Box(160, 90, 320, 180)
SVG = "{http://www.w3.org/2000/svg}"


def clip(name: str, start: int, frames: int, content: Content | None = None, *, fade_in: int = 0) -> Clip:
    return Clip(name, start, frames, content or ColorContent("#336699"), BOX, fade_in=fade_in)


def plan_of(*clips: Clip, audio: tuple[AudioClip, ...] = (), frames: int = 600) -> Plan:
    media = {sound.src: Media(sound.src, "audio", sound.src, duration_s=60.0, has_audio=True) for sound in audio}
    timeline = Timeline(Canvas(320, 180, Rate(30), frames), media, clips, audio)
    return make_plan(timeline, OutputSettings(), fingerprint="ffmpeg-test")


def drawn(plan: Plan, *cached: str) -> ElementTree.Element:
    return ElementTree.fromstring(plan_svg(plan, cached))


def titles(picture: ElementTree.Element) -> list[str]:
    return [title.text or "" for title in picture.iter(f"{SVG}title")]


def test_a_plan_is_drawn_with_its_clips_sounds_and_segments() -> None:
    music = AudioClip("music", 0, 600, "music.mp3", fade_out=60)
    plan = plan_of(clip("ground", 0, 600), clip("title", 30, 90, TextContent("Hello")), audio=(music,))
    told = "\n".join(titles(drawn(plan)))
    assert "color: ground" in told
    assert "text: Hello" in told
    assert "audio: music music.mp3" in told
    assert told.count("to be rendered") == len(plan.segments) + 1


def test_what_is_cached_is_marked_and_what_is_not_is_not() -> None:
    plan = plan_of(clip("one", 0, 300), clip("two", 300, 300, ColorContent("#112233")))
    first, *others = plan.segments
    told = titles(drawn(plan, first.key))
    assert sum(": cached" in each for each in told) == 1
    assert sum(": to be rendered" in each for each in told) == len(others)


def test_a_callers_text_stays_text_whatever_is_in_it() -> None:
    hostile = '</title><script>alert(1)</script>\x00\x1b ]]> & "quoted" {x}'
    picture = drawn(plan_of(clip("ground", 0, 600), clip('"><b>', 0, 600, TextContent(hostile))))
    assert {element.tag for element in picture.iter()}.isdisjoint({f"{SVG}script", "script", f"{SVG}b"})
    assert any("<script>alert(1)</script>" in each for each in titles(picture))


def test_three_hundred_clips_and_ten_thousand_words_make_a_picture_of_a_sane_size() -> None:
    pictures = [clip(f"shot{n}", 30 * n, 45, fade_in=15) for n in range(300)]
    words = [clip(f"word{n}", n, 1, TextContent("word " * 40)) for n in range(9_000)]
    text = plan_svg(plan_of(*pictures, *words, frames=9_000))
    assert len(text) < 400_000
    assert "9,300 clips" in text
    assert float(ElementTree.fromstring(text).get("height", "0")) < 1_500


def test_more_layers_than_can_be_shown_are_counted() -> None:
    text = plan_svg(plan_of(*(clip(f"layer{n}", 0, 600) for n in range(50))))
    assert "and 10 clips more" in text


def test_crossfaded_clips_share_a_lane_and_others_that_overlap_do_not() -> None:
    shots = [clip(f"shot{n}", 100 * n, 110, fade_in=10) for n in range(5)]
    over = clip("over", 50, 100)
    lanes, left_out = lay_out([*shots, over], 10)
    assert [[one.id for one in lane] for lane in lanes] == [[shot.id for shot in shots], ["over"]]
    assert left_out == 0


def test_a_film_of_one_frame_can_be_drawn() -> None:
    assert drawn(plan_of(clip("only", 0, 1), frames=1)).tag == f"{SVG}svg"
