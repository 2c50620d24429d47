from django.urls import path

from transcripts.views import browsing, ingest_detail, ingests, mappings, places, reading, studies

urlpatterns = [
    path("", studies.home, name="home"),
    path("studies/<slug:slug>/transcripts/", browsing.transcript_list, name="transcript_list"),
    path("studies/<slug:slug>/transcripts/<int:pk>/", reading.transcript_detail, name="transcript_detail"),
    path(
        "studies/<slug:slug>/transcripts/<int:pk>/original/", reading.original_record, name="original_record"
    ),
    path("studies/<slug:slug>/pairs/", browsing.pair_list, name="pair_list"),
    path("studies/<slug:slug>/pairs/<int:pk>/", reading.pair_detail, name="pair_detail"),
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
]
