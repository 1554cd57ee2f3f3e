"""Checks across the model's parts: every id leads somewhere, nothing is left over, curves agree with answers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rules.components import Component
from rules.definitions import Habit, Model
from rules.grounds import cited_sources
from rules.questions import YES_NO, Question, key_by_answer


def find_loose_ends(model: Model) -> Iterator[str]:
    """Every fault that only shows when the parts are seen together, as `file: key: message`."""
    yield from _check_sources(model)
    yield from _check_unique(model)
    for name, warning in model.warnings.items():
        for question in warning.total.keys() - model.questions.keys():
            yield f"warnings.toml: {name}.total.{question}: there is no such question"
    for habit in model.habits:
        for key, message in _check_habit(habit):
            yield f"habits/{habit.id}.toml: {key}: {message}"


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


def _check_habit(habit: Habit) -> Iterator[tuple[str, str]]:
    questions = {question.id: question for question in habit.scored_questions}
    if [question.role for question in habit.questions].count("core") != 1:
        yield "questions", "exactly one must have the role 'core'"
    for key, name in _names_used(habit):
        if name not in questions:
            yield key, f"there is no core or scored question or quantity {name!r} in this habit"
    for name in habit.quantities.keys() & questions.keys():
        yield f"quantities.{name}", "a question has this id already"
    used = {name for _, name in _names_used(habit)}
    for name in questions.keys() - used:
        yield f"questions.{name}", "no component uses this scored question"
    for component in habit.components:
        yield from _check_tables(component, questions)


def _names_used(habit: Habit) -> Iterator[tuple[str, str]]:
    """Each place where a habit's file names a question, with quantities followed to theirs."""
    for name, quantity in habit.quantities.items():
        yield from ((f"quantities.{name}", read) for read in quantity.reads)
    for component in habit.components:
        key = f"components.{component.id}"
        named = [*component.choices, component.factor.by] if component.factor else component.choices
        yield from ((key, name) for name in named)
        for of in component.measures:
            yield from ((key, name) for name in habit.reads(of))
    for question in habit.questions:
        yield from (
            (f"questions.{question.id}.asked_only_if", gate) for gate in question.asked_only_if
        )
    yield from (("practised_if_any", name) for name in habit.practised_if_any)
    for rule in habit.contradictions:
        yield from (("contradictions", name) for name in (rule.at, *rule.beside_above_zero))


def _check_tables(
    component: Component, questions: Mapping[str, Question]
) -> Iterator[tuple[str, str]]:
    """Tables by option must name exactly the options, and agree on which is the better answer."""
    tables = {**component.choices}
    if component.factor:
        tables[component.factor.by] = component.factor.times
    for name, table in tables.items():
        key = f"components.{component.id}.{name}"
        question = questions.get(name)
        if question is None or question.unanswered is None:
            continue
        options = list(YES_NO) if question.answer == "yes_no" else [o.id for o in question.options]
        if set(table) != set(options):
            yield key, f"must name each of {', '.join(options)} and nothing else"
            continue
        points = key_by_answer(table)
        worst, best = points[question.unanswered.high], points[question.unanswered.low]
        if best != min(points.values()) or worst != max(points.values()):
            yield key, "unanswered.low must give the fewest points and unanswered.high the most"
