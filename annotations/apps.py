from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    name = "annotations"

    def ready(self) -> None:
        # The reading pages must know what an open round hides from a viewer, and `transcripts`
        # may not import `annotations`: so the rule is handed to it here, once.
        from annotations.visibility import hidden_from
        from transcripts.access import register_blinding

        register_blinding(hidden_from)
