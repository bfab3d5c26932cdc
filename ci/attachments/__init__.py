"""Attachments: what a function has around the alias of a stage: a URL, schedules, event sources, permissions. Pure.

config, live, plan, apply, render and policy have a module of that name each. What is ours carries our mark, and only
that is ever changed or taken away: a statement's id and a rule's name begin with ``dollop-``, an event source mapping
has the tag ``dollop``. A tag of the function, ``dollop:test``, tells which kinds of resources the alias ``test`` has:
tags come with GetFunction, so that a function with nothing around it costs no other call.
"""
