from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    name = "annotations"

    def ready(self) -> None:
        # The reading pages must know what an open round hides from a viewer, and an ingest must hand on
        # the labels in its file; `transcripts` may not import `annotations`: so both are given to it here.
        from annotations.outside.recording import record_outside_labels
        from annotations.visibility import hidden_from
        from transcripts.access import register_blinding
        from transcripts.ingest import labels

        register_blinding(hidden_from)
        labels.register(record_outside_labels)
