"""Errors of the SDK in our words: which function, which call, what next; and no secret in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import botocore.exceptions as boto

from ci.errors import AbsentError, AwsError, CredentialsError, DollopError, MovedError

WITHOUT_ACCOUNT = "to try it without an AWS account, add --local"
LOG_IN = "log in again, for example with aws sso login, and run it again"


class Revealed(str):
    """A secret on its way to AWS, which may repeat it in a refusal: the message that is made of that does not."""


_WRONG_CREDENTIALS = frozenset(
    {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"}
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NAMES = (
    *("FunctionName", "Arn", "Resource", "Name", "Rule", "NamePrefix", "logGroupName", "logGroupNamePrefix", "UUID"),
    *("deploymentGroupName", "currentDeploymentGroupName", "applicationName", "deploymentId"),
)
_ABSENT = frozenset(
    {"ResourceNotFoundException", "ParameterNotFound", "ProvisionedConcurrencyConfigNotFoundException"}
    | {"ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"}
)
_THROTTLED = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded"}
)


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def is_throttled(error: Exception) -> bool:
    """Whether the quota of calls is used up."""
    return _code(error) in _THROTTLED


def is_passing(error: Exception) -> bool:
    """Whether the same call may well succeed when it is sent again: the server failed, or the way to it."""
    if isinstance(error, boto.ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, (boto.HTTPClientError, boto.ResponseStreamingError))


def is_logged_out(error: Exception) -> bool:
    """Whether what gives credentials has none (any more)."""
    kinds = (boto.SSOError, boto.LoginError, boto.TokenRetrievalError, boto.CredentialRetrievalError)
    return isinstance(error, kinds)


def translate(
    error: Exception, operation: str, parameters: Mapping[str, Any], service: str = "lambda"
) -> DollopError:
    """An error of the SDK in our words: which function, which call, what next.

    https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
    """
    if getattr(error, "operation_name", "") == "AssumeRole":  # which comes before any call, where a role is taken on
        operation, parameters, service = "assume_role", {}, "sts"
    name = next((str(parameters[key]) for key in _NAMES if parameters.get(key)), "")
    api = "".join(word.capitalize() for word in operation.split("_"))
    where = f"{name}: {api}" if name else api
    if not isinstance(error, boto.ClientError):
        return _unreachable(_discreet(str(error), parameters), error, where)
    code = _code(error)
    text = _discreet(str(error.response.get("Error", {}).get("Message", "")) or str(error), parameters)
    message = f"{where}: {text} ({code})"
    if code in _ABSENT:
        return AbsentError(message, code=code)
    if code == "PreconditionFailedException" or (code == "InvalidParameterValueException" and "CodeSHA256" in text):
        return MovedError(f"{where}: live moved under the plan: {text}", "plan again, look, and deploy again", code)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    named = code.endswith("Exception") and code != "ServiceException"
    if operation == "invoke" and named and (status == 409 or status >= 500):
        # KMSAccessDeniedException is a 502: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        return AwsError(message, "AWS cannot start the function: mend what it says, or wait until it is ready", code)
    if code == "ResourceConflictException":
        hint = "another release or a change by hand is in progress: wait for it, then plan again"
        return MovedError(f"{where}: live moved under the plan: {text}", hint, code)
    if code in _DENIED and service == "sts":
        hint = "allow sts:AssumeRole on the role (dollop policy prints it); its trust policy must name who takes it on"
        return AwsError(message, hint, code)
    if code in _DENIED:
        return AwsError(message, _grant(text, f"{service}:{api}"), code)
    if code in _EXPIRED:
        return AwsError(message, "the credentials have expired: get new ones and run it again", code)
    if code in _WRONG_CREDENTIALS and re.search("Signature (expired|not yet current)", text):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
        return AwsError(message, "this machine's clock is wrong: set it, then run it again", code)
    if code in _WRONG_CREDENTIALS:
        return AwsError(message, f"AWS does not accept these credentials: check them; {WITHOUT_ACCOUNT}", code)
    if code == "CodeStorageExceededException":
        hint = "dollop prune deletes old versions; https://console.aws.amazon.com/servicequotas raises the quota"
        return AwsError(message, hint, code)
    if code in _THROTTLED:
        return AwsError(message, "the account's quota is used by others too: run it again later", code)
    if status >= 500:
        return AwsError(message, "AWS itself failed, several times: run it again later", code)
    if "cannot be assumed by Lambda" in text:
        hint = "the role's trust policy must let lambda.amazonaws.com assume it (sts:AssumeRole)"
        return AwsError(message, hint, code)
    return AwsError(message, code=code)


_SHORTEST_SECRET = 4
"""Characters. Whatever is shorter is found everywhere in a text."""


def _discreet(text: str, parameters: Any) -> str:
    """``text`` without the secrets that the call was made with."""
    if isinstance(parameters, Revealed):
        return text.replace(parameters, "***") if len(parameters) >= _SHORTEST_SECRET else text
    if isinstance(parameters, Mapping):
        parameters = list(parameters.values())
    for value in parameters if isinstance(parameters, list) else ():
        text = _discreet(text, value)
    return text


def _unreachable(text: str, error: Exception, where: str) -> DollopError:
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return CredentialsError(f"{where}: {text}", WITHOUT_ACCOUNT)
    if is_logged_out(error):
        return CredentialsError(f"{where}: {text}", LOG_IN)
    if isinstance(error, (boto.ParamValidationError, boto.UnknownServiceError)):
        return AwsError(f"{where}: {text}")
    return AwsError(f"{where}: {text}", "check the network, the region and AWS_ENDPOINT_URL; then run it again")


_SETTING_UP = ("cloudformation:", "iam:CreateRole", "iam:List")


def _grant(text: str, asked: str) -> str:
    """The policy line that AWS's refusal asks for."""
    action = re.search(r"perform: ([\w:-]+)", text)
    resource = re.search(r"on resource: (\S+)", text)
    named = action[1] if action else asked
    on = f" on {resource[1]}" if resource else ""
    if named.startswith(_SETTING_UP):
        return f"allow {named}{on}: setting up takes the credentials of an administrator"
    return f"allow {named}{on}: dollop policy prints the statement"
