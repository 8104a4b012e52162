"""Every setting, with its default: environment `GATEHOUSE_*` or a `.env` file. `gatehouse config check` prints them."""

import re
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# A key of GOV.UK Notify ends in the ids of the service and of the secret; plain http is for this machine alone.
_NOTIFY_KEY = rf":[\w.%-]+-{_UUID}-{_UUID}@"
SMS_URL = rf"(https://{_NOTIFY_KEY}[a-z0-9.-]+|http://{_NOTIFY_KEY}(127\.0\.0\.1|localhost))(:[0-9]{{1,5}})?/{_UUID}"


class Settings(BaseSettings):
    """Durations are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="GATEHOUSE_", env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore"
    )

    trusted_proxies: str = Field("127.0.0.1", description="Whose X-Forwarded-For to believe; addresses, commas between")
    environment: Literal["development", "test", "production"] = "development"
    data_dir: Path = Field(ROOT / "var", description="Where the SQLite database and development secrets live")
    port: int = 8000
    demo_port: int = 8001
    issuer: str = Field("", description="Public address of this server; every link in a mail starts with it")
    database_url: SecretStr = Field(SecretStr(""), description="sqlite or postgresql+psycopg")
    secret_keys: list[SecretStr] = Field([], description="Key ring, newest first; 32 characters or more each")
    smtp_url: SecretStr | None = Field(None, description="smtp(s)://user:password@host:port; absent: outbox only")
    mail_from: str = "Gatehouse <no-reply@gatehouse.example>"
    sms_url: SecretStr | None = Field(
        None, description="GOV.UK Notify: https://:API-KEY@host/TEMPLATE-ID, its text ((text)); absent: outbox only"
    )
    redis_url: SecretStr | None = Field(None, description="Shared throttles; absent: in process")
    support_url: str = ""
    support_phone: str = "020 7946 0123"
    support_email: str = "support@gatehouse.example"
    support_hours: str = "Monday to Friday, 8am to 5pm"
    log_format: Literal["console", "json"] = "console"

    dpop_nonce: bool = Field(False, description="Every DPoP proof must carry a nonce of ours (RFC 9449 section 8)")

    access_token_seconds: int = 600
    id_token_seconds: int = 3600
    authorization_code_seconds: int = 60
    partner_request_seconds: int = 86_400
    verification_link_seconds: int = 48 * 3600
    verification_resend_seconds: int = 60
    first_password_seconds: int = 72 * 3600
    reset_code_seconds: int = 600
    contact_change_seconds: int = Field(24 * 3600, description="Until another address or mobile takes effect")
    objection_seconds: int = Field(24 * 3600, description="How long anybody may stop an access case")
    welcome_seconds: int = Field(72 * 3600, description="How long the mail lives that welcomes one more person")
    invitation_days: int = 14
    invitation_reminder_days: int = 7
    invitations_a_day: int = Field(200, description="Of one partner")
    ledger_months: int = Field(24, description="Then the access ledger keeps sums by day")
    hold_percent: int = Field(10, description="A batch that would remove more of the people is held for an Admin")
    deletion_days: int = Field(28, description="A partner has these to delete what it read")
    session_seconds: int = 12 * 3600
    session_idle_seconds: int = 1800
    operator_idle_seconds: int = 900
    authorisation_months: int = 12
    verification_target_days: int = Field(2, description="Working days, bank holidays of England counted")
    register_shrink_percent: int = Field(10, description="An import with this many fewer rows is refused")

    @field_validator("issuer")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _filled_in(self) -> "Settings":
        self.issuer = self.issuer or f"http://127.0.0.1:{self.port}"
        if not self.database_url.get_secret_value():
            self.database_url = SecretStr(f"sqlite:///{self.data_dir / 'gatehouse.db'}")
        if not self.secret_keys and self.environment != "production":
            self.secret_keys = [SecretStr(_development_secret(self.data_dir))]
        return self

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def faults(self) -> list[str]:
        """What keeps these settings from being safe to start with, each with what to do; empty when safe."""
        found = []
        texts = [key.get_secret_value() for key in self.secret_keys]
        if any(len(text) < 32 for text in texts):
            found.append("SECRET_KEYS: a key is shorter than 32 characters. Make one with: openssl rand -hex 32")
        if any(len(set(text)) < 8 for text in texts):
            found.append("SECRET_KEYS: a key repeats a few characters. Make one with: openssl rand -hex 32")
        if self.sms_url and not re.fullmatch(SMS_URL, self.sms_url.get_secret_value()):
            found.append(
                "SMS_URL must be https://:API-KEY@host/TEMPLATE-ID, with the key and the id as Notify shows them"
            )
        if not self.is_production:
            return found
        if not self.secret_keys:
            found.append("SECRET_KEYS is not set. Make one with: openssl rand -hex 32")
        if not re.fullmatch(r"https://[a-z0-9.-]+(:[0-9]{1,5})?", self.issuer):
            found.append("ISSUER must be the https:// address of this server: a host and nothing after it")
        if self.smtp_url is None:
            found.append("SMTP_URL is not set, so no mail would leave this server")
        return found


def _development_secret(data_dir: Path) -> str:
    """A random secret made once for this data directory, so that a restart keeps sessions and links alive."""
    path = data_dir / "development-secret"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        return path.read_text().strip()


settings = Settings()
