"""What people do about their own account, once each."""

from uuid import uuid4

from folkmoot.modules.resets import store as resets
from folkmoot.modules.sessions.tokens import hash_token
from tests.audit.scene import BETTER, Scene, Wanted, by, deed, on
from tests.people import PASSWORD
from tests.twofactor.phone import challenge_of, turn_on


@deed("accounts.sign_in")
async def sign_in(scene: Scene) -> Wanted:
    await scene.ask("POST", "/session", scene.visitor, email=scene.bob.email, password=PASSWORD)
    return by(scene.bob)


@deed("accounts.sign_in_program")
async def sign_in_program(scene: Scene) -> Wanted:
    await scene.ask("POST", "/user/auth", scene.visitor, email=scene.bob.email, password=PASSWORD)
    return by(scene.bob)


async def second_step(scene: Scene, path: str) -> Wanted:
    careful = await turn_on(scene.bob)
    given = {"challenge": await challenge_of(scene.node, scene.bob.email, f"/api/v1.0{path}")}
    await scene.ask("POST", f"{path}/code", scene.visitor, **given, code=careful.recovery_codes[0])
    return by(scene.bob)


@deed("twofactor.sign_in")
async def sign_in_with_a_code(scene: Scene) -> Wanted:
    return await second_step(scene, "/session")


@deed("twofactor.sign_in_program")
async def sign_in_program_with_a_code(scene: Scene) -> Wanted:
    return await second_step(scene, "/user/auth")


@deed("resets.choose")
async def choose(scene: Scene) -> Wanted:
    token = f"fmr_{uuid4().hex}"
    async with scene.node.core.database.connection() as connection:  # as the job does that sends the letter
        await resets.make(connection, scene.bob.email, hash_token(token), 60)
    await scene.ask("POST", "/resets/choose", scene.visitor, token=token, password=BETTER)
    return on("account", scene.bob.id)


# -- one's own


@deed("accounts.change_password")
async def change_password(scene: Scene) -> Wanted:
    await scene.ask("PUT", "/session/password", scene.bob.http, password=PASSWORD, new_password=BETTER)
    return by(scene.bob)


@deed("sessions.revoke")
async def revoke_session(scene: Scene) -> Wanted:
    await scene.ask("POST", "/user/auth", scene.visitor, email=scene.bob.email, password=PASSWORD)
    (other,) = [
        session["id"]
        for session in (await scene.ask("GET", "/sessions", scene.bob.http))["sessions"]
        if not session["current"]
    ]
    await scene.ask("DELETE", f"/sessions/{other}", scene.bob.http)
    return by(scene.bob)


@deed("sessions.revoke_others")
async def revoke_others(scene: Scene) -> Wanted:
    await scene.ask("DELETE", "/sessions", scene.bob.http)
    return by(scene.bob)


@deed("sessions.sign_out")
async def sign_out(scene: Scene) -> Wanted:
    await scene.ask("DELETE", "/session", scene.bob.http)
    return by(scene.bob)


@deed("sessions.confirm")
async def confirm_session(scene: Scene) -> Wanted:
    await scene.ask("POST", "/session/confirm", scene.bob.http, password=PASSWORD)
    return by(scene.bob)


@deed("twofactor.enrol")
async def enrol_phone(scene: Scene) -> Wanted:
    await scene.ask("POST", "/second-factor", scene.bob.http)
    return by(scene.bob)


@deed("twofactor.confirm")
async def confirm_phone(scene: Scene) -> Wanted:
    await turn_on(scene.bob)
    return by(scene.bob)


@deed("twofactor.renew_recovery_codes")
async def renew_recovery_codes(scene: Scene) -> Wanted:
    await turn_on(scene.bob)
    await scene.ask("POST", "/second-factor/recovery-codes", scene.bob.http)
    return by(scene.bob)


@deed("twofactor.turn_off")
async def turn_off(scene: Scene) -> Wanted:
    careful = await turn_on(scene.bob)
    given = {"password": PASSWORD, "code": careful.recovery_codes[0]}
    await scene.ask("POST", "/second-factor/off", scene.bob.http, **given)
    return by(scene.bob)


@deed("tokens.issue")
async def issue_token(scene: Scene) -> Wanted:
    await scene.ask("POST", "/tokens", scene.bob.http, name="A program", scopes=["all"])
    return by(scene.bob)


@deed("tokens.revoke")
async def revoke_token(scene: Scene) -> Wanted:
    token = await scene.ask("POST", "/tokens", scene.bob.http, name="A program", scopes=["all"])
    await scene.ask("DELETE", f"/tokens/{token['about']['id']}", scene.bob.http)
    return by(scene.bob)
