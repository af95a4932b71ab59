"""What admins do to accounts is written down, with who, whom, from where and what came of it."""

from tests.audit.words import AUDIT, entries, entry
from tests.people import PASSWORD, Browser, Member, assert_problem


async def test_what_an_admin_did_says_who_whom_where_and_what(admin: Member, bob: Member) -> None:
    answer = await admin.http.post(f"/api/v1.0/accounts/{bob.id}/disable", headers={"User-Agent": "Tests/1"})
    found = await entry(admin, who=admin.id)
    assert found | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "action": "accounts.disable",
        "outcome": "done",
        "reason": None,
        "times": 1,
        "role": "admin",
        "actor_id": admin.id,
        "actor_name": "Root",
        "session_id": found["session_id"],
        "address": "127.0.0.1",
        "user_agent": "Tests/1",
        "request_id": answer.headers["x-request-id"],
        "target_kind": "account",
        "target_id": bob.id,
        "target_name": bob.email,
        "details": {"ended": 1},
    }


async def test_what_a_member_may_not_do_is_written_down_as_refused(admin: Member, ada: Member) -> None:
    assert_problem(await ada.http.post(f"/api/v1.0/accounts/{admin.id}/disable"), 403, "forbidden")
    found = await entry(admin, who=ada.id, what="accounts.disable")
    assert (found["action"], found["outcome"], found["reason"]) == ("accounts.disable", "refused", "forbidden")


async def test_sign_ins_are_written_down_whether_they_work_or_not(admin: Member, ada: Member, browser: Browser) -> None:
    given = {"email": ada.email, "password": "not the password"}
    assert_problem(await browser.http.post("/api/v1.0/session", json=given), 401, "wrong_credentials")
    refused = await entry(admin, target_kind="account", target_id=ada.id, outcome="refused")
    assert (refused["action"], refused["role"], refused["reason"]) == (
        "accounts.sign_in",
        "visitor",
        "wrong_credentials",
    )
    assert refused["target_name"] == ada.email
    done = await entry(admin, who=ada.id, what="accounts.sign_in", outcome="done")
    assert done["details"] == {"made_with": ["password"]}
    assert PASSWORD not in str(done)


async def test_only_an_admin_reads_it(ada: Member, admin: Member) -> None:
    for path in (AUDIT, f"{AUDIT}/export"):
        assert_problem(await ada.http.get(path), 403, "forbidden")
    await admin.http.delete("/api/v1.0/session")
    assert_problem(await admin.http.get(AUDIT), 401, "not_signed_in")


async def test_what_cannot_be_wanted_is_refused_with_every_mistake(admin: Member) -> None:
    wanted: dict[str, str | int] = {
        "who": "Ada", "what": "a b", "outcome": "maybe", "since": "yesterday", "limit": 0, "before": -1, "x": 1,
    }  # fmt: skip
    problem = assert_problem(await admin.http.get(AUDIT, params=wanted), 400, "invalid")
    assert set(problem["errors"]) == set(wanted)


async def test_pages_leave_nothing_out(admin: Member, bob: Member) -> None:
    for _ in range(3):
        await admin.http.post(f"/api/v1.0/accounts/{bob.id}/enable")
    everything = await entries(admin, who=admin.id, what="accounts")
    paged, before = [], None
    while True:
        wanted: dict[str, str | int] = {"who": admin.id, "what": "accounts", "limit": 1}
        wanted |= {"before": before} if before else {}
        page = (await admin.http.get(AUDIT, params=wanted)).json()
        paged += page["entries"]
        if not page["more"]:
            break
        before = paged[-1]["id"]
    assert [one["id"] for one in paged] == [one["id"] for one in everything]
    assert len(paged) == 3
