from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "afdash.accounts"
    label = "accounts"
