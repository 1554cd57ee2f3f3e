"""What commands say to the person at the terminal."""

from rich.console import Console

INVALID = 2
"""Exit code when what was given cannot be used; 0 is success."""
_to_person = Console(stderr=True, highlight=False)


def tell(text: str) -> None:
    """Say something to the person, on standard error and just as it is; no signs that steer terminals."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    _to_person.print(plain, markup=False, emoji=False, soft_wrap=True)
