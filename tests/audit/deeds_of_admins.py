"""What admins do, and whoever lets somebody into a room, once each."""

from uuid import uuid4

from tests.audit.scene import BETTER, Scene, Wanted, by, deed, on


@deed("accounts.add")
async def add_account(scene: Scene) -> Wanted:
    email = f"{uuid4().hex}@example.org"
    await scene.ask("POST", "/accounts", email=email, name="Cleo", password=BETTER, role="member")
    return by(scene.ada)


@deed("accounts.set_password")
async def set_password(scene: Scene) -> Wanted:
    await scene.ask("PUT", f"/accounts/{scene.bob.id}/password", password=BETTER)
    return by(scene.ada) | on("account", scene.bob.id)


@deed("accounts.disable")
async def disable(scene: Scene) -> Wanted:
    await scene.ask("POST", f"/accounts/{scene.bob.id}/disable")
    return by(scene.ada) | on("account", scene.bob.id)


@deed("accounts.enable")
async def enable(scene: Scene) -> Wanted:
    await scene.ask("POST", f"/accounts/{scene.bob.id}/enable")
    return by(scene.ada) | on("account", scene.bob.id)


@deed("bots.add")
async def add_bot(scene: Scene) -> Wanted:
    await scene.ask("POST", "/bots", name="Robot")
    return by(scene.ada)


async def token_of_bot(scene: Scene) -> str:
    bot = await scene.ask("POST", "/bots", name="Robot")
    token = await scene.ask("POST", f"/bots/{bot['id']}/tokens", name="Its token", scopes=["all"])
    return f"/bots/{bot['id']}/tokens/{token['about']['id']}"


@deed("bots.issue_token")
async def issue_token_of_bot(scene: Scene) -> Wanted:
    await token_of_bot(scene)
    return by(scene.ada)


@deed("bots.revoke_token")
async def revoke_token_of_bot(scene: Scene) -> Wanted:
    await scene.ask("DELETE", await token_of_bot(scene))
    return by(scene.ada)


@deed("rooms.add")
async def add_to_room(scene: Scene) -> Wanted:
    room_id = await scene.ada.make_room(visibility="private")
    await scene.ask("POST", f"/rooms/{room_id}/members", user_id=scene.bob.id)
    return by(scene.ada)


@deed("incoming.make")
async def make_hook(scene: Scene) -> Wanted:
    await scene.ask("POST", "/incoming-hooks", room_id=await scene.ada.make_room(), name="Builds")
    return by(scene.ada)


@deed("incoming.revoke")
async def revoke_hook(scene: Scene) -> Wanted:
    made = await scene.ask("POST", "/incoming-hooks", room_id=await scene.ada.make_room(), name="Builds")
    hook_id = made["hook"]["id"]
    await scene.ask("DELETE", f"/incoming-hooks/{hook_id}")
    return by(scene.ada) | on("hook", hook_id)


@deed("jobs.retry")
async def retry_job(scene: Scene) -> Wanted:
    job_id = await scene.failed_job()
    await scene.ask("POST", f"/jobs/{job_id}/retry")
    return by(scene.ada) | on("job", job_id)


@deed("jobs.retry_all")
async def retry_all_jobs(scene: Scene) -> Wanted:
    await scene.failed_job()
    await scene.ask("POST", "/jobs/retry")
    return by(scene.ada)


@deed("jobs.discard")
async def discard_job(scene: Scene) -> Wanted:
    job_id = await scene.failed_job()
    await scene.ask("DELETE", f"/jobs/{job_id}")
    return by(scene.ada) | on("job", job_id)


@deed("webhooks.add")
async def add_webhook(scene: Scene) -> Wanted:
    return by(scene.ada) | on("webhook", await scene.webhook())


@deed("webhooks.remove")
async def remove_webhook(scene: Scene) -> Wanted:
    hook_id = await scene.webhook()
    await scene.ask("DELETE", f"/webhooks/{hook_id}")
    return by(scene.ada) | on("webhook", hook_id)


@deed("webhooks.rotate")
async def rotate_webhook(scene: Scene) -> Wanted:
    hook_id = await scene.webhook()
    await scene.ask("POST", f"/webhooks/{hook_id}/secret")
    return by(scene.ada) | on("webhook", hook_id)


@deed("webhooks.retry")
async def retry_webhook(scene: Scene) -> Wanted:
    hook_id = await scene.webhook()
    await scene.ask("POST", f"/webhooks/{hook_id}/retry")
    return by(scene.ada) | on("webhook", hook_id)


@deed("audit.export")
async def export(scene: Scene) -> Wanted:
    answer = await scene.ada.http.get("/api/v1.0/audit/export")
    assert answer.status_code == 200, answer.text
    return by(scene.ada)
