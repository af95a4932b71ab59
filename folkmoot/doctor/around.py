"""What an installation may have besides: services, a mail server, modules of its own."""

from pathlib import Path

from folkmoot.doctor.finding import Finding
from folkmoot.loading.modules import load_modules
from folkmoot.services.check import check_file
from folkmoot.services.file import BadServices
from folkmoot.settings import Settings


async def look_at_services(path: Path | None) -> Finding:
    if path is None:
        return Finding("services", True, "none (FOLKMOOT_SERVICES is not set)")
    try:
        looks = await check_file(path)
    except BadServices as error:
        return Finding("services", False, f"{path} cannot be used", str(error))
    ill = [look.name for look in looks if not look.health.ok]
    if ill:
        return Finding("services", False, f"not well: {', '.join(ill)}", "Run `folkmoot services check`.")
    return Finding("services", True, f"{len(looks)} in {path}, all well")


async def look_at_mail(settings: Settings) -> Finding:
    """Whether the mail server lets us in. Nothing is sent."""
    if not settings.sends_mail:
        says = "none is sent (FOLKMOOT_SMTP_HOST is not set): nobody can choose a new password by a letter"
        return Finding("mail", True, says)
    from folkmoot.mail.sender import NotSent, check  # with its library, which not every look needs

    try:
        await check(settings)
    except NotSent as error:
        advice = "Check FOLKMOOT_SMTP_*, and the log of that server."
        return Finding("mail", False, f"no letter can be sent: {error}", advice)
    if not settings.url:
        advice = "Set FOLKMOOT_URL: links in letters lead there."
        return Finding("mail", False, f"links in letters would lead to {settings.public_url}", advice)
    return Finding("mail", True, f"{settings.smtp_host} lets us in, letters come from {settings.mail_from}")


def look_at_modules(settings: Settings) -> list[Finding]:
    """One for those that are loaded, and one for each that is not."""
    if not settings.modules:
        return []
    modules = load_modules(settings.model_copy(update={"modules_strict": False}), report=lambda failure: None)
    names = ", ".join(module.name for module in modules.loaded if module.place)
    advice = "Put it right, or take it out of FOLKMOOT_MODULES."
    return [
        *([Finding("modules", True, f"{names} besides Folkmoot's own")] if names else []),
        *(Finding("modules", False, str(failure), advice) for failure in modules.failures),
    ]
