"""PostgreSQL and Redis on this machine, from the binaries that two Python packages carry.

Both are real servers on unix sockets that only their own user and root can reach; nothing listens on TCP.
They die with the process that started them, and a start repairs what a kill or a power cut left behind.
"""


class EmbeddedServerError(Exception):
    """An embedded server cannot be used; the message is one or two sentences for whoever ran the command."""
