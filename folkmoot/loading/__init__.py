"""Modules that are not ours: named in `FOLKMOOT_MODULES`, loaded like our own, and reloaded when they change.

They run in this process and may do what it may: only code that the operator trusts belongs there.
"""
