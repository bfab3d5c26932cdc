"""Which modules the library of a Python has. The Python that runs us knows its own; of others, what came and went.

https://docs.python.org/3/whatsnew/
"""

from __future__ import annotations

import sys

_GONE = {
    11: "binhex",
    12: "asynchat asyncore distutils imp smtpd",
    13: "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd "
        "sunau telnetlib uu xdrlib",
}
_NEW = {9: "graphlib zoneinfo", 11: "tomllib", 14: "annotationlib compression"}
"""Minor version of Python 3 -> what it has no longer, or first."""
GONE = {name: minor for minor, names in _GONE.items() for name in names.split()}
NEW = {name: minor for minor, names in _NEW.items() for name in names.split()}


def has(module: str, python: tuple[int, int]) -> bool:
    """Whether that Python has the module, at the top of its library."""
    if module in GONE or module in NEW:
        return NEW.get(module, 0) <= python[1] < GONE.get(module, sys.maxsize)
    return module in sys.stdlib_module_names
