"""The project: settings, addresses, Celery, and the servers that `make run` starts."""
