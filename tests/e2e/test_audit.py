"""The audit log in the settings of an admin, as they use it."""

import json
from pathlib import Path

from playwright.async_api import expect

from folkmoot.app import Node
from tests.e2e.conftest import Sit
from tests.people import Member, enrol


async def test_an_admin_finds_what_was_done_and_takes_it_along(
    sit: Sit, site: Node, bob: Member, tmp_path: Path
) -> None:
    async with enrol(site, "Root", "admin") as root, sit() as seat:
        assert (await root.http.post(f"/api/v1.0/accounts/{bob.id}/disable")).status_code == 204
        assert (await bob.http.get("/api/v1.0/session")).status_code == 401
        await seat.open("/settings/audit")
        await seat.sign_in(root.email)
        page = seat.page
        entries = page.get_by_role("list", name="Entries").get_by_role("listitem")
        await page.get_by_label("Who", exact=True).select_option(str(root.id))
        await page.get_by_label("What", exact=True).select_option("accounts")
        disabling = entries.filter(has_text="Disable an account")
        await expect(disabling).to_have_count(1)
        await expect(disabling).to_contain_text(f"to {bob.email}")
        await expect(disabling).to_contain_text("Done")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download").click()
        kept = tmp_path / "audit.jsonl"
        await (await downloading.value).save_as(kept)
        lines = [json.loads(line) for line in kept.read_text().splitlines()]
        assert [line["target_id"] for line in lines if line["action"] == "accounts.disable"] == [bob.id]
        await page.get_by_label("Outcome").select_option("refused")
        await expect(page.get_by_text("Nothing like that has happened.")).to_be_visible()
