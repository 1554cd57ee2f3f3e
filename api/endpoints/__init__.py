"""The addresses of the service: one file a resource, listed here in the order in which they are looked up."""

from collections.abc import Callable

from fastapi import APIRouter

from api.endpoints import (
    assess,
    assess_batch,
    assessments,
    audit,
    batch_columns,
    batches,
    cds_services,
    fhir,
    fhir_assess,
    fhir_bulk,
    mappings,
    model,
    operations,
    pages,
    people,
    questionnaire,
    routines,
    webhooks,
)
from api.parts import Parts

ROUTERS: tuple[Callable[[Parts], APIRouter], ...] = (
    assess.router,  # first: each address before it would cost every assessment a look
    assess_batch.router,
    questionnaire.router,
    model.router,
    routines.router,
    assessments.router,
    people.router,
    mappings.router,
    batch_columns.router,
    batches.router,
    webhooks.router,
    audit.router,
    fhir.router,
    fhir_assess.router,
    fhir_bulk.router,
    cds_services.router,
    operations.router,
    pages.router,
)
