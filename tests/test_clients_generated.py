"""Clients in Kotlin, Swift and Dart: made without a warning that matters, and pleasant to read."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from clients import OPERATIONS, SCHEMAS, make_by_java
from people import MODEL

from api.schemas import ANSWER, TABLES
from rules.questions import Question


class Language(NamedTuple):
    """What a client in a language should look like."""

    name: str
    words: tuple[str, ...]
    """What the command says beside the language's file."""
    models: str
    """Where the models are, as a pattern of files."""
    apis: str
    """The file with the operations of a tag."""
    types: Mapping[str, str]
    """What whole numbers, numbers, yes or no and several options are called."""
    optional: str
    """A field that may be left out, by its name and type."""
    level: str
    """A level among its enum's constants."""
    vague: str
    """How a field would be declared whose type says nothing."""


SWIFT = Language(
    name="swift",
    words=(),
    models="Sources/Psoas/Models/*.swift",
    apis="Sources/Psoas/APIs/{tag}API.swift",
    types={"integer": "Int", "number": "Double", "boolean": "Bool", "array": "[{}]"},
    optional="    public var {name}: {type}?\n",
    level='    case veryHigh = "very_high"\n',
    vague=r"public var (\w+): (?:Any|AnyCodable|JSONValue)\b",
)
LANGUAGES = {
    "kotlin": Language(
        name="kotlin",
        words=(),
        models="src/main/kotlin/psoas/models/*.kt",
        apis="src/main/kotlin/psoas/apis/{tag}Api.kt",
        types={
            "integer": "kotlin.Int",
            "number": "kotlin.Double",
            "boolean": "kotlin.Boolean",
            "array": "kotlin.collections.List<{}>",
        },
        optional="    val {name}: {type}? = null",
        level='    VERY_HIGH("very_high"),\n',
        vague=r"val `?(\w+)`?: kotlin\.Any\b",
    ),
    "swift6": SWIFT,
    "swift5": SWIFT._replace(
        words=("-g", "swift5"),
        models="Psoas/Classes/OpenAPIs/Models/*.swift",
        apis="Psoas/Classes/OpenAPIs/APIs/{tag}API.swift",
    ),
    "dart": Language(
        name="dart",
        words=(),
        models="lib/model/*.dart",
        apis="lib/api/{tag}_api.dart",
        types={"integer": "int", "number": "double", "boolean": "bool", "array": "List<{}>"},
        optional="  {type}? {name};\n",
        level="  veryHigh._(r'very_high'),\n",
        vague=r"^  Object\?? (\w+);",
    ),
}

HARMLESS = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",  # said of any schema that is one of several plain kinds
    "Range (reserved word) cannot be used as model name",  # the header is called so
    "Generator 'swift5' is considered deprecated",
    "IMPORTANT: This generator has been deprecated. Please use `swift6` instead",
    "is not support in the Dart generators by default",  # of CSV and TOML, which go as they are
    "Answer (existing type) cannot be used as model name",  # in Dart, where it is an Object
)
"""What the generators warn of and nothing can or need be done about."""

ANSWERS = {"now", "changeTo", "example", "assumed", "equals", "leverLimit", "low", "high", "score"}
"""The fields that are answers, and so of several kinds."""
ANSWERS |= {"answered"}
OF_FHIR = "prefetched"
"""Part of the name of the model that holds resources of FHIR: what these are is FHIR's to say."""


class Client(NamedTuple):
    """A client that was made: in which language, where, and what its generator said."""

    language: Language
    folder: Path
    said: str
    models: Mapping[str, str]
    """The files of its models by name, in lower case and without dashes."""


def make_client(language: Language, folder: Path) -> Client:
    """A client in a language, made into a folder."""
    said = make_by_java(language.name, folder, *language.words)
    models = {
        path.stem.replace("_", "").lower(): path.read_text("utf-8")
        for path in folder.glob(language.models)
    }
    return Client(language, folder, said, models)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_client_is_pleasant_to_read(language: str, tmp_path: Path) -> None:
    """One test a language, so that each client is made once."""
    client = make_client(LANGUAGES[language], tmp_path)
    check_warnings(client)
    check_models(client)
    check_constants(client)
    check_answers(client)
    check_types(client)
    check_operations(client)
    if language == "kotlin":
        check_comments(client)


def check_warnings(client: Client) -> None:
    """The generator warns of nothing that matters."""
    warned = [line for line in client.said.splitlines() if " WARN " in line or " ERROR " in line]
    assert not [line for line in warned if not any(known in line for known in HARMLESS)]


def check_models(client: Client) -> None:
    """No model that a generator had to think of a name for, such as InlineObject or LeverNowAnyOf."""
    known = {name.lower() for name in SCHEMAS}
    assert set(client.models) <= known
    plain = {name.lower() for name in (*TABLES, *ANSWER)}  # maps, and what is of several kinds
    assert known - set(client.models) <= plain


def check_constants(client: Client) -> None:
    """No constant begins with a dash, but for `none`, which Swift keeps for itself."""
    assert client.language.level in client.models["levelid"]
    for name in [name for name, schema in SCHEMAS.items() if "enum" in schema]:
        text = client.models[name.lower()]
        assert not re.search(r"^ +(?:case )?_(?!none\b)\w+(?: =|\(|\._)", text, re.MULTILINE), name


def check_answers(client: Client) -> None:
    """Every answer is a typed field that may be left out."""
    asked: dict[str, list[Question]] = {
        "Answers": list(MODEL.questions.values()),
        "Symptoms": list(MODEL.symptoms.questions),
        "PlanWishes": list(MODEL.planner.questions),
    }
    for model, questions in asked.items():
        for question in questions:
            field = client.language.optional.format(
                name=in_camels(question.id), type=type_in(client.language, model, question)
            )
            assert field in client.models[model.lower()], question.id


def type_in(language: Language, model: str, question: Question) -> str:
    """What an answer's type is called in a language."""
    plain = {"whole_number": "integer", "number": "number", "yes_no": "boolean"}
    if question.answer in plain:
        return language.types[plain[question.answer]]
    described = SCHEMAS[model]["properties"][question.id]
    if question.answer == "several":
        return language.types["array"].format(described["items"]["$ref"].rpartition("/")[2])
    return str(described["anyOf"][0]["$ref"].rpartition("/")[2])


def check_types(client: Client) -> None:
    """Every field has a type that says something; only answers are of several kinds, and Swift has a word even for these."""
    vague = re.compile(client.language.vague, re.MULTILINE)
    own = [text for model, text in client.models.items() if OF_FHIR not in model]
    found = {name for text in own for name in vague.findall(text)}
    assert found <= (set() if client.language.name == "swift" else ANSWERS)


def check_operations(client: Client) -> None:
    """Every operation is a method of its tag, and gives something that has a type."""
    for operation, tag in OPERATIONS.items():
        tag_here = tag if client.language.name == "dart" else tag.capitalize()
        text = (client.folder / client.language.apis.format(tag=tag_here)).read_text("utf-8")
        name = re.escape(in_camels(operation))
        declared = re.findall(rf"(?:func|fun|Future<\S+>) {name}\(.*", text)
        assert declared, f"{operation} is not a method of {tag}"
        assert not re.search(
            r"(?:->|\) :|Future<|data:) *(?:kotlin\.)?(?:Any|Object)\b", declared[0]
        )


def check_comments(client: Client) -> None:
    """What is said of a field is said of that field: comments were once mixed up where a type was said twice."""
    comment = re.compile(r'/\* (.*?) \*/\n    @Json\(name = "(\w+)"\)', re.DOTALL)
    told = 0
    for name, schema in SCHEMAS.items():
        for said, field in comment.findall(client.models.get(name.lower(), "")):
            expected = schema["properties"][field].get("description", "")
            told += 1
            assert plainly(said) == plainly(expected), f"{name}.{field}"
    assert told > 300


def in_camels(name: str) -> str:
    """A name as these languages write those of fields and methods."""
    first, *rest = name.split("_")
    return first + "".join(part[0].upper() + part[1:] for part in rest)


def plainly(text: str) -> str:
    """A text without what a comment cannot hold."""
    return re.sub(r"\W|&\w+;", "", text)
