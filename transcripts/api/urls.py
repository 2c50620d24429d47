from django.urls import path

from transcripts.api import ingests, reading

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
]
