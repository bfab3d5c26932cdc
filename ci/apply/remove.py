"""Taking away: versions that prune finds unneeded, and whole functions."""

from __future__ import annotations

from ci.apply.job import Job
from ci.errors import AbsentError
from ci.plan.actions import DeleteVersion
from ci.plan.plan import FunctionPlan


def remove(job: Job) -> None:
    """Delete the versions and functions of the plan."""

    def one(function: FunctionPlan) -> None:
        for action in function.remove:
            qualifier = {"Qualifier": action.version} if isinstance(action, DeleteVersion) else {}
            try:
                job.aws(function).call("delete_function", FunctionName=function.aws_name, **qualifier)
            except AbsentError:
                pass  # gone already, by an earlier run that broke off
            if isinstance(action, DeleteVersion):
                job.log("deleted version", function, version=action.version)
            else:
                job.log("deleted function", function, name=function.aws_name)

    job.each("deleting", one, (function for function in job.plan.functions if function.remove))
    for old in job.plan.old_layers:  # AWS says nothing of one that is gone already
        job.sites[old.site].call("delete_layer_version", LayerName=old.layer, VersionNumber=old.version)
        site = {"site": old.site} if old.site else {}
        job.say("deleted layer", layer=old.layer, version=str(old.version), **site)
