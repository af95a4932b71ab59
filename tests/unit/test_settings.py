"""Settings: read once, checked, and never shown."""

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from folkmoot.settings import BadSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a file nor an environment but the test's own."""
    for field, info in Settings.model_fields.items():
        for name in (field.upper(), str(info.validation_alias)):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(f"{name}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def refusal(**given: object) -> str:
    with pytest.raises(BadSettings) as refused:
        load_settings(**given)
    return str(refused.value)


def test_the_defaults_are_those_of_a_laptop_and_are_safe() -> None:
    settings = load_settings()
    assert (settings.api_mode, settings.host, settings.port) == ("production", "127.0.0.1", 8000)
    assert (settings.dsn, settings.redis_dsn) == ("", "")
    assert settings.public_url == "http://localhost:8000"
    assert not settings.secure_cookies
    assert not settings.echo_takes_access_tokens
    assert settings.trusted_proxies == ()


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("FOLKMOOT_PORT=1\nFOLKMOOT_HOST=::1\nUNKNOWN=x\n")
    assert (load_settings().port, load_settings().host) == (1, "::1")
    monkeypatch.setenv("FOLKMOOT_PORT", "2")
    assert load_settings().port == 2
    assert load_settings(port=3).port == 3


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FOLKMOOT_SITE", "FOLKMOOT_PORT", "API_MODE", "DATABASE_URL", "FOLKMOOT_ORIGINS", "LOG_LEVEL"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.site is None, "or the working directory would be served"
    assert (settings.port, settings.api_mode, settings.origins) == (8000, "production", ())


def test_addresses_are_made_of_their_parts_when_they_are_not_given_whole() -> None:
    settings = load_settings(postgres_host="db", postgres_password="p@ss/w:rd", postgres_user="a b", redis_host="cache")
    assert settings.dsn == "postgresql://a%20b:p%40ss%2Fw%3Ard@db:5432/folkmoot"
    assert settings.redis_dsn == "redis://cache:6379/0"
    whole = load_settings(database_url="postgresql:///x?host=/run", redis_url="unix:///run/v.sock", redis_host="cache")
    assert (whole.dsn, whole.redis_dsn) == ("postgresql:///x?host=/run", "unix:///run/v.sock")


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLKMOOT_ORIGINS", "https://a.example, https://b.example/ ,")
    monkeypatch.setenv("FOLKMOOT_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = load_settings(url="https://chat.example/")
    assert settings.allowed_origins == {"https://chat.example", "https://a.example", "https://b.example"}
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert settings.secure_cookies


def test_a_laptop_may_be_opened_by_its_loopback_address_too() -> None:
    assert load_settings(port=80).allowed_origins == {"http://localhost:80", "http://127.0.0.1:80", "http://[::1]:80"}


def test_every_wrong_setting_is_named_at_once() -> None:
    lines = refusal(port=-1, api_mode="test", url="nonsense", database_pool=0).splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "API_MODE", "FOLKMOOT_DATABASE_POOL", "FOLKMOOT_PORT", "FOLKMOOT_URL",
    ]  # fmt: skip


@pytest.mark.parametrize("guessable", ["changeme", "postgres", "password", "secret", "admin"])
def test_default_secrets_are_refused_but_in_development(guessable: str) -> None:
    assert "POSTGRES_PASSWORD" in refusal(postgres_host="db", postgres_password=guessable)
    assert "API_ADMIN_PASSWORD" in refusal(api_admin_email="a@b.org", api_admin_password=guessable)
    assert "DATABASE_URL" in refusal(database_url=f"postgresql://u:{guessable}@db/x")
    load_settings(api_mode="dev", postgres_host="db", postgres_password=guessable, api_admin_email="a@b.org")


def test_secrets_come_from_files_unless_they_are_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("  postgresql://u:from-a-file@db/x\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert load_settings().dsn == "postgresql://u:from-a-file@db/x"
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:given@db/x")
    assert load_settings().dsn == "postgresql://u:given@db/x"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "binary"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert "DATABASE_URL_FILE" in refusal()
    assert str(tmp_path / "url") in refusal()


@pytest.mark.parametrize(
    "address", ["nonsense", "postgres", "http://u:canary@x/", "postgresql://u:canary@[", "://canary", "redis://canary"]
)
def test_what_is_no_address_of_a_database_is_refused_without_repeating_it(address: str) -> None:
    said = refusal(database_url=address)
    assert "DATABASE_URL" in said
    assert "canary" not in said


@pytest.mark.parametrize("address", ["nonsense", "http://x", "redis://x:port", "postgresql://x"])
def test_what_is_no_address_of_redis_is_refused(address: str) -> None:
    assert "REDIS_URL" in refusal(redis_url=address)


def test_a_standby_may_be_named_too() -> None:
    assert load_settings(database_url="postgresql://u:own@one:1,two:2/x").dsn.endswith("@one:1,two:2/x")


def test_secrets_are_not_shown() -> None:
    settings = load_settings(
        database_url="postgresql://u:canary@db/x", redis_url="redis://:canary@c", api_admin_password="canary"
    )
    assert "canary" not in repr(settings) + str(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("HTTPS://Chat.Example:443/", "https://chat.example"),
        ("http://chat.example:80", "http://chat.example"),
        ("http://chat.example:8080", "http://chat.example:8080"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_known_as_browsers_write_it(given: str, origin: str) -> None:
    settings = load_settings(url=given, origins=given)
    assert settings.allowed_origins == {origin}
    assert settings.secure_cookies is origin.startswith("https")


@pytest.mark.parametrize("given", ["https://host/chat", "ftp://host", "host", "https://user@host", "https://"])
def test_an_address_that_no_browser_sends_is_refused(given: str) -> None:
    assert "FOLKMOOT_URL" in refusal(url=given)
    assert "FOLKMOOT_ORIGINS" in refusal(origins=given)


def test_no_password_is_a_guessable_one_of_the_database_but_for_the_first_admin_one_is_made() -> None:
    assert "POSTGRES_PASSWORD" in refusal(postgres_host="db", postgres_password="")
    load_settings(api_admin_email="a@b.org", api_admin_password="")


def test_no_two_parts_have_a_name_in_common() -> None:
    named = [name for part in Settings.__bases__ if part is not BaseSettings for name in vars(part) if is_ours(name)]
    named += [name for part in Settings.__bases__ if part is not BaseSettings for name in part.__annotations__]
    assert {"host", "_proxies", "public_url"} <= set(named)
    assert sorted(named) == sorted(set(named)), "the one would silently take the place of the other"


def is_ours(name: str) -> bool:
    return not name.startswith(("__", "_abc_", "model_", "_decorators"))
