"""What the product can do: actions, declared once and reached through every door.

An action is an async function of a `Call` and a schema. Its input is a pydantic model, so that every mistake of a form
is named at once; its output is a msgspec Struct, which is encoded on the hot path, or anything else that
`docs/reference/json.md` knows how to write.
"""

from folkmoot.actions.access import Access, Reach
from folkmoot.actions.call import Call, Caller, Role
from folkmoot.actions.declared import Action
from folkmoot.actions.declaring import action, declared_in
from folkmoot.actions.mistakes import messages_by_field
from folkmoot.actions.registry import Registry
from folkmoot.actions.shapes import Done, Input, Nothing, Output
from folkmoot.actions.values import DIGITS, MAX_ID, ONE_LINE, PRINTABLE, Id, Seq, Written

__all__ = [
    "DIGITS",
    "MAX_ID",
    "ONE_LINE",
    "PRINTABLE",
    "Access",
    "Action",
    "Call",
    "Caller",
    "Done",
    "Id",
    "Input",
    "Nothing",
    "Output",
    "Reach",
    "Registry",
    "Role",
    "Seq",
    "Written",
    "action",
    "declared_in",
    "messages_by_field",
]
