from django.urls import path

from annotations.api import export, labelling, metrics

STUDY = "studies/<slug:slug>/"

urlpatterns = [
    path(STUDY + "codebooks/", labelling.Codebooks.as_view(), name="api_codebooks"),
    path(STUDY + "rounds/", labelling.Rounds.as_view(), name="api_rounds"),
    path(STUDY + "tasks/", labelling.Tasks.as_view(), name="api_tasks"),
    path(STUDY + "tasks/next/", labelling.NextTask.as_view(), name="api_task_next"),
    path(STUDY + "tasks/<int:pk>/", labelling.TaskDetail.as_view(), name="api_task"),
    path(STUDY + "tasks/<int:pk>/skip/", labelling.SkipTask.as_view(), name="api_task_skip"),
    path(STUDY + "annotations/", labelling.Annotations.as_view(), name="api_annotations"),
    path(STUDY + "annotations/<uuid:pk>/", labelling.AnnotationDetail.as_view(), name="api_annotation"),
    path(STUDY + "metrics/compliance-gap/", metrics.ComplianceGap.as_view(), name="api_compliance_gap"),
    path(STUDY + "export/", export.Export.as_view(), name="api_export"),
]
