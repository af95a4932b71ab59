"""Writes docs/reference/permissions.md: who may do what, from what each action declares."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from folkmoot.actions import Access, Action, Reach, Registry  # noqa: E402
from folkmoot.modules import BUILT_IN  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "permissions.md"

YES, NO = "yes", "no"

HEAD = """# Who may do what

Every action, and who may perform it: by whichever door, for the check is the action's own. It stands in the
declaration of the action, in its module's `actions.py`; this page is written by `scripts/permissions.py` from there,
and a test tries each cell of it over HTTP, the socket and gRPC.

- A **visitor** has not signed in. A **member** and an **admin** have, themselves or by a token. A **bot** has tokens
  and nothing else. The **operator** is whoever has the machine: commands such as `folkmoot user disable` act as an
  admin who has no account, no sessions and no rooms.
- **On what** says what the role alone does not decide: a room is found through its member, and what is not the
  caller's is answered as what is not there (404). Rooms have no owner: who is in one may add others. Admins see no
  more of rooms than any member.
- **Doors**: REST, the JSON addresses, `rpc` on the socket, and gRPC; or REST alone, where the answer starts a session
  or asks for none.
- **Token**: a token may perform what its scopes name: `all`, the module, or the action. The others take a sign-in of
  one's own, whatever the scopes.
- **Fresh**: the sign-in must have been made, or confirmed with a password or a code, within `FOLKMOOT_REAUTH_S`. A
  token needs no confirmation.
- **Before enrolling**: open to somebody who must turn on a second factor before anything else.
- **Audit**: each time it is performed or refused is an entry of the [audit log](../how-to/audit.md). Of all others
  only the refusal of a permission is.
- **Cost**: as how many requests it counts of those that one user may make (`FOLKMOOT_ACTIONS_PER_S`), by whichever
  door; 1 where nothing is said.
"""


class Row(NamedTuple):
    """What the page says of an action."""

    action: str
    visitor: str
    member: str
    bot: str
    admin: str
    operator: str
    on_what: str
    doors: str
    token: str
    fresh: str
    before_enrolling: str
    audit: str
    cost: str


def rows(actions: Iterable[Action[Any, Any]]) -> list[Row]:
    """A row for each action, in the order of the modules."""
    return [_row(action) for action in actions]


def page(actions: Iterable[Action[Any, Any]]) -> str:
    """The whole page."""
    titles = [name.replace("_", " ") for name in Row._fields]
    table = [titles, ["---"] * len(titles), *rows(actions)]
    return HEAD + "\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in table) + "\n"


def ours() -> list[Action[Any, Any]]:
    """All actions of our own modules."""
    return list(Registry(BUILT_IN).actions.values())


def _row(action: Action[Any, Any]) -> Row:
    is_open, is_for_admins = action.access is Access.ANYONE, action.access is Access.ADMIN
    member = NO if is_for_admins else YES
    return Row(
        action=f"`{action.method}`",
        visitor=YES if is_open else NO,
        member=member,
        bot=NO if action.own_sign_in else member,
        admin=YES,
        operator=YES if is_for_admins and action.reach is Reach.ALL else NO,
        on_what=action.reach.value if action.reach else "not declared",
        doors="all" if action.has_doors else "REST",
        token="" if is_open else NO if action.own_sign_in else YES,
        fresh=YES if action.is_sensitive else "",
        before_enrolling=YES if action.while_enrolling or is_open else "",
        audit=YES if action.audits else "",
        cost=str(action.cost) if action.cost > 1 else "",
    )


if __name__ == "__main__":
    PAGE.write_text(page(ours()))
