"""An assessment in the order in which a person would read it, or hear it read aloud."""

from collections.abc import Iterator
from typing import Any

from people import MODEL


def read_aloud(body: dict[str, Any]) -> str:
    """Everything in an assessment that a person reads, as Markdown."""
    return "\n\n".join(_parts(body)) + "\n"


def _parts(body: dict[str, Any]) -> Iterator[str]:
    yield f"> **{body['safety']['text']}**"
    yield "\n".join(f"- {habit['lay_comment']}" for habit in body["habits"])
    if body["warnings"]:
        yield "\n".join(f"- {warning['text']}" for warning in body["warnings"])
    plan = body["plan"]
    yield f"**The plan.** {plan['text']} {plan['intended_use']}"
    massage = [plan["self_massage"]] if plan["self_massage"] else []
    for title, routines in (
        ("Exercises", plan["exercises"]),
        ("Habits to change", plan["habit_changes"]),
        ("Self-massage", massage),
    ):
        if routines:
            yield f"*{title}*"
            yield "\n".join(line for routine in routines for line in _routine(routine))
    if plan["left_out"]:
        yield "*Left out*"
        titles = {routine.id: routine.title for routine in MODEL.routines}
        named = ((titles[entry["routine_id"]], entry["detail"]) for entry in plan["left_out"])
        yield "\n".join(f"- {title}: {detail}" for title, detail in named)
    if body["levers"]:
        yield "*What one change would do to the index*"
        yield "\n".join(f"- {lever['text']}" for lever in body["levers"])
    if body["nearest_levels"]:
        yield "*The smallest changes to a lower level*"
        yield "\n".join(f"- {near['text']}" for near in body["nearest_levels"])


def _routine(routine: dict[str, Any]) -> Iterator[str]:
    yield f"- **{routine['title']}** ({routine['minutes']} min). {routine['purpose']}"
    yield f"  {routine['why']} {routine['dose']['text']}."
    yield from (f"  {place}. {step}" for place, step in enumerate(routine["steps"], 1))
    yield from (f"  Please mind: {caution}" for caution in routine["cautions"])
    if routine["stop_if"]:
        yield f"  Stop if you notice {'; or '.join(routine['stop_if'])}."
