"""Signing in and out, and a person's own API tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from afdash import errors
from afdash.accounts import throttle
from afdash.accounts.models import SCOPES, ApiToken


class SignIn(LoginView):
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("username", "")
        if not name.strip() or not request.POST.get("password"):
            return super().post(request, *args, **kwargs)  # the form says what is missing
        # Before the password is looked at: a refusal must not tell whether it was right.
        if seconds := throttle.begin(request, name):
            return errors.too_many(request, seconds)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.succeed(self.request, self.request.POST["username"])
        return super().form_valid(form)


class SignOut(LogoutView):
    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        # On a shared machine, nothing of what was read stays behind in the browser.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="What it is for, so that you can tell it from others.")
    scopes = forms.MultipleChoiceField(
        choices=[(key, f"{key}: {words}") for key, words in SCOPES.items()],
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label="Ends after",
        choices=[(7, "a week"), (30, "30 days"), (90, "90 days"), (365, "a year")],
        coerce=int,
        initial=90,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens. A new one's key is shown once, on the answer to the form that made it."""
    key = ""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _, key = ApiToken.objects.issue(request.user, **form.cleaned_data)  # type: ignore[arg-type]
        form = TokenForm()
    status = 422 if form.is_bound and form.errors else 200
    own = ApiToken.objects.filter(user=request.user)
    return render(
        request, "accounts/token_list.html", {"form": form, "key": key, "tokens": own}, status=status
    )


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("tokens")
