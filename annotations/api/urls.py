from django.urls import path

from annotations.api import codebooks, export, labelling, metrics

STUDY = "studies/<slug:slug>/"

urlpatterns = [
    path(STUDY + "codebooks/", codebooks.Codebooks.as_view(), name="api_codebooks"),
    path(STUDY + "codebooks/<int:pk>/", codebooks.CodebookDetail.as_view(), name="api_codebook"),
    path(
        STUDY + "codebooks/<int:pk>/changes/",
        codebooks.CodebookChanges.as_view(),
        name="api_codebook_changes",
    ),
    path(STUDY + "rounds/<int:pk>/codebook/", codebooks.RoundCodebook.as_view(), name="api_round_codebook"),
    path(STUDY + "rounds/", labelling.Rounds.as_view(), name="api_rounds"),
    path(STUDY + "tasks/", labelling.Tasks.as_view(), name="api_tasks"),
    path(STUDY + "tasks/next/", labelling.NextTask.as_view(), name="api_task_next"),
    path(STUDY + "tasks/<int:pk>/", labelling.TaskDetail.as_view(), name="api_task"),
    path(STUDY + "tasks/<int:pk>/skip/", labelling.SkipTask.as_view(), name="api_task_skip"),
    path(STUDY + "tasks/<int:pk>/release/", labelling.ReleaseTask.as_view(), name="api_task_release"),
    path(STUDY + "tasks/<int:pk>/feedback/", labelling.TaskFeedback.as_view(), name="api_task_feedback"),
    path(STUDY + "annotations/", labelling.Annotations.as_view(), name="api_annotations"),
    path(STUDY + "annotations/<uuid:pk>/", labelling.AnnotationDetail.as_view(), name="api_annotation"),
    path(STUDY + "metrics/compliance-gap/", metrics.ComplianceGap.as_view(), name="api_compliance_gap"),
    path(STUDY + "export/", export.Export.as_view(), name="api_export"),
]
