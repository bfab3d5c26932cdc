"""Ship Python functions to AWS Lambda from GitHub: build, plan, deploy, promote, roll back."""

__version__ = "0.1.0"
