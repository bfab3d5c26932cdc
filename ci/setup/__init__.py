"""Setting up for real, once: the roles in AWS, the environments and rules on GitHub."""
