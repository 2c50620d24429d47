from django.urls import path

from transcripts.api import ingests, mappings, places, reading, saved_views, tags

STUDY = "studies/<slug:slug>/"

urlpatterns = [
    path("studies/", reading.Studies.as_view(), name="api_studies"),
    path(STUDY + "runs/", reading.Runs.as_view(), name="api_runs"),
    path(STUDY + "arms/", reading.Arms.as_view(), name="api_arms"),
    path(STUDY + "prompts/", reading.Prompts.as_view(), name="api_prompts"),
    path(STUDY + "transcripts/", reading.Transcripts.as_view(), name="api_transcripts"),
    path(STUDY + "transcripts/<int:pk>/", reading.TranscriptDetail.as_view(), name="api_transcript"),
    path(STUDY + "pairs/", reading.Pairs.as_view(), name="api_pairs"),
    path(STUDY + "pairs/<int:pk>/", reading.PairDetail.as_view(), name="api_pair"),
    path(STUDY + "ingests/", ingests.Ingests.as_view(), name="api_ingests"),
    path(STUDY + "ingests/<int:pk>/", ingests.IngestDetail.as_view(), name="api_ingest"),
    path(STUDY + "ingests/<int:pk>/rejects/", ingests.Rejects.as_view(), name="api_rejects"),
    path(STUDY + "ingests/<int:pk>/findings/", ingests.Findings.as_view(), name="api_findings"),
    path(STUDY + "places/", places.Places.as_view(), name="api_places"),
    path(STUDY + "places/<slug:name>/", places.PlaceDetail.as_view(), name="api_place"),
    path(STUDY + "places/<slug:name>/ingest/", places.PlaceIngest.as_view(), name="api_place_ingest"),
    path(STUDY + "fetches/", places.Fetches.as_view(), name="api_fetches"),
    path(STUDY + "fetches/<int:pk>/", places.FetchDetail.as_view(), name="api_fetch"),
    path(STUDY + "ingests/<int:pk>/cancel/", ingests.Cancel.as_view(), name="api_ingest_cancel"),
    path(STUDY + "ingests/<int:pk>/retry/", ingests.Retry.as_view(), name="api_ingest_retry"),
    path(STUDY + "ingests/<int:pk>/rejects/file/", ingests.RejectFile.as_view(), name="api_reject_file"),
    path(STUDY + "ingests/<int:pk>/mapping/", mappings.IngestMapping.as_view(), name="api_ingest_mapping"),
    path(
        STUDY + "ingests/<int:pk>/mapping/preview/",
        mappings.MappingPreview.as_view(),
        name="api_mapping_preview",
    ),
    path(STUDY + "mappings/", mappings.SavedMappings.as_view(), name="api_mappings"),
    path(STUDY + "mappings/<int:pk>/", mappings.SavedMappingDetail.as_view(), name="api_mapping"),
    path(STUDY + "saved-views/", saved_views.SavedViews.as_view(), name="api_saved_views"),
    path(STUDY + "saved-views/<int:pk>/", saved_views.SavedViewDetail.as_view(), name="api_saved_view"),
    path(STUDY + "tags/", tags.Tags.as_view(), name="api_tags"),
    path(STUDY + "tags/<int:pk>/", tags.TagDetail.as_view(), name="api_tag"),
    path(STUDY + "tags/<int:pk>/rename/", tags.TagRename.as_view(), name="api_tag_rename"),
    path(STUDY + "tags/<int:pk>/merge/", tags.TagMerge.as_view(), name="api_tag_merge"),
    path(STUDY + "taggings/", tags.Taggings.as_view(), name="api_taggings"),
]
