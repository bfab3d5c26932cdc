"""The verbs, a file each, named as the verb: parse, gather, call, print. A verb imports only what it needs."""
