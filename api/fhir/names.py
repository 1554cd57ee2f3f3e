"""How things are called in FHIR: our own questionnaires and codes, and the public systems beside them."""

from typing import Any, Literal

from api.document import FHIR_TYPE

Release = Literal["4.0", "5.0"]
"""A release of FHIR, as media types name it."""
R4: Release = "4.0"
R5: Release = "5.0"
FULL_RELEASE: dict[Release, str] = {R4: "4.0.1", R5: "5.0.0"}
"""The release as a CapabilityStatement names it."""
MEDIA_TYPE = FHIR_TYPE

BASE = "http://psoas-risk.org/fhir"
"""What the names of everything of ours begin with. They are names, the same on every server; nothing is fetched there."""
PLAIN, SCORING = "psoas-risk", "psoas-risk-scores"
"""Ids of the two questionnaires: one that asks, and one that works out the scores as well."""
QUESTIONNAIRE = f"{BASE}/Questionnaire/{PLAIN}"
SCORING_QUESTIONNAIRE = f"{BASE}/Questionnaire/{SCORING}"
QUESTIONNAIRES = {PLAIN: QUESTIONNAIRE, SCORING: SCORING_QUESTIONNAIRE}
"""The names of the questionnaires, by id; a response gives one of them, with | and the model's version."""
CODES_ID = "psoas-risk"
CODES = f"{BASE}/CodeSystem/{CODES_ID}"
"""Our code system: ids of questions, options, habits, `index`, levels and safety actions, all under one roof."""
FAULTS_ID = "psoas-risk-faults"
FAULTS = f"{BASE}/CodeSystem/{FAULTS_ID}"
"""The system of our codes for what is wrong with an answer, or odd about it; they mean the same as in problem details."""

VALUE_SETS = f"{BASE}/ValueSet"
"""What the names of our value sets begin with."""

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
STRUCTURES = "http://hl7.org/fhir/StructureDefinition"
"""What the names of FHIR's own extensions begin with."""
CAPTURE = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
"""What the names of the extensions for forms (Structured Data Capture) begin with."""


LANGUAGE = f"{STRUCTURES}/language"
ABSENT = f"{STRUCTURES}/data-absent-reason"


def put_said(text: str, language: str, around: str) -> dict[str, Any]:
    """A text as the `text` of an element, marked where it is in another language than what it stands in."""
    if language == around:
        return {"text": text}
    return {"text": text, "_text": {"extension": [{"url": LANGUAGE, "valueCode": language}]}}


def name_version(url: str, version: str) -> str:
    """Something of ours in one version, as a canonical reference."""
    return f"{url}|{version}"
