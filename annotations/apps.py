from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    name = "annotations"

    def ready(self) -> None:
        # The reading pages must know what an open round hides from a viewer and what annotators said, and an
        # ingest must hand on the labels in its file; `transcripts` may not import `annotations`: so all of
        # this is given to it here.
        from annotations.outside.recording import record_outside_labels
        from annotations.reading.filters import FIELDS
        from annotations.reading.history import history
        from annotations.reading.layers import LAYERS
        from annotations.reading.sample_labels import labels_of_samples
        from annotations.visibility import hidden_from
        from transcripts import filters, label_history, layers, sample_labels
        from transcripts.access import register_blinding
        from transcripts.ingest import labels

        register_blinding(hidden_from)
        labels.register(record_outside_labels)
        for field in FIELDS:
            filters.register(field)
        for layer in LAYERS:
            layers.register(layer)
        sample_labels.register(labels_of_samples)
        label_history.register(history)
