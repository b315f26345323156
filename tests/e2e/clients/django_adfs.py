"""django-auth-adfs in a small Django project: its own login view sends the browser away, its own callback takes the code, checks the
access token and signs the user in. The browser in between is the test's.

Input: {"server", "client", "secret", "resource", "audience", "ca", "database", "host"} and, for the second part, {"callback"}.
Output: {"location"}, then {"status", "location", "user", "mode", "issuer", "logout"}.
"""

import json
import sys

import django
from django.conf import settings


def configure(request):
    settings.configure(
        SECRET_KEY="of a test",
        ALLOWED_HOSTS=[request["host"]],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        LOGIN_REDIRECT_URL="/inside",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": request["database"]}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django_auth_adfs"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                    "django.contrib.auth.middleware.AuthenticationMiddleware"],
        AUTHENTICATION_BACKENDS=["django_auth_adfs.backend.AdfsAuthCodeBackend"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        AUTH_ADFS={
            "SERVER": request["server"], "CLIENT_ID": request["client"], "CLIENT_SECRET": request["secret"],
            "RELYING_PARTY_ID": request["resource"], "AUDIENCE": request["audience"], "CA_BUNDLE": request["ca"],
            "USERNAME_CLAIM": "upn", "GROUPS_CLAIM": "role", "MIRROR_GROUPS": True,
        },
    )
    django.setup()


def main():
    request = json.load(sys.stdin)
    configure(request)
    from django.core.management import call_command
    from django.test import Client
    from django.urls import include, path

    urlpatterns.append(path("oauth2/", include("django_auth_adfs.urls")))

    call_command("migrate", verbosity=0)
    client = Client(SERVER_NAME=request["host"])
    if "callback" not in request:
        answer = client.get("/oauth2/login", {"next": "/inside"}, secure=True)
        json.dump({"status": answer.status_code, "location": answer["Location"]}, sys.stdout)
        return
    from django.contrib.auth.models import User
    from django_auth_adfs.config import provider_config

    answer = client.get(request["callback"], secure=True)
    user = User.objects.filter(pk=client.session.get("_auth_user_id", 0)).first()
    json.dump({
        "status": answer.status_code, "location": answer.get("Location"), "user": user and user.username,
        "groups": user and user.groups.count(), "mode": provider_config._mode, "issuer": provider_config.issuer,
        "logout": provider_config.build_end_session_endpoint(),
    }, sys.stdout)


urlpatterns = []
if __name__ == "__main__":
    main()
