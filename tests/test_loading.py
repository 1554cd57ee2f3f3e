"""A model that does not hold together is refused, and every message names file and key."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from people import MODEL

from rules.errors import ModelError
from rules.loading import PACKAGED_MODEL, load_model

SITTING = "habits/prolonged_sitting.toml"
SLOUCHING = "habits/slouching.toml"
RUNNING = "habits/heavy_running.toml"
SAFETY = "safety.toml"
WALK = "routines/walk_progressive.toml"

BROKEN = [
    # what is changed: file, old text, new text; what the message must name: file, key, reason
    (SITTING, "\norder = 1\n", "\norder = 1\ncolour = 1\n", "colour: Extra inputs"),
    (SITTING, "about =", "abuot =", "abuot: Extra inputs"),
    (SITTING, 'role = "core"', 'role = "heart"', "questions[0].role"),
    (SITTING, 'label = "hours of sitting"', 'label = ""', "questions[0].label"),
    (SITTING, "minimum = 0\nmaximum = 20", 'minimum = "0"\nmaximum = 20', "questions[0].minimum"),
    (SITTING, "minimum = 0\nmaximum = 20", "minimum = nan\nmaximum = 20", "questions[0].minimum"),
    (SITTING, "{ low = 0, high = 20, score = 0 }", "{ low = 0, high = 21, score = 0 }", "high is not an answer"),
    (SITTING, "example = 9\n", "example = 99\n", "questions[0]: Value error, example is not an answer"),
    (SITTING, "{ at = 8, points = 60,", "{ at = 8, points = -1,", "components[0].curve: Value error, the curve falls after at = 4"),
    (SITTING, "{ at = 8, points = 60,", "{ at = 3, points = 60,", "at = 3 does not come after at = 4"),
    (SITTING, 'points = 60, sources = ["ekelund2016"]', "points = 60", "components[0].curve.points[1]"),
    (SITTING, 'curve.of = "hours_sitting"', 'curve.of = "hours_sat"', "components.volume: there is no core or scored question or quantity 'hours_sat'"),
    (SITTING, 'curve.of = "hours_sitting"', 'curve.of = "driving_hours_per_day"', "components.volume: there is no core or scored question or quantity"),
    (SITTING, '"ekelund2016", "boukabache2021"] },', '"ekelund2061", "boukabache2021"] },', "sources: there is no source 'ekelund2061'"),
    (SITTING, 'basis = "judgement"\nreason = "Hours without', 'reason = "Hours without', "questions[1]: Value error, needs sources, or basis = 'judgement'"),
    (SITTING, 'reason = "Hours without a stated source are taken as a person\'s own estimate."', "", "questions[1]: Value error, basis = 'judgement' needs a reason"),
    (SITTING, 'id = "volume"', 'id = "activity_credit"', "components: two have the id 'activity_credit'"),
    (SLOUCHING, "order = 2", "order = 1", "order: more than one has the order 1"),
    (SLOUCHING, 'role = "core"', 'role = "scored"', "questions: exactly one must have the role 'core'"),
    (SLOUCHING, 'id = "lumbar_support"', 'id = "knee_pillow"', "more than one has the id 'knee_pillow'"),
    (SLOUCHING, "always = 0, sometimes = 10, never = 20", "always = 0, never = 20", "components.seat_and_screen.lumbar_support: must name each of always, sometimes, never"),
    (SLOUCHING, "always = 0, sometimes = 10, never = 20", "always = 5, sometimes = 0, never = 20", "components.seat_and_screen: unanswered.low of lumbar_support must give the fewest points"),
    (SLOUCHING, "choices.screen_position = {", "choices.screen_place = {", "components.seat_and_screen: there is no core or scored question or quantity 'screen_place'"),
    (SLOUCHING, 'curve.of = "posture_changes_per_hour"', 'curve.of = "slouched_hours_per_day"', "questions.posture_changes_per_hour: no component uses this scored question"),
    (SLOUCHING, 'weight = 15\nbasis = "judgement"\n', "weight = 15\n", "index: Value error, needs sources"),
    (SLOUCHING, 'grade = "very_low"', 'grade = "poor"', "evidence.grade"),
    (RUNNING, "asked_only_if = { runs = true }", "asked_only_if = { walks = true }", "asked_only_if: there is no core or scored question or quantity 'walks'"),
    (RUNNING, 'at = "runs"\n', 'at = "walks"\n', "contradictions: there is no core or scored question or quantity 'walks'"),
    (RUNNING, 'practised_if_any = ["runs",', 'practised_if_any = ["walks",', "practised_if_any: there is no core or scored question or quantity 'walks'"),
    (RUNNING, "rise = { from", "percent = { of", "quantities.longest_run_rise_percent.percent"),
    ("model.toml", "margin_below_floor = 25\n", 'margin_below_floor = "25"\n', "index.margin_below_floor"),
    ("model.toml", "from = 25\n", "from = 55\n", "levels must start at 0 and rise"),
    ("model.toml", 'sources = ["frandsen2025", "nielsen2014"]', 'sources = ["frandsen2025"]', "sources.toml: nielsen2014: nothing cites this source"),
    ("model.toml", "\n[index]\n", '\ndigest = "mine"\n[index]\n', "digest: follows from the folder"),
    ("warnings.toml", "above = 24\n", 'above = 24\nfrom = "x"\n', "day_longer_than_24_hours.from"),
    ("warnings.toml", "sleep_hours_per_night = 1 }", "slumber_hours = 1 }", "day_longer_than_24_hours.slumber_hours: there is no such question"),
    ("about.toml", "maximum = 110\n", "", "questions[0]: Value error, a number needs unit, unit_text, minimum and maximum"),
    ("sources.toml", 'read = "abstract"', 'read = "twice"', "source_article.read"),
    ("words/en.toml", "{because} gave no points.", "{reason} gave no points.", "component.gave_nothing: Value error, must have in braces just ['because'], not ['reason']"),
    (SITTING, "{ low = 0, high = 20, score = 0 }", "{ low = 0, high = 12, score = 0 }", "must be the two bounds"),
    (SITTING, "{ low = 1, high = 600, score = 1 }", "{ low = 1, high = 600, score = 600 }", "components.uninterrupted_bouts: unanswered.score of usual_sitting_bout_minutes must give neither"),
    (SITTING, "{ low = 10080, high = 0, score = 0 }", "{ low = 0, high = 10080, score = 0 }", "unanswered.low of moderate_minutes_per_week must give the fewest"),
    (SITTING, "high = 20, score = 0 }", "high = inf, score = 0 }", "high is not an answer"),
    (SITTING, 'per = "hours_sitting"', 'per = "sitting_hours_source"', "sitting_hours_source is a choice question; here must be number"),
    (SITTING, 'when = "sitting_hours_source", equals = "device"', 'when = "sitting_hours_source", equals = "watch"', "is compared with something that is no answer"),
    (SITTING, 'id = "driving_hours_per_day"', 'id = "model_dump"', "the request type needs this name"),
    (SITTING, ', other = "sitting for {n} hours a day" }', " }", "phrase needs other for a number"),
    (SITTING, 'other = "sitting for {n} hours a day" }', 'other = "sitting for {hours} hours a day" }', "phrase.other"),
    (SITTING, "never_more_than = { points = 5,", "never_more_than = { points = -5,", "never_more_than.points"),
    (SLOUCHING, "{ low = 60, high = 0, score = 0 }", "{ low = 0, high = 60, score = 0 }", "unanswered.low of posture_changes_per_hour must give the fewest"),
    (SLOUCHING, 'curve.of = "slouched_hours_per_day"', 'curve.of = "lumbar_support"', "lumbar_support is a choice question; here must be number"),
    ("habits/one_sided_loading.toml", "symmetric = 0,", "symmetric = -1,", "factor.times.symmetric"),
    ("habits/one_sided_loading.toml", "minimum = 25\n", "minimum = 0\n", "must be the two bounds"),
    (RUNNING, "practised_if_any = [", 'practised_if_any = ["", ', "practised_if_any"),
    (RUNNING, "answered = false", "answered = 0", "is compared with something that is no answer"),
    ("model.toml", 'id = "high"', 'id = "moderate"', "levels must be low, moderate, high, very_high"),
    ("model.toml", 'premise_sources = ["source_article"]', "premise_sources = []", "premise_sources"),
    ("warnings.toml", "sleep_hours_per_night = 1 }", "lumbar_support = 1 }", "day_longer_than_24_hours.lumbar_support: only numbers can be compared"),
    ("words/en.toml", 'very_high = "very high"\n', "", "levels: Value error, has nothing for very_high"),
    ("words/en.toml", 'language = "en"', 'language = "fr"', "language: must be the file's name"),
    ("words/en.toml", "({points})", "({points:.1f})", "lay.counted_one: Value error"),
    ("words/en.toml", 'before_last = " and "\n', "", "list.before_last: Field required"),
    (SITTING, "resolution = 0.1\n", "", "questions[0]: Value error, resolution belongs to scored numbers"),
    (SITTING, "lever_limit = 4\n", "lever_limit = 21\n", "lever_limit is not an answer"),
    (SLOUCHING, 'lever_limit = "always"', 'lever_limit = "never"', "lever_limit must be the first option"),
    (SITTING, 'role = "context"\nlabel = "hours of driving"', 'role = "context"\nlever_limit = 1\nlabel = "hours of driving"', "lever_limit belongs to core and scored"),
    ("plan.toml", "assumed = 15\n", "", "questions[0]: Value error, assumed belongs to planner questions"),
    ("plan.toml", 'assumed = ["bed", "chair"', 'assumed = ["bench", "chair"', "assumed is not an answer"),
    ("plan.toml", 'id = "minutes_per_day"', 'id = "minutes_a_day"', "questions: must be minutes_per_day"),
    ("plan.toml", 'maintain_with = "walk_progressive"', 'maintain_with = "sit_break_30"', "rule.maintain_with: must be the id of an exercise"),
    ("plan.toml", 'self_massage = ["psoas_self_massage", "pso_rite_release"]', 'self_massage = ["psoas_self_massage"]', "rule.self_massage: must name each routine"),
    ("plan.toml", "very_low = 0.5, ", "", "rule.grade_factors: Value error, has nothing for very_low"),
    (SAFETY, 'action = "emergency"', 'action = "urgent"', "red_flags[0].action"),
    (SAFETY, 'blocks = ["deep_abdominal_pressure", "gentle_abdominal_pressure", "running"]', 'blocks = ["deep_pressure"]', "tags has nothing for deep_pressure"),
    (SAFETY, 'id = "pregnant"', 'id = "saddle_numbness"', "more than one has the id 'saddle_numbness'"),
    (SAFETY, 'cautions.supine = "', 'cautions.prone = "', "pregnant both blocks and cautions prone"),
    (SAFETY, "[actions.same_day]", "[actions.tomorrow]", "actions.tomorrow"),
    (WALK, 'grade = "moderate"', 'grade = "good"', "evidence.grade"),
    (WALK, "minutes = 10", 'minutes = "10"', "minutes: Input should be a valid integer"),
    (WALK, 'tags = ["walking"]', 'tags = ["strolling"]', "tags: there is no 'strolling'"),
    (WALK, "equipment = []", 'equipment = ["shoes"]', "equipment: there is no 'shoes'"),
    (WALK, "slouching = []", 'slouching = ["volume"]', "targets.slouching: has no component volume"),
    (WALK, "slouching = []", "smoking = []", "targets.smoking: there is no such habit"),
    (WALK, "equipment = []", 'equipment = []\nprogresses_to = "running"', "progresses_to: there is no 'running'"),
    (WALK, 'basis = "judgement"\nreason = "10 minutes', 'reason = "10 minutes', "the file as a whole: Value error, needs sources"),
    ("routines/psoas_self_massage.toml", "[targets]", 'steps = ["Press."]\n[targets]', "needs steps or parts, not both"),
    ("routines/pso_rite_release.toml", 'claims = ["pso_rite_highly_effective"]', 'claims = ["cures_all"]', "claims: the background has no claim 'cures_all'"),
    ("background.toml", 'id = "parts_work_differently"', 'id = "deep_hip_flexor"', "two have the id 'deep_hip_flexor'"),
    ("background.toml", 'verdict = "', 'verdict = "not ', "topics[0].claims[0].verdict"),
    ("warnings.toml", 'unless = "not_improving_6_weeks"', 'unless = "not_improving"', "there is no red flag 'not_improving'"),
    ("warnings.toml", "pain_0_10 = 7", "activity_limited = 7", "strong_or_lasting_pain.activity_limited: only numbers"),
    ("warnings.toml", "any_at_least = {", "total = {", "needs total with above, or any_at_least"),
    ("symptoms.toml", '{ id = "groin", label', '{ id = "loin", label', "blocked_by_pain_sites: there is no 'groin'"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the model that a test may change."""
    return Path(shutil.copytree(PACKAGED_MODEL, tmp_path / "psoas"))


@pytest.mark.parametrize(("file", "old", "new", "message"), BROKEN)
def test_a_fault_is_named_by_file_and_key(
    folder: Path, file: str, old: str, new: str, message: str
) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    named = [problem for problem in caught.value.problems if message in problem]
    assert named, caught.value.problems
    expected = "sources.toml" if message.startswith("sources.toml") else file
    expected = "routines/run_cadence_trial.toml" if "blocked_by_pain" in message else expected
    assert any(expected in problem for problem in named)


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def add(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(text, "utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove("sources.toml"), "sources.toml: is missing"),
        (remove("words/en.toml"), "words/en.toml: is missing"),
        (add("notes.txt", "x"), "notes.txt: not a file the model knows"),
        (add("habits.toml", ""), "habits.toml: not a file the model knows"),
        (add("habits/smoking.toml", "a = " + "[" * 5000), "habits/smoking.toml: "),
        (add("habits/smoking.toml", "name = "), "habits/smoking.toml: Invalid value"),
        (
            add("habits/smoking.toml", 'id = "x"'),
            "habits/smoking.toml: id: follows from the folder",
        ),
        (add("habits/Smoking!.toml", "order = 9"), "habits/Smoking!.toml: id: String should match"),
    ],
)
def test_a_fault_of_the_folder_is_named(
    folder: Path, change: Callable[[Path], None], message: str
) -> None:
    change(folder)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


def test_every_fault_is_told_at_once(folder: Path) -> None:
    for name in (SITTING, SLOUCHING, "model.toml"):
        path = folder / name
        path.write_text("surprise = true\n" + path.read_text("utf-8"), "utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert len(caught.value.problems) == 3


def test_the_digest_is_over_what_the_files_say(folder: Path) -> None:
    path = folder / SITTING
    text = path.read_text("utf-8")
    path.write_text("# a remark\r\n" + text.replace("\n", "\r\n"), "utf-8", newline="")
    assert load_model(folder).digest == MODEL.digest
    path.write_text(text.replace("weight = 35", "weight = 34"), "utf-8")
    assert load_model(folder).digest != MODEL.digest
