"""`folkmoot doctor`: looks at everything a start depends on, and says what to do about what is wrong."""

from folkmoot.doctor.around import look_at_mail, look_at_modules, look_at_services
from folkmoot.doctor.database import look_at_database
from folkmoot.doctor.finding import Finding
from folkmoot.doctor.machine import (
    look_at_disk,
    look_at_port,
    look_at_programs,
    look_at_python,
    look_at_settings,
    look_at_site,
    look_at_unknown_settings,
)
from folkmoot.doctor.redis import look_at_redis
from folkmoot.laptop import running
from folkmoot.settings import Settings

__all__ = ["Finding", "examine"]


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything once, changes nothing, and never waits long for what does not answer."""
    live = running(settings.data)
    dsn = settings.dsn or (live.dsn if live else "")
    redis_url = settings.redis_dsn or (live.redis_url if live else "")
    return [
        look_at_settings(settings),
        *look_at_unknown_settings(),
        look_at_python(),
        *look_at_programs(settings),
        look_at_disk(settings),
        *await look_at_database(dsn, settings),
        await look_at_redis(redis_url),
        look_at_port(settings, is_ours=live is not None),
        look_at_site(settings),
        await look_at_services(settings.services),
        await look_at_mail(settings),
        *look_at_modules(settings),
    ]
