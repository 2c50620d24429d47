from django.urls import path

from annotations.views import (
    codebook_editor,
    codebook_move,
    codebooks,
    home,
    insights,
    labelling,
    queue,
    round_changes,
    rounds,
)

STUDY = "studies/<slug:slug>/"

urlpatterns = [
    path(STUDY, home.study_home, name="study_home"),
    path(STUDY + "queue/", queue.queue, name="queue"),
    path(STUDY + "tasks/next/", queue.task_next, name="task_next"),
    path(STUDY + "tasks/<int:pk>/", labelling.task, name="task"),
    path(STUDY + "tasks/<int:pk>/skip/", queue.task_skip, name="task_skip"),
    path(STUDY + "tasks/<int:pk>/release/", queue.task_release, name="task_release"),
    path(STUDY + "tasks/<int:pk>/feedback/", queue.task_feedback, name="task_feedback"),
    path(STUDY + "codebook/", codebooks.codebook, name="codebook"),
    path(STUDY + "codebook/new/", codebook_editor.codebook_new, name="codebook_new"),
    path(STUDY + "codebook/edit/", codebook_editor.codebook_edit, name="codebook_edit"),
    path(STUDY + "codebook/preview/", codebook_editor.codebook_preview, name="codebook_preview"),
    path(STUDY + "codebook/versions/", codebooks.codebook_versions, name="codebook_versions"),
    path(
        STUDY + "codebook/versions/<int:pk>.yaml",
        codebooks.codebook_file,
        {"format": "yaml"},
        "codebook_yaml",
    ),
    path(
        STUDY + "codebook/versions/<int:pk>.json",
        codebooks.codebook_file,
        {"format": "json"},
        "codebook_json",
    ),
    path(STUDY + "another-look/", codebooks.codebook_another_look, name="another_look"),
    path(STUDY + "rounds/", rounds.round_list, name="round_list"),
    path(STUDY + "rounds/new/", rounds.round_new, name="round_new"),
    path(STUDY + "rounds/new/preview/", rounds.round_preview, name="round_preview"),
    path(STUDY + "rounds/<int:pk>/", rounds.round_detail, name="round_detail"),
    path(STUDY + "rounds/<int:pk>/state/", rounds.round_state, name="round_state"),
    path(STUDY + "rounds/<int:pk>/change/", round_changes.round_change, name="round_change"),
    path(STUDY + "rounds/<int:pk>/right/", round_changes.round_right, name="round_right"),
    path(STUDY + "rounds/<int:pk>/codebook/", codebook_move.round_codebook, name="round_codebook"),
    path(
        STUDY + "rounds/<int:pk>/codebook/preview/",
        codebook_move.round_codebook_preview,
        name="round_codebook_preview",
    ),
    path(STUDY + "insights/", insights.insights, name="insights"),
    path(STUDY + "insights/compliance-gap.<str:format>", insights.gap_download, name="gap_download"),
]
