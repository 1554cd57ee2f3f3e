"""Checks across the model's parts: every id leads to what it needs, and nothing is left over."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel

from rules.components import Component
from rules.definitions import Habit, Model
from rules.grounds import cited_sources
from rules.questions import YES_NO, Answer, Question, Section
from rules.routines import Routine
from rules.safety import SafetyQuestion


def find_loose_ends(model: Model) -> Iterator[str]:
    """Every fault that only shows when the parts are seen together, as `file: key: message`."""
    yield from _check_sources(model)
    yield from _check_unique(model)
    yield from _check_warnings(model)
    yield from _check_plan(model)
    for routine in model.routines:
        for key, message in _check_routine(model, routine):
            yield f"routines/{routine.id}.toml: {key}: {message}"
    if model.words.language != model.language.tag:
        yield "words/en.toml: language: must be the file's name"
    for name in sorted(model.drawings.keys() - {routine.id for routine in model.routines}):
        yield f"drawings/{name}.svg: there is no such routine"
    for habit in model.habits:
        for key, message in (*_check_questions(habit), *_check_uses(habit)):
            yield f"habits/{habit.id}.toml: {key}: {message}"


def _check_warnings(model: Model) -> Iterator[str]:
    asked = {**model.questions, **model.symptoms.by_id}
    flags = [flag.id for flag in model.safety.red_flags]
    for name, warning in model.warnings.items():
        for question in (*warning.total, *warning.any_at_least):
            if question not in asked:
                yield f"warnings.toml: {name}.{question}: there is no such question"
            elif asked[question].answer not in NUMBERS:
                yield f"warnings.toml: {name}.{question}: only numbers can be compared"
        if warning.unless and warning.unless not in flags:
            yield f"warnings.toml: {name}.unless: there is no red flag {warning.unless!r}"


def _options(section: Section, id_: str) -> list[str]:
    """The options of one of a section's questions; none where there is no such question."""
    question = section.by_id.get(id_)
    return [option.id for option in question.options] if question else []


def _check_plan(model: Model) -> Iterator[str]:
    """The plan asks what it needs to know, and its rule names routines."""
    asked = {question.id: question.answer for question in model.planner.questions}
    if asked != PLAN_QUESTIONS:
        yield f"plan.toml: questions: must be {', '.join(PLAN_QUESTIONS)}, of these kinds"
    slots = {routine.id: routine.slot for routine in model.routines}
    rule = model.planner.rule
    if slots.get(rule.maintain_with) != "exercise":
        yield "plan.toml: rule.maintain_with: must be the id of an exercise"
    if set(rule.self_massage) != {name for name, slot in slots.items() if slot == "self_massage"}:
        yield "plan.toml: rule.self_massage: must name each routine of the slot self_massage"


PLAN_QUESTIONS = {
    "minutes_per_day": "whole_number",
    "equipment": "several",
    "excluded_routine_ids": "several",
    "deep_pressure_opt_in": "yes_no",
}
"""What the planner asks, by id, with the kind of answer it reads."""


def _check_routine(model: Model, routine: Routine) -> Iterator[tuple[str, str]]:
    """Every id in a routine leads to what it names."""
    components = {habit.id: {part.id for part in habit.components} for habit in model.habits}
    for habit, about in routine.targets.items():
        if unknown := set(about) - components.get(habit, set()):
            yield f"targets.{habit}", f"has no component {', '.join(sorted(unknown))}"
        if habit not in components:
            yield f"targets.{habit}", "there is no such habit"
    equipment = _options(model.planner, "equipment")
    named = {
        "equipment": (routine.equipment, equipment),
        "not_beside": ((routine.not_beside,) if routine.not_beside else (), equipment),
        "tags": (routine.tags, model.safety.tags),
        "blocked_by_pain_sites": (
            routine.blocked_by_pain_sites,
            _options(model.symptoms, "pain_sites"),
        ),
        "progresses_to": (
            (routine.progresses_to,) if routine.progresses_to else (),
            [other.id for other in model.routines if other is not routine],
        ),
    }
    for key, (used, known) in named.items():
        for name in used:
            if name not in known:
                yield key, f"there is no {name!r}"


def _check_sources(model: Model) -> Iterator[str]:
    parts = {
        "model.toml": (model.premise_sources, model.index, model.levels, model.notes, model.limits),
        "about.toml": model.about,
        "symptoms.toml": model.symptoms,
        "plan.toml": model.planner,
        "safety.toml": model.safety,
        "background.toml": model.background,
        "warnings.toml": model.warnings,
        **{f"habits/{habit.id}.toml": habit for habit in model.habits},
        **{f"routines/{routine.id}.toml": routine for routine in model.routines},
    }
    cited = set(model.premise_sources)
    for name, part in parts.items():
        here = set(cited_sources(part))
        cited |= here
        for source in sorted(here - model.sources.keys()):
            yield f"{name}: sources: there is no source {source!r}"
    for source in model.sources.keys() - cited:
        yield f"sources.toml: {source}: nothing cites this source"


def _check_unique(model: Model) -> Iterator[str]:
    asked: dict[str, Iterable[Question | SafetyQuestion]] = {
        "about": model.about.questions,
        "symptoms": model.symptoms.questions,
        "plan": model.planner.questions,
        "safety": (*model.safety.red_flags, *model.safety.conditions),
        **{f"habits/{habit.id}": habit.questions for habit in model.habits},
    }
    questions = [(question.id, file) for file, part in asked.items() for question in part]
    for habit in model.habits:
        for component in _repeated(component.id for component in habit.components):
            yield f"habits/{habit.id}.toml: components: two have the id {component!r}"
    for name in _repeated(name for name, _ in questions):
        files = ", ".join(
            f"{file}.toml" for file in dict.fromkeys(f for id_, f in questions if id_ == name)
        )
        yield f"{files}: questions: more than one has the id {name!r}"
    for claim in _repeated(claim.id for topic in model.background.topics for claim in topic.claims):
        yield f"background.toml: claims: two have the id {claim!r}"
    for order in _repeated(habit.order for habit in model.habits):
        files = ", ".join(
            f"habits/{habit.id}.toml" for habit in model.habits if habit.order == order
        )
        yield f"{files}: order: more than one has the order {order}"


def _repeated(names: Iterable[object]) -> list[object]:
    return [name for name, count in Counter(names).items() if count > 1]


NUMBERS = ("number", "whole_number")
CHOSEN = ("choice", "yes_no")
"""Kinds of answer: what arithmetic can use, and what a table can name."""


class Use(NamedTuple):
    """A place where a habit's file names a question, and the kinds of answer that can stand there."""

    key: str
    question: str
    kinds: tuple[str, ...]


def _check_questions(habit: Habit) -> Iterator[tuple[str, str]]:
    """One core question, and ids that nothing else needs."""
    if [question.role for question in habit.questions].count("core") != 1:
        yield "questions", "exactly one must have the role 'core'"
    for question in habit.questions:
        if question.id in habit.quantities:
            yield f"quantities.{question.id}", "a question has this id already"
        if hasattr(BaseModel, question.id):
            yield f"questions.{question.id}", "the request type needs this name for itself"
        if question.id in question.asked_only_if:
            yield f"questions.{question.id}.asked_only_if", "must name another question"


def _check_uses(habit: Habit) -> Iterator[tuple[str, str]]:
    """Every name leads to a question of the right kind, and every question and quantity is used."""
    questions = {question.id: question for question in habit.scored_questions}
    uses = list(_find_uses(habit))
    for key, name, kinds in uses:
        if name not in questions:
            yield key, f"there is no core or scored question or quantity {name!r} in this habit"
        elif questions[name].answer not in kinds:
            yield key, f"{name} is a {questions[name].answer} question; here must be {kinds[0]}"
    measures = {name for component in habit.components for name in component.measures}
    for name in habit.quantities.keys() - measures:
        yield f"quantities.{name}", "no component uses this quantity"
    for name in questions.keys() - {use.question for use in uses}:
        yield f"questions.{name}", "no component uses this scored question"
    for key, name, answer in _find_answers(habit):
        if name in questions and not questions[name].accepts(answer):
            yield key, f"is compared with something that is no answer to {name}"
    for component in habit.components:
        yield from _check_tables(component, questions)


def _find_uses(habit: Habit) -> Iterator[Use]:
    for name, quantity in habit.quantities.items():
        for read in quantity.reads:
            compared = quantity.adjusted is not None and read == quantity.adjusted.when
            yield Use(f"quantities.{name}", read, CHOSEN if compared else NUMBERS)
    for component in habit.components:
        key = f"components.{component.id}"
        named = [*component.choices, component.factor.by] if component.factor else component.choices
        yield from (Use(key, name, CHOSEN) for name in named)
        measures = (of for of in component.measures if of not in habit.quantities)
        yield from (Use(key, of, NUMBERS) for of in measures)
    for question in habit.questions:
        key = f"questions.{question.id}.asked_only_if"
        yield from (Use(key, gate, ("yes_no",)) for gate in question.asked_only_if)
    yield from (
        Use("practised_if_any", name, (*NUMBERS, "yes_no")) for name in habit.practised_if_any
    )
    for rule in habit.contradictions:
        yield Use("contradictions", rule.at, CHOSEN)
        yield from (Use("contradictions", name, NUMBERS) for name in rule.beside_above_zero)


def _find_answers(habit: Habit) -> Iterator[tuple[str, str, Answer]]:
    """Each place where a habit's file names an answer to compare with."""
    for name, quantity in habit.quantities.items():
        if quantity.adjusted:
            yield f"quantities.{name}.adjusted", quantity.adjusted.when, quantity.adjusted.equals
    for rule in habit.contradictions:
        yield "contradictions", rule.at, rule.answered


def _check_tables(
    component: Component, questions: Mapping[str, Question]
) -> Iterator[tuple[str, str]]:
    """Tables by option must name exactly the options."""
    tables = {**component.choices}
    if component.factor:
        tables[component.factor.by] = component.factor.times
    for name, table in tables.items():
        key = f"components.{component.id}.{name}"
        question = questions.get(name)
        if question is None:
            continue
        options = list(YES_NO) if question.answer == "yes_no" else [o.id for o in question.options]
        if set(table) != set(options):
            yield key, f"must name each of {', '.join(options)} and nothing else"
