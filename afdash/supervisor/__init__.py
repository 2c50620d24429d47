"""Runs afdash on one machine: the embedded servers, the workers and the web server, as one command.

`python -m afdash.supervisor run` is what `make run` calls; `servers_for_command` lends the servers to a
management command, whether or not afdash is running.
"""

from .servers import servers_for_command

__all__ = ["servers_for_command"]
