from django.apps import AppConfig


class AfdashConfig(AppConfig):
    """The project itself: commands that belong to no one app."""

    name = "afdash"

    def ready(self) -> None:
        # Whoever uses Django may ring for a worker, and must find our Celery application, not a default one.
        from afdash import celery  # noqa: F401
