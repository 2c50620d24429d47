from django.urls import path

from annotations.views import codebooks, home, insights, labelling, rounds

STUDY = "studies/<slug:slug>/"

urlpatterns = [
    path(STUDY, home.study_home, name="study_home"),
    path(STUDY + "queue/", labelling.queue, name="queue"),
    path(STUDY + "tasks/next/", labelling.task_next, name="task_next"),
    path(STUDY + "tasks/<int:pk>/", labelling.task, name="task"),
    path(STUDY + "tasks/<int:pk>/skip/", labelling.task_skip, name="task_skip"),
    path(STUDY + "codebook/", codebooks.codebook, name="codebook"),
    path(STUDY + "rounds/", rounds.round_list, name="round_list"),
    path(STUDY + "rounds/new/", rounds.round_new, name="round_new"),
    path(STUDY + "rounds/<int:pk>/", rounds.round_detail, name="round_detail"),
    path(STUDY + "rounds/<int:pk>/state/", rounds.round_state, name="round_state"),
    path(STUDY + "insights/", insights.insights, name="insights"),
    path(STUDY + "insights/compliance-gap.<str:format>", insights.gap_download, name="gap_download"),
]
