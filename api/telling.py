"""What commands say to the person at the terminal."""

from rich.console import Console

INVALID = 2
"""Exit code when what was given cannot be used; 0 is success."""
to_person = Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Say something to the person, on standard error and just as it is; no signs that steer terminals."""
    to_person.print(make_plain(text), markup=False, emoji=False)


def make_plain(text: str) -> str:
    """Text without signs that steer terminals: names of columns and files are a stranger's."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
