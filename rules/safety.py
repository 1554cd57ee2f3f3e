"""The safety screen as data: warning signs, conditions, what each leads to, and which gates they keep shut."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from rules.grounds import Definition, Grounded, Id, Text
from rules.words import Urgency, names_all

ActionId = Urgency
"""What a red flag calls for, from the least urgent to the most."""
ACTIONS: tuple[ActionId, ...] = get_args(ActionId)


class Action(Definition):
    """What to do, and what is then held back."""

    text: Text
    """What is told first."""
    withholds_plan: bool
    """Whether no routine is shown at all."""
    blocks: tuple[Id, ...] = ()
    """Tags of routines that are left out."""


class SafetyQuestion(Grounded):
    """A yes-or-no question about safety; no is the answer that clears it."""

    id: Id
    """Name of the field in the request."""
    label: Text
    """Short name, for use inside a sentence."""
    ask: Text
    """The question to show."""
    help: Text | None = None
    """A hint to show beside it."""


class RedFlag(SafetyQuestion):
    """A sign that something may need attention first."""

    action: Literal["review", "same_day", "emergency"]
    """What yes calls for."""
    suspect: Text
    """What a clinician would think of."""


class Condition(SafetyQuestion):
    """A circumstance in which some routines are left out or done with care."""

    blocks: tuple[Id, ...] = ()
    """Tags of routines that are left out when it is answered yes."""
    cautions: Mapping[Id, Text] = {}
    """Advice beside routines with a tag, when it is answered yes."""


class Gate(Definition):
    """A tag that stays shut until everything that speaks against it is answered no."""

    tag: Id
    """The tag."""
    needs_opt_in: bool
    """Whether a person must also have asked for it, and answered every condition, gating or not."""
    reason: Text
    """Why."""


class SafetySections(Definition):
    """Headings of the two sections of safety questions."""

    red_flags: Text
    """Of the red flags."""
    conditions: Text
    """Of the conditions."""


class Safety(Definition):
    """The whole of the safety screen."""

    sign_off: Text
    """Who has reviewed it, and what is still needed before clinical use."""
    names: SafetySections
    """Headings to show."""
    not_cleared: Text
    """What is told when nothing was answered yes, but not everything was answered no."""
    actions: Annotated[Mapping[ActionId, Action], names_all(ActionId)]
    """What each action means."""
    tags: Mapping[Id, Text]
    """What routines can be tagged with, in words."""
    gates: tuple[Gate, ...]
    """The tags that stay shut until cleared."""
    red_flags: Annotated[tuple[RedFlag, ...], Field(min_length=1)]
    """The red flags, in the order to ask them."""
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    """The conditions, in the order to ask them."""

    @cached_property
    def flags_by_action(self) -> Mapping[ActionId, tuple[str, ...]]:
        """The ids of the red flags that call for each action, from the least urgent to the most."""
        return {
            action: tuple(flag.id for flag in self.red_flags if flag.action == action)
            for action in ACTIONS
        }

    @cached_property
    def flags_by_urgency(self) -> tuple[tuple[ActionId, tuple[str, ...], tuple[str, ...]], ...]:
        """Each action that a flag calls for, the most urgent first: its flags, and those that call for a more urgent one."""
        found: list[tuple[ActionId, tuple[str, ...], tuple[str, ...]]] = []
        more_urgent: tuple[str, ...] = ()
        for action in reversed(ACTIONS):
            if flags := self.flags_by_action[action]:
                found.append((action, flags, more_urgent))
                more_urgent += flags
        return tuple(found)

    @cached_property
    def flag_ids(self) -> tuple[str, ...]:
        """The ids of all red flags, in the order to ask them."""
        return tuple(flag.id for flag in self.red_flags)

    @cached_property
    def condition_ids(self) -> tuple[str, ...]:
        """The ids of all conditions, in the order to ask them."""
        return tuple(condition.id for condition in self.conditions)

    @cached_property
    def gated_by(self) -> Mapping[str, tuple[Condition, ...]]:
        """The conditions that keep each gated tag shut: those that would block it."""
        return {
            gate.tag: tuple(c for c in self.conditions if gate.tag in c.blocks)
            for gate in self.gates
        }

    @model_validator(mode="after")
    def check_tags(self) -> Self:
        """Refuse tags that are not named, and advice where a tag is blocked anyway."""
        used = {gate.tag for gate in self.gates}
        used |= {tag for action in self.actions.values() for tag in action.blocks}
        for condition in self.conditions:
            used |= {*condition.blocks, *condition.cautions}
            if both := sorted(set(condition.blocks) & set(condition.cautions)):
                raise ValueError(f"{condition.id} both blocks and cautions {', '.join(both)}")
        if unknown := sorted(used - set(self.tags)):
            raise ValueError(f"tags has nothing for {', '.join(unknown)}")
        return self
