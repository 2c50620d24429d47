from django.contrib.auth.decorators import login_not_required
from django.urls import path

from afdash.accounts import views

urlpatterns = [
    path("accounts/login/", login_not_required(views.SignIn.as_view()), name="login"),
    path("accounts/logout/", views.SignOut.as_view(), name="logout"),
    path("accounts/tokens/", views.tokens, name="tokens"),
    path("accounts/tokens/<int:pk>/revoke/", views.token_revoke, name="token_revoke"),
]
