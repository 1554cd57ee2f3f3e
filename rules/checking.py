"""Checks across the model's parts: every id leads to what it needs, and nothing is left over."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel

from rules.components import Component
from rules.definitions import Habit, Model
from rules.grounds import cited_sources
from rules.questions import YES_NO, Answer, Question


def find_loose_ends(model: Model) -> Iterator[str]:
    """Every fault that only shows when the parts are seen together, as `file: key: message`."""
    yield from _check_sources(model)
    yield from _check_unique(model)
    yield from _check_warnings(model)
    for name, words in model.words.items():
        if words.language != name:
            yield f"words/{name}.toml: language: must be the file's name"
    for habit in model.habits:
        for key, message in (*_check_questions(habit), *_check_uses(habit)):
            yield f"habits/{habit.id}.toml: {key}: {message}"


def _check_warnings(model: Model) -> Iterator[str]:
    for name, warning in model.warnings.items():
        for question in warning.total:
            if question not in model.questions:
                yield f"warnings.toml: {name}.total.{question}: there is no such question"
            elif model.questions[question].answer not in NUMBERS:
                yield f"warnings.toml: {name}.total.{question}: only numbers can be added up"


def _check_sources(model: Model) -> Iterator[str]:
    parts = {
        "model.toml": (model.premise_sources, model.index, model.levels, model.notes, model.limits),
        "about.toml": model.about,
        "warnings.toml": model.warnings,
        **{f"habits/{habit.id}.toml": habit for habit in model.habits},
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
    questions = [(question.id, "about") for question in model.about.questions]
    for habit in model.habits:
        questions += [(question.id, f"habits/{habit.id}") for question in habit.questions]
        for component in _repeated(component.id for component in habit.components):
            yield f"habits/{habit.id}.toml: components: two have the id {component!r}"
    for name in _repeated(name for name, _ in questions):
        files = ", ".join(f"{file}.toml" for id_, file in questions if id_ == name)
        yield f"{files}: questions: more than one has the id {name!r}"
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
