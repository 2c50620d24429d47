from django.urls import path

from transcripts.views import browsing, ingests, reading, studies

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
    path("studies/<slug:slug>/ingests/<int:pk>/", ingests.ingest_detail, name="ingest_detail"),
    path("studies/<slug:slug>/ingests/<int:pk>/cancel/", ingests.ingest_cancel, name="ingest_cancel"),
    path("studies/<slug:slug>/ingests/<int:pk>/retry/", ingests.ingest_retry, name="ingest_retry"),
]
