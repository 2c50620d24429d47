from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "transcripts"

    def ready(self) -> None:
        # What can be drawn over a text is a table that other packages add to, in their own ready().
        from transcripts import filters, layer_rules, tags

        layer_rules.register()
        filters.register(tags.FIELD)
