"""The product: one folder a module, each of one shape (schemas, actions, store, routes)."""

BUILT_IN = (
    "folkmoot.modules.accounts",
    "folkmoot.modules.sessions",
    "folkmoot.modules.twofactor",
    "folkmoot.modules.resets",
    "folkmoot.modules.notices",
    "folkmoot.modules.tokens",
    "folkmoot.modules.bots",
    "folkmoot.modules.rooms",
    "folkmoot.modules.messages",
    "folkmoot.modules.commands",
    "folkmoot.modules.incoming",
    "folkmoot.modules.jobs",
    "folkmoot.modules.webhooks",
    "folkmoot.modules.services",
    "folkmoot.modules.audit",
)
