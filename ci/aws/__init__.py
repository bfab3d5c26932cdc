"""The way to AWS: sessions, pacing, paging, waiting, and errors in our words. The only importer of boto3.

There is no wrapper per API: ``call("update_alias", FunctionName=..., ...)`` takes what boto3 takes.
"""

from ci.aws.client import Aws, Limits
from ci.aws.session import connect
from ci.aws.translation import Revealed

__all__ = ["Aws", "Limits", "Revealed", "connect"]
