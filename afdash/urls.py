"""Every address of afdash. The route × role test walks this; a new route fails until it is listed there."""

from django.urls import include, path

from afdash import errors

urlpatterns = [
    path("", include("afdash.accounts.urls")),
    path("", include("transcripts.urls")),
    path("", include("annotations.urls")),
    path("api/v1/", include("transcripts.api.urls")),
    path("api/v1/", include("annotations.api.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
