"""Every setting of the service, read from environment variables that begin with `PSOAS_`."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from redis import RedisError
from redis.asyncio import ConnectionPool

from rules.errors import Unusable
from rules.loading import PACKAGED_MODEL

STORE = r"s3://[a-z0-9][a-z0-9.-]+(/(?!\.\.?(/|$))[\w.-]+)*/?"
"""An address of a store for files; credentials are no part of it."""
SHORTEST_SECRET = 32
"""Characters that the secret must have."""


class SettingsError(Unusable):
    """Settings that cannot be used; `problems` names each variable and what it accepts."""


class Settings(BaseSettings):
    """Settings of one running service; each has a description and a default that is safe."""

    model_config = SettingsConfigDict(
        env_prefix="PSOAS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

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
        Field(
            ge=1,
            le=10_000,
            description="How many people may be scored in one request without a key; 10,000 with one.",
        ),
    ] = 1_000
    data_dir: Annotated[
        Path,
        Field(
            description="Folder for the embedded database, and for the files of batches, which all processes must "
            "share unless spool_url names a store."
        ),
    ] = Path("data")
    database_url: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL database to store in, such as postgresql://user:password@host/name. "
            "Unset: a file of SQLite in the data folder."
        ),
    ] = None
    spool_url: Annotated[
        str | None,
        Field(
            description="S3-compatible store for the files of batches, such as s3://bucket/folder, where machines "
            "share no folder; its endpoint, region and credentials are AWS's variables. Unset: the data folder.",
        ),
    ] = None
    secret: Annotated[
        SecretStr | None,
        Field(
            description="Secret for keyed hashes, the same for all processes that share a database. "
            "Unset: made once and kept in the data folder.",
        ),
    ] = None
    public: Annotated[
        bool,
        Field(
            description="Whether people may be assessed and the model read without a key. If not, "
            "that needs a key with the scope assess."
        ),
    ] = True
    issuers: Annotated[
        Path | None,
        Field(description="File of issuers whose bearer tokens are taken; see docs/operate.md."),
    ] = None
    retention_days: Annotated[
        int,
        Field(
            ge=0,
            le=36_500,
            description="Days after which stored assessments are erased; 0 keeps them.",
        ),
    ] = 0
    jobs: Annotated[
        bool,
        Field(
            description="Whether serving processes score batches; if not, that is left to psoas worker."
        ),
    ] = True
    batch_days: Annotated[
        int,
        Field(ge=0, le=36_500, description="Days after which batches are erased; 0 keeps them."),
    ] = 30
    batch_mb: Annotated[
        int, Field(ge=1, description="Megabytes that a batch may have as it is sent.")
    ] = 20_000
    batch_unpacked_mb: Annotated[
        int,
        Field(
            ge=1, description="Megabytes that compressed text or Parquet in a batch may unpack to."
        ),
    ] = 200_000
    batches_per_tenant: Annotated[
        int,
        Field(
            ge=0,
            description="Batches of a tenant that may wait or be scored at a time; 0 for no limit.",
        ),
    ] = 20
    webhooks_per_tenant: Annotated[
        int, Field(ge=1, le=100, description="Webhooks that a tenant may have.")
    ] = 10
    webhook_networks: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Addresses or networks of your own that webhooks may lead to, also by http, separated by "
            "commas, such as 10.20.0.0/16. None unless set: webhooks lead to public addresses only, by https."
        ),
    ] = ()
    upload_seconds: Annotated[
        int,
        Field(ge=1, description="Seconds without a byte after which an upload is given up."),
    ] = 60
    rate_per_address: Annotated[
        int,
        Field(ge=0, description="Requests a minute of one address without a key; 0 for no limit."),
    ] = 600
    rate_per_key: Annotated[
        int, Field(ge=0, description="Requests a minute with one key or token; 0 for no limit.")
    ] = 6_000
    rate_store: Annotated[
        SecretStr | None,
        Field(
            description="Redis in which all processes count requests together, such as redis://host:6379/0, "
            "rediss://user:password@host:6379/0 or unix:///run/redis.sock. Unset: each process counts by itself."
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas."
        ),
    ] = ()
    unreviewed_languages: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Languages whose translation is a draft and is served all the same, separated by commas, "
            "such as es. Their safety texts stay English."
        ),
    ] = ()
    metrics: Annotated[
        bool,
        Field(description="Whether /metrics tells how the service is doing, to anybody who asks."),
    ] = True
    model_dir: Annotated[
        Path, Field(description="Folder of model files to use in place of the packaged ones.")
    ] = PACKAGED_MODEL

    @field_validator(
        "cors_origins", "trusted_proxies", "unreviewed_languages", "webhook_networks", mode="before"
    )
    @classmethod
    def split_list(cls, value: object) -> object:
        """Read a comma-separated list, as environment variables hold it."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("secret")
    @classmethod
    def check_secret(cls, value: SecretStr | None) -> SecretStr | None:
        """See that it cannot be guessed."""
        if value is not None and len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
        return value

    @field_validator("spool_url")
    @classmethod
    def check_spool_url(cls, value: str | None) -> str | None:
        """See that it names a bucket and a folder in it, and nothing else."""
        if value is not None and not re.fullmatch(STORE, value):
            raise ValueError("must be an address such as s3://bucket or s3://bucket/folder")
        return value

    @field_validator("rate_store")
    @classmethod
    def check_rate_store(cls, value: SecretStr | None) -> SecretStr | None:
        """See that a connection could be made to it; what is wrong is not repeated, since it may hold a password."""
        try:
            if value is not None:
                pool = ConnectionPool.from_url(value.get_secret_value())
                pool.make_connection()  # type: ignore[no-untyped-call]
        except (TypeError, ValueError, RedisError):
            raise ValueError(
                "must be an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///run/redis.sock"
            ) from None
        return value

    @field_validator("trusted_proxies", "webhook_networks")
    @classmethod
    def check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """See that each is an address or a network."""
        for part in value:
            ip_network(part)
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
