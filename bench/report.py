"""Write docs/performance.md and its pictures from `results/`."""

import re
from pathlib import Path
from typing import Any, Final

import charts
from results import Result, load, median

DOCS: Final = Path(__file__).parent.parent / "docs"
PICTURES: Final = DOCS / "performance"

_HEAD: Final = """# Performance

Written by `bench/report.py` from `bench/results/*.json`; `make bench`, `make bench-rooms`, `make bench-scheduler`,
`make bench-api` and `make bench-render` measure everything again. Every figure is taken from outside, as a user sees it:
commands, HTTP, the socket, the process table. Where things are compared they take turns in one run. No test asserts a time.

"""
_ORDER: Final = (
    "startup",
    "demo_cold",
    "demo_again",
    "overhead",
    "progress_latency",
    "cancel",
    "previews",
    "preview_overhead",
    "rooms_fanout_one",
    "rooms_fanout_many",
    "rooms_against_ws",
    "rooms_memory",
    "rooms_last_member",
    "rooms_latency",
    "rooms_reconnect",
    "rooms_reconnect_queries",
    "rooms_stalled",
    "scheduler_admission",
    "scheduler_latency",
    "scheduler_throughput",
    "scheduler_fairness",
    "scheduler_speedup",
    "scheduler_recovery",
    "api_polling",
    "api_create",
    "api_busy",
    "api_memory",
    "api_limits",
    "api_upload",
    "render_slideshow",
    "render_by_scene",
    "render_peers",
    "render_edit",
    "render_again",
    "render_memory",
    "render_parallel",
    "render_parallel_video",
    "render_joints",
    "render_sync",
    "render_first_preview",
    "render_playing",
    "render_playing_cost",
    "render_growth_clips",
    "render_growth_tracks",
    "render_longform",
    "render_smart_cut_default",
    "render_smart_cut_2s",
)


def table(results: dict[str, Result]) -> str:
    """All figures at a glance."""
    rows = ["| Figure | Goal | Result | | Command |", "|---|---|---|---|---|"]
    for result in results.values():
        goal = "none" if result.goal is None else f"<= {result.goal:g} {result.unit}"
        verdict = "reported" if result.goal is None else "met" if result.is_met else "**missed**"
        figure = f"[{result.title}](#{anchor(result.title)})"
        rows.append(f"| {figure} | {goal} | {_told(result)} {result.unit} | {verdict} | `{result.command}` |")
    return "\n".join(rows)


def anchor(title: str) -> str:
    """What a heading is linked to by, on GitHub and in the site."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _told(result: Result) -> str:
    """The result, with as many places as tell it from its goal."""
    places = (f"{result.result:.{n}g}" for n in (4, 5, 6))
    goal = None if result.goal is None else charts.figure(result.goal)
    told = charts.figure(result.result)
    return next(places) if told == goal and result.result != result.goal else told


def details(result: Result) -> str:
    """How one figure was taken, with its picture and what else was seen."""
    facts = result.machine
    lines = [
        f"## {result.title}",
        "",
        f"{result.meaning[0].upper()}{result.meaning[1:]}.",
        "",
        f"`{result.command}` on {result.date}: {facts['cores']} cores ({facts['cpu']}), {facts['memory_gib']} GiB, "
        f"{facts['system']}, Python {facts['python']}; load average at the end {facts['load_average_1min']}.",
        "",
    ]
    drawing = picture(result)
    if drawing:
        (PICTURES / f"{result.name}.svg").write_text(drawing)
        lines += [f"![{result.title}](performance/{result.name}.svg)", ""]
    notes = Path(__file__).parent / "notes" / f"{result.name}.md"
    if notes.exists():
        lines += [notes.read_text().strip(), ""]
    if isinstance(jobs := result.data.get("jobs"), dict):  # elsewhere it is a number of them
        lines += [*used(jobs), ""]
    if servers := result.data.get("servers"):
        lines += [*compared(servers), ""]
    if asked := result.data.get("asked"):
        lines += [*answered(asked), ""]
    if killed := result.data.get("killed"):
        lines += [*survived(killed), ""]
    if said := result.data.get("said"):
        lines += ["```text", *(line.rstrip() for line in said), "```", ""]
    return "\n".join(lines)


def compared(servers: dict[str, dict[str, Any]]) -> list[str]:
    """The servers of one run side by side."""
    rows = ["| Server | us a frame | RenderOwl's progress over this | Delivered |", "|---|---|---|---|"]
    for name, server in servers.items():
        cost, ratio, delivered = server["us_per_frame"], server["ours_over_this"], server["delivered"]
        rows.append(f"| {name} | {cost:.1f} | {ratio:.2f} x | {delivered:.2%} |")
    return rows


def answered(asked: dict[str, dict[str, float]]) -> list[str]:
    """The servers that were asked the same, side by side."""
    rows = [
        "| Server | CPU us a request | RenderOwl's over this | Requests a second | p99, ms |",
        "|---|---|---|---|---|",
    ]
    for name, each in asked.items():
        cost, ratio, rate, p99 = (each[key] for key in ("cpu_us", "ours_over_this", "per_second", "p99_ms"))
        rows.append(f"| {name} | {cost:,.0f} | {ratio:.2f} x | {rate:,.0f} | {p99:.1f} |")
    return rows


def used(jobs: dict[str, dict[str, float]]) -> list[str]:
    """What each run of a job took."""
    rows = ["| Run | CPU s | Wall s | Peak memory, MB |", "|---|---|---|---|"]
    for name, job in jobs.items():
        rows.append(f"| {name} | {job['cpu_s']:.1f} | {job['wall_s']:.1f} | {job['peak_mb']:,.0f} |")
    return rows


def survived(killed: dict[str, dict[str, Any]]) -> list[str]:
    """What became of the jobs of a worker that was killed."""
    rows = ["| Worker killed amid 200 jobs | Running then | Not done within 90 s | Done twice | All done after |"]
    rows.append("|---|---|---|---|---|")
    for name, fate in killed.items():
        after = fate["all_done_after_s"]
        rows.append(
            f"| {name} | {fate['amid']} | {fate['lost']} | {fate['done_again']} | {'-' if after is None else f'{after} s'} |"
        )
    return rows


def picture(result: Result) -> str:
    """The drawing that shows a result best; empty where a number says it all."""
    data = result.data
    match result.name:
        case "startup":
            parts = data["parts_s"] | {"until ready, warm": result.result, "very first start": data["first_start_s"]}
            return charts.bars("renderowl up: medians of the parts, and the whole", parts, "s", result.goal)
        case "overhead":
            pairs = {f"pair {n + 1}": ratio for n, ratio in enumerate(data["ratios"])}
            return charts.bars("Service / bare commands", pairs | {"median": result.result}, "x", result.goal)
        case "progress_latency":
            groups = {name: case["delays_ms"] for name, case in data["cases"].items()}
            return charts.distributions("Age of a progress line at the client", groups, "ms", result.goal)
        case "cancel":
            times = {f"{n + 1}": took for n, took in enumerate(data["took_s"])}
            return charts.bars("Cancel to the last FFmpeg gone", times, "s", result.goal)
        case "previews":
            costs = {
                f"{transport}, {case['picture_kb']} KB": case["server_cpu_us_per_picture_and_member"]
                for transport, cases in data["cases"].items()
                for case in cases
                if case["members"] == 100
            }
            return charts.bars("API process, CPU per picture and member of 100", costs, "us", result.goal)
        case "scheduler_admission":
            return charts.bars("Postgres, a batch of 64, medians", data["p50_ms"], "ms", result.goal)
        case "scheduler_latency":
            groups = {"committed to started": data["waits_ms"]}
            return charts.distributions("A step's wait for a free slot", groups, "ms", result.goal)
        case "scheduler_throughput":
            rates = {name: median(each) for name, each in data["per_second"].items()}
            return charts.bars("No-op steps or jobs a second, one worker of 10 slots", rates, "1/s")
        case "scheduler_speedup":
            speedup = {f"workers: {count}": times for count, times in data["speedup"].items()}
            return charts.bars("One render's steps, times as fast as one worker", speedup, "x")
        case "scheduler_fairness":
            waits = {
                f"{share} {where}": data[f"{which}_s"][share]
                for share in ("p50", "p95", "max")
                for which, where in (("alone", "alone"), ("beside", "beside 10,000 steps"))
            }
            return charts.bars("A small project's wait", waits, "s")
        case "scheduler_recovery":
            times = {what: max(each) for what, each in data["took_s"].items()}
            return charts.bars(
                "The longest of each; the goal is that of a killed worker's step", times, "s", result.goal
            )
        case "preview_overhead":
            pairs = {
                f"{preset}, pair {n + 1}": ratio
                for preset, case in data["cases"].items()
                for n, ratio in enumerate(case["ratios"])
            }
            return charts.bars("With pictures / without", pairs, "x", result.goal)
        case "render_longform":
            runs = {"the whole hour": data["cold"], "the same again": data["again"]}
            return charts.bars("Wall time", _each(runs, "wall_s"), "s", result.goal and result.goal * 60)
        case "render_smart_cut_default" | "render_smart_cut_2s":
            runs = {"all encoded": data["encoded"], "smart cut": data["smart"]}
            goal = result.goal and result.goal * data["encoded"]["cpu_s"]
            return charts.bars("CPU time", _each(runs, "cpu_s"), "s", goal)
        case "render_memory":
            return charts.bars("Peak memory", _each(data["jobs"], "peak_mb"), "MB")
        case "render_parallel" | "render_parallel_video":
            return charts.bars("Wall time", _each(data["jobs"], "wall_s"), "s")
        case "render_first_preview":
            return charts.distributions("Step's start to the first picture", data["waits_s"], "s", result.goal)
        case "render_playing":
            return charts.distributions("Until a player has the first piece", data["waits_s"], "s", result.goal)
        case "render_playing_cost":
            pairs = {f"pair {n + 1}": ratio for n, ratio in enumerate(data["ratios"])}
            return charts.bars("Shown / not shown", pairs | {"median": result.result}, "x", result.goal)
        case "render_sync" | "render_again":
            return ""
        case name if name.startswith("render_") and "jobs" in data:
            return charts.bars("CPU time", _each(data["jobs"], "cpu_s"), "s")
        case "rooms_fanout_one" | "rooms_fanout_many":
            costs = {name: server["us_per_frame"] for name, server in data["servers"].items()}
            return charts.bars("Server's CPU time a delivered frame", costs, "us", result.goal)
        case "rooms_against_ws":
            return charts.bars("RenderOwl / Node ws", data["ratios"], "x", result.goal)
        case "rooms_memory":
            return charts.bars(
                f"Memory a socket, {data['sockets']:,} idle sockets", data["kb_a_socket"], "KB", result.goal
            )
        case "rooms_last_member":
            groups = {"any member": data["waits_ms"], "the last member of each event": data["last_ms"]}
            return charts.distributions("From before the event's transaction", groups, "ms")
        case "rooms_latency":
            groups = {name: case["delays_ms"] for name, case in data["cases"].items()}
            return charts.distributions("Age of a progress line at the members", groups, "ms")
        case "rooms_reconnect":
            times = {f"{n + 1}: {each['way']}": each["back_after_start_s"] for n, each in enumerate(data["rounds"])}
            return charts.bars("Last member back after the start of the new process", times, "s", result.goal)
        case "rooms_reconnect_queries":
            counts = {f"{n + 1}: {each['way']}": each["queries"] for n, each in enumerate(data["rounds"])}
            return charts.bars("Queries until everybody is back", counts, "queries", result.goal)
        case "rooms_stalled":
            groups = {name: side["waits_ms"] for name, side in data["sides"].items()}
            return charts.distributions("Wait of those who read", groups, "ms")
        case "api_polling" | "api_create":
            costs = {name: each["cpu_us"] for name, each in data["asked"].items()}
            return charts.bars("Server's CPU time a request", costs, "us")
        case "api_busy":
            return charts.distributions("A poll's wait", {"polls": data["waits_ms"]}, "ms")
        case "api_memory":
            return charts.bars("Resident memory after so many requests", data["mb"], "MB")
        case "api_limits":
            costs = {name: median(each) for name, each in data["cpu_us_per_request"].items()}
            return charts.bars("API process, CPU a request", costs, "us")
        case "api_upload":
            sizes = {"before": data["idle_mb"], "the most amid it": data["peak_mb"]}
            return charts.bars(f"Memory of the API process, {data['gib']} GiB sent", sizes, "MB")
        case _:
            return ""


def _each(jobs: dict[str, dict[str, float]], number: str) -> dict[str, float]:
    return {name: job[number] for name, job in jobs.items()}


def main() -> None:
    """Write the page."""
    found = load()
    results = {name: found[name] for name in _ORDER if name in found}
    PICTURES.mkdir(exist_ok=True)
    page = _HEAD + table(results) + "\n\n" + "\n".join(details(result) for result in results.values())
    (DOCS / "performance.md").write_text(page.rstrip() + "\n")


if __name__ == "__main__":
    main()
