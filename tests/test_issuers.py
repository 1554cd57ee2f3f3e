"""The file of issuers: each fault of it is named before anything is served."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from issuer import write_issuers
from serving import PSOAS, name_settings

from api.tokens import IssuersError, read_issuers

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"issuer": None}, "issuer"),
    ({"issuer": ""}, "issuer"),
    ({"audience": 7}, "audience"),
    ({"audience": ""}, "audience"),
    ({"tenant": "Clinic"}, "tenant"),
    ({"tenant": None}, "tenant_claim"),
    ({"tenant_claim": "org"}, "tenant_claim"),
    ({"key": "x"}, "key"),
    ({"scopes_claim": ["x"]}, "scopes_claim"),
    *(
        ({"jwks": jwks}, "jwks")
        for jwks in (
            *(
                "http://issuer.example/keys",
                "HTTP://issuer.example/keys",
                "http://127.0.0.1.example/",
            ),
            *(
                "http://localhost@issuer.example/",
                "ftp://issuer.example/keys",
                "https://",
                "https://[",
            ),
        )
    ),
]


@pytest.mark.parametrize(("changed", "named"), FAULTS)
def test_a_fault_of_the_file_is_named(tmp_path: Path, changed: Any, named: str) -> None:
    with pytest.raises(IssuersError) as raised:
        read_issuers(write_issuers(tmp_path, **{"jwks": "keys.json", **changed}))
    (problem,) = raised.value.problems
    assert problem.startswith("issuers.toml: issuer 1: ")
    assert named in problem


@pytest.mark.parametrize(
    "jwks", ["https://issuer.example/keys", "http://127.0.0.1:1/", "http://[::1]/", "/k.json"]
)
def test_keys_may_be_at_a_safe_address_or_in_a_file(tmp_path: Path, jwks: str) -> None:
    (found,) = read_issuers(write_issuers(tmp_path, jwks))
    assert found.jwks == jwks


@pytest.mark.parametrize(
    ("text", "named"),
    [
        *((text, "[[issuers]]") for text in ("", "issuers = 7", "[issuers]\nissuer = 'x'")),
        ("[[issuers]", "line 1"),
        ("[[issuers]]\n[[issuer]]", "issuer: is not known"),
        ("issuers = [7]", "issuer 1"),
        ("\xff", "decode"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "issuers.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(IssuersError, match=r"issuers\.toml") as raised:
        read_issuers(file)
    assert named in str(raised.value)


def test_every_issuer_counts_and_none_is_there_twice(tmp_path: Path) -> None:
    file = write_issuers(tmp_path, "keys.json")
    file.write_text(f"{file.read_text()}\n[[issuers]]\njwks = 7\n{file.read_text()}")
    with pytest.raises(IssuersError) as raised:
        read_issuers(file)
    assert len(raised.value.problems) >= 4
    assert "issuers.toml: an issuer is given twice" in raised.value.problems


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_tells_what_is_wrong_with_the_issuers(tmp_path: Path, workers: int) -> None:
    settings = {"data_dir": tmp_path / "data", "issuers": tmp_path / "nobody.toml"}
    done = subprocess.run(
        [PSOAS, "serve", "--port", "0"],
        env=name_settings(settings, workers=workers),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "settings do not work" in done.stderr
    assert "nobody.toml: No such file" in done.stderr
    assert "Traceback" not in done.stderr
