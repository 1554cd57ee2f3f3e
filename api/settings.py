"""Every setting of the service, read from environment variables that begin with `PSOAS_`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rules.errors import Unusable
from rules.loading import PACKAGED_MODEL


class SettingsError(Unusable):
    """Settings that cannot be used; `problems` names each variable and what it accepts."""


class Settings(BaseSettings):
    """Settings of one running service; each has a description and a default that is safe."""

    model_config = SettingsConfigDict(env_prefix="PSOAS_", frozen=True, extra="ignore")

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on.")] = 8000
    workers: Annotated[
        int, Field(ge=1, le=64, description="Number of processes that answer requests.")
    ] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="Least severe log lines to write; requests are logged at info."),
    ] = "info"
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Web origins whose pages may call this service, separated by commas, "
            "such as https://app.example. None unless set."
        ),
    ] = ()
    batch_people: Annotated[
        int,
        Field(ge=1, le=10_000, description="How many people may be scored in one request."),
    ] = 1_000
    model_dir: Annotated[
        Path, Field(description="Folder of model files to use in place of the packaged ones.")
    ] = PACKAGED_MODEL

    @field_validator("cors_origins", mode="before")
    @classmethod
    def split_origins(cls, value: object) -> object:
        """Read a comma-separated list, as environment variables hold it."""
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value


def read_settings() -> Settings:
    """The settings of the environment.

    Raises:
        SettingsError: naming every variable that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(
            f"PSOAS_{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in error.errors()
        ) from None
