from django.urls import path

from transcripts.views import (
    browsing,
    compare,
    cue_words,
    ingest_detail,
    ingests,
    mappings,
    pair,
    places,
    reading,
    saved_views,
    selection,
    studies,
    tags,
)

urlpatterns = [
    path("", studies.home, name="home"),
    path("studies/<slug:slug>/transcripts/", browsing.transcript_list, name="transcript_list"),
    path("studies/<slug:slug>/transcripts/<int:pk>/", reading.transcript_detail, name="transcript_detail"),
    path(
        "studies/<slug:slug>/transcripts/<int:pk>/original/", reading.original_record, name="original_record"
    ),
    path("studies/<slug:slug>/transcripts/<int:pk>/jump/", reading.transcript_jump, name="transcript_jump"),
    path("studies/<slug:slug>/pairs/", browsing.pair_list, name="pair_list"),
    path("studies/<slug:slug>/pairs/filters/", browsing.facet_list, {"of": "pairs"}, name="pair_filters"),
    path(
        "studies/<slug:slug>/transcripts/filters/",
        browsing.facet_list,
        {"of": "transcripts"},
        name="transcript_filters",
    ),
    path("studies/<slug:slug>/pairs/<int:pk>/", pair.pair_detail, name="pair_detail"),
    path("studies/<slug:slug>/prompts/", compare.prompt_list, name="prompt_list"),
    path("studies/<slug:slug>/prompts/<int:pk>/compare/", compare.prompt_compare, name="prompt_compare"),
    path("studies/<slug:slug>/ingests/", ingests.ingest_list, name="ingest_list"),
    path("studies/<slug:slug>/ingests/<int:pk>/", ingest_detail.ingest_detail, name="ingest_detail"),
    path("studies/<slug:slug>/ingests/<int:pk>/cancel/", ingest_detail.ingest_cancel, name="ingest_cancel"),
    path("studies/<slug:slug>/ingests/<int:pk>/retry/", ingest_detail.ingest_retry, name="ingest_retry"),
    path("studies/<slug:slug>/ingests/<int:pk>/remove/", ingest_detail.ingest_remove, name="ingest_remove"),
    path(
        "studies/<slug:slug>/ingests/<int:pk>/outcomes/",
        ingest_detail.ingest_outcomes,
        name="ingest_outcomes",
    ),
    path(
        "studies/<slug:slug>/ingests/<int:pk>/findings/",
        ingest_detail.ingest_findings,
        name="ingest_findings",
    ),
    path(
        "studies/<slug:slug>/ingests/<int:pk>/rejects/", ingest_detail.ingest_rejects, name="ingest_rejects"
    ),
    path("studies/<slug:slug>/ingests/<int:pk>/rejects/file/", ingest_detail.reject_file, name="reject_file"),
    path("studies/<slug:slug>/ingests/<int:pk>/mapping/", mappings.mapping, name="mapping"),
    path(
        "studies/<slug:slug>/ingests/<int:pk>/mapping/preview/",
        mappings.mapping_preview,
        name="mapping_preview",
    ),
    path("studies/<slug:slug>/mappings/", mappings.mapping_list, name="mapping_list"),
    path("studies/<slug:slug>/mappings/<int:pk>/delete/", mappings.mapping_delete, name="mapping_delete"),
    path("studies/<slug:slug>/places/<slug:name>/", places.place_detail, name="place_detail"),
    path("studies/<slug:slug>/fetches/", places.fetch_list, name="fetch_list"),
    path("studies/<slug:slug>/fetches/<int:pk>/cancel/", places.fetch_cancel, name="fetch_cancel"),
    path("studies/<slug:slug>/fetches/<int:pk>/retry/", places.fetch_retry, name="fetch_retry"),
    path("studies/<slug:slug>/pairs/<int:pk>/tags/", tags.pair_tags, name="pair_tags"),
    path("studies/<slug:slug>/transcripts/<int:pk>/tags/", tags.transcript_tags, name="transcript_tags"),
    path("studies/<slug:slug>/tags/", tags.tag_list, name="tag_list"),
    path("studies/<slug:slug>/tags/<int:pk>/rename/", tags.tag_rename, name="tag_rename"),
    path("studies/<slug:slug>/tags/<int:pk>/merge/", tags.tag_merge, name="tag_merge"),
    path("studies/<slug:slug>/tags/<int:pk>/delete/", tags.tag_delete, name="tag_delete"),
    path("studies/<slug:slug>/views/", saved_views.saved_view_list, name="saved_view_list"),
    path("studies/<slug:slug>/views/new/", saved_views.saved_view_create, name="saved_view_create"),
    path("studies/<slug:slug>/views/<int:pk>/", saved_views.saved_view, name="saved_view"),
    path(
        "studies/<slug:slug>/views/<int:pk>/change/", saved_views.saved_view_change, name="saved_view_change"
    ),
    path(
        "studies/<slug:slug>/views/<int:pk>/delete/", saved_views.saved_view_delete, name="saved_view_delete"
    ),
    path("studies/<slug:slug>/selection/", selection.selection_act, name="selection_act"),
    path("studies/<slug:slug>/cue-words/", cue_words.cue_words, name="cue_words"),
    path("studies/<slug:slug>/cue-words/preview/", cue_words.cue_words_preview, name="cue_words_preview"),
]
