"""The bodies of the `ganzoo` commands, one a file, imported when their command is called."""
